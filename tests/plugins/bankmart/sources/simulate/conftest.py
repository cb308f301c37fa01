"""One small synthetic bank, made once and read by all tests of its room."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from bankmart.sources import contract, landing
from bankmart.sources.simulate import SimulationConfig, simulate

GO_LIVE = date(2026, 10, 31)
DATES = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)]
Read = Callable[[str, date], pd.DataFrame]


def read_extract(root: Path, identifier: str, business_date: date) -> pd.DataFrame:
    """An extract as text, read as its manifest says; None where it is null."""
    system, name = identifier.split("__")
    place = landing.folder(root, system, name, business_date)
    manifest = landing.Manifest(**json.loads((place / landing.MANIFEST).read_text()))
    path = place / manifest.file
    assert landing.sha256(path) == manifest.sha256
    if manifest.format == "parquet":
        rows = pd.read_parquet(path, dtype_backend="numpy_nullable").astype("string")
    else:
        rows = pd.read_csv(
            path, sep=manifest.delimiter, encoding=manifest.encoding, dtype="string", keep_default_na=False,
            na_values=[""],
        )  # fmt: skip
    assert len(rows) == manifest.row_count
    return rows


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> SimulationConfig:
    """600 customers, 14 months, 2 days, nothing late."""
    root = tmp_path_factory.mktemp("bank")
    config = SimulationConfig(
        root / "landing", root / "truth", customers=600, months=14, days=2, go_live=GO_LIVE, late=False
    )
    simulate(config)
    return config


@pytest.fixture(scope="session")
def days() -> list[date]:
    """The bank's business dates."""
    return DATES


@pytest.fixture(scope="session")
def read(bank: SimulationConfig) -> Read:
    """Reads an extract of the bank by table and business date; every call gives a copy."""
    kept = cache(lambda identifier, business_date: read_extract(bank.landing, identifier, business_date))
    return lambda identifier, business_date: kept(identifier, business_date).copy()


@pytest.fixture(scope="session")
def whole(read: Read) -> Callable[[str], pd.DataFrame]:
    """Reads all business dates of a table, with the date as `_date`; every call gives a copy."""
    kept = cache(lambda identifier: pd.concat([read(identifier, day).assign(_date=str(day)) for day in DATES]))
    return lambda identifier: kept(identifier).copy()


@pytest.fixture(scope="session")
def tables() -> dict[str, contract.Table]:
    """The contract's tables by identifier."""
    return {table.identifier: table for system in contract.load().values() for table in system.values()}
