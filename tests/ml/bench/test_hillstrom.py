"""A cut of Hillstrom's e-mail test through adapter, loader and dbt: the marts say what the file says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bankmart.bench.place import own_server
from ml.bench import hillstrom

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "hillstrom"
ROWS = 2000


@pytest.fixture(scope="module")
def mart():
    if not DATA.is_dir():
        pytest.skip(f"{DATA} isn't there: the public data sets aren't part of the project")
    with own_server() as state:
        return hillstrom.from_marts(DATA, state / "landing", ROWS)


@pytest.fixture(scope="module")
def file():
    (path,) = DATA.glob("*.csv")
    return pd.read_csv(path).head(ROWS)


def test_the_marts_have_the_files_rates(mart, file):
    found = hillstrom.rates(mart)
    for segment, treatment in hillstrom.adapter.TREATMENTS.items():
        own = file[file["segment"] == segment]
        assert found[treatment]["customers"] == len(own)
        for name in ("visit", "conversion", "spend"):
            assert found[treatment][name] == pytest.approx(own[name].mean(), abs=6e-6)


def test_what_was_known_before_the_email_is_read_back(mart, file):
    assert mart["customer_id"].tolist() == [f"H{at + 1:06d}" for at in range(ROWS)]
    assert mart["history_amount"].astype(float).to_numpy() == pytest.approx(file["history"].to_numpy())
    assert (mart["has_mens"] == file["mens"]).all()
    assert (mart["has_womens"] == file["womens"]).all()
    assert (mart["recency_days"] == file["recency"] * 30).all()
    assert (mart["branch_id"] == file["zip_code"]).all()
    assert ((mart["tenure_days"] <= 365) == (file["newbie"] == 1)).all()
    assert (mart["uses_web"] == (file["channel"] != "Phone")).all()
    assert (mart["uses_phone"] == (file["channel"] != "Web")).all()
