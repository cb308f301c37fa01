from __future__ import annotations

from datetime import date

import pytest

from bankmart import db
from ml.data.leakage import check_leakage, refuse_leakage
from ml.data.training import read_training
from ml.errors import LeakageFound
from ml.spec import load_spec

TODAY, THEN = date(2025, 10, 31), date(2025, 7, 31)
SPEC = load_spec("churn")


def check() -> int:
    data = read_training(SPEC, TODAY)
    with db.connect("scorer") as link:
        return refuse_leakage(link, SPEC, data)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_column_made_from_the_outcome_is_found(bank, sign):
    bank.training(lambda frame: frame.assign(tenure_days=sign * frame["is_churn"] + frame["tenure_days"] / 1e6))
    with pytest.raises(LeakageFound, match="tenure_days .AUC 1.0"):
        check()


def test_a_column_that_is_null_just_for_churners_is_found(bank):
    bank.training(lambda frame: frame.assign(tenure_days=frame["tenure_days"].mask(frame["is_churn"])))
    with pytest.raises(LeakageFound, match="tenure_days"):
        check()


def daily_of_then(bank, *changes):
    """The daily build of a training date, which saw the same but for `changes`."""
    build_id = bank.build("daily", THEN, "published")
    bank.execute("create table then_ as select * from features.ftr_customer where as_of_date = %s", THEN)
    bank.execute("update then_ set build_id = %s", build_id)
    for change in changes:
        bank.execute(change)
    bank.execute("insert into features.ftr_customer select * from then_; drop table then_")


def test_a_column_that_looks_past_its_date_is_found_by_what_the_day_itself_saw(bank):
    bank.training(count=200)
    daily_of_then(bank, "update then_ set session_count_30d = session_count_30d - 1 where session_count_30d > 8")
    with pytest.raises(LeakageFound, match=r"session_count_30d \(share of customers changed"):
        check()


def test_rounding_and_a_few_corrections_are_no_leak(bank):
    bank.training(count=200)
    daily_of_then(
        bank,
        "update then_ set aum_amount = aum_amount * (1 + 1e-12)",
        "update then_ set deposit_amount = 1, days_since_salary = null where customer_id < 'C000003'",
    )
    assert check() == 200


def test_a_card_says_unproven_where_nobody_could_be_compared(bank):
    bank.training(count=200)
    data = read_training(SPEC, TODAY)
    with db.connect("scorer") as link:
        assert "**unproven** on these data that no feature looks past its date: 0 customers" in check_leakage(
            link, SPEC, data
        )
    daily_of_then(bank)
    with db.connect("scorer") as link:
        said = check_leakage(link, SPEC, data)
    assert said.endswith("; 200 customers compared with what the daily builds saw at the time")
