from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from bankmart.sources import landing
from bankmart.sources.simulate import SimulationConfig, simulate

GO_LIVE = date(2026, 10, 31)
DAYS = [GO_LIVE + timedelta(days=number) for number in range(13)]


def read(root: Path, table: str, business_date: date) -> pd.DataFrame:
    place = landing.folder(root, "core_banking", table, business_date)
    manifest = json.loads((place / landing.MANIFEST).read_text())
    rows = pd.read_csv(place / manifest["file"], dtype=str).assign(delivered=str(business_date))
    assert len(rows) == manifest["row_count"]
    return rows


@pytest.fixture(scope="module")
def banks(tmp_path_factory) -> dict[bool, Path]:
    """The same bank twice, by whether rows come late: 500 customers, 5 months, 12 days."""
    roots = {}
    for late in (False, True):
        root = roots[late] = tmp_path_factory.mktemp("late")
        simulate(SimulationConfig(root, root / "truth", customers=500, months=5, days=12, go_live=GO_LIVE, late=late))
    return roots


def whole(root: Path, table: str) -> pd.DataFrame:
    return pd.concat([read(root, table, day) for day in DAYS], ignore_index=True)


@pytest.mark.parametrize(
    ("table", "key", "happened"),
    [
        ("transaction", ["transaction_id"], "transaction_date"),
        ("balance", ["account_id", "balance_date"], "balance_date"),
    ],
)
def test_a_few_rows_come_one_to_nine_days_late_and_none_early(banks, table, key, happened):
    on_time, late = whole(banks[False], table), whole(banks[True], table)
    ordinary = on_time[on_time["delivered"] > str(GO_LIVE)]
    assert (ordinary[happened] == ordinary["delivered"]).all()
    daily = late[late["delivered"] > str(GO_LIVE)]
    lateness = (pd.to_datetime(daily["delivered"]) - pd.to_datetime(daily[happened])).dt.days
    assert lateness.min() == 0
    assert 1 < lateness.max() <= 9
    assert 0.001 < (lateness > 0).mean() < 0.02
    assert not late.duplicated(key).any()
    # Nothing is lost or changed but what is still to come.
    columns = [name for name in on_time if name != "delivered"]
    missing = on_time.merge(late[columns], how="left", on=columns, indicator=True)
    assert (missing.loc[missing["_merge"] == "left_only", happened] > str(DAYS[-1] - timedelta(days=9))).all()
    assert len(late) + (missing["_merge"] == "left_only").sum() == len(on_time)


def test_a_late_balance_may_be_of_an_account_that_has_moved_since(banks):
    rows = whole(banks[True], "balance")
    late = rows[(rows["delivered"] > rows["balance_date"]) & (rows["delivered"] > str(GO_LIVE))]
    both = late.merge(rows, on="account_id", suffixes=("", "_other"))
    moved = (both["balance_date_other"] > both["balance_date"]) & (both["delivered_other"] < both["delivered"])
    assert moved.any()


def test_some_customers_are_restated_between_two_known_versions(banks):
    rows = whole(banks[True], "customer").sort_values("delivered", kind="stable")
    assert not rows.duplicated(["customer_id", "delivered"]).any()
    restated = 0
    for _, versions in rows.groupby("customer_id"):
        latest = versions["effective_date"].cummax().shift()
        restated += int((versions["effective_date"] < latest).sum())
        assert (versions["effective_date"] <= versions["delivered"]).all()
    assert restated >= 12
    assert len(rows) - restated == len(whole(banks[False], "customer"))


def test_the_history_before_is_the_same_but_for_what_is_withheld(banks):
    for table in ("transaction", "balance"):
        on_time, late = (read(banks[late], table, GO_LIVE) for late in (False, True))
        assert 0 < len(on_time) - len(late) < 0.01 * len(on_time)
    assert len(read(banks[True], "customer", GO_LIVE)) == len(read(banks[False], "customer", GO_LIVE))
