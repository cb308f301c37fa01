from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from bankmart.sources.simulate import SimulationConfig, simulate

SMALL = {"customers": 120, "months": 4}


def hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def make(root: Path, **changes: object) -> dict[str, str]:
    config = SimulationConfig(root / "landing", root / "truth", **(SMALL | changes))  # type: ignore[arg-type]
    simulate(config)
    return hashes(root)


def test_the_same_config_gives_the_same_bytes(tmp_path):
    one = make(tmp_path / "one", days=2)
    assert one == make(tmp_path / "two", days=2)
    assert one != make(tmp_path / "three", days=2, seed=8)


@pytest.mark.parametrize("go_live", [date(2026, 10, 31), date(2026, 3, 12)])
def test_a_days_files_do_not_depend_on_the_days_asked_for(tmp_path, go_live):
    short = make(tmp_path / "short", days=2, go_live=go_live)
    long = make(tmp_path / "long", days=33, go_live=go_live)
    landed = {name: value for name, value in short.items() if name.startswith("landing/")}
    assert landed.items() <= long.items()
    assert len(landed) < len(long)


def test_no_days_gives_the_history_alone(tmp_path):
    names = make(tmp_path, days=0)
    assert {name.split("/")[3] for name in names if name.startswith("landing")} == {"2026-10-31"}


def test_full_tables_come_whole_and_others_with_what_is_new(bank, tables, read):
    for identifier, table in tables.items():
        first, later = read(identifier, date(2026, 10, 31)), read(identifier, date(2026, 11, 2))
        if table.extract == "full":
            assert len(later) >= len(first) > 0
        elif table.extract == "delta":
            assert set(later["effective_date"]) <= {"2026-11-02"}
            assert pd.Series(first["effective_date"]).max() <= "2026-10-31"
        else:
            moment = [c.name for c in table.columns if c.name.endswith(("_at", "_date"))][0]
            if identifier == "wealth__risk_assessment":
                moment = "assessed_date"
            assert set(later[moment].str[:10]) <= {"2026-11-02"}
            assert first[moment].dropna().str[:10].between("2025-09-01", "2026-10-31").all()


def test_every_table_has_rows(tables, read):
    assert [i for i in tables if not len(read(i, date(2026, 10, 31)))] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"customers": 3}, "at least 50"),
        ({"months": 0}, "at least 1"),
        ({"days": -1}, "at least 0"),
        ({"faults": ("gremlin",)}, "no such fault: gremlin"),
    ],
)
def test_what_cannot_be_simulated_is_refused(bank, changes, message):
    with pytest.raises(ValueError, match=message):
        replace(bank, **changes)
