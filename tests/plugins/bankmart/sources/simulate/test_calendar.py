from __future__ import annotations

import csv
from datetime import date

import numpy as np
import pytest

from bankmart import settings
from bankmart.sources.simulate.calendar import Month, day_number, draw_days, is_business_day, season, to_date


def month(year: int, number: int) -> Month:
    return Month.of(year * 12 + number - 1)


@pytest.mark.parametrize(
    ("year", "number", "nominal", "paid"),
    [
        (2026, 1, 10, date(2026, 1, 9)),  # a Saturday: the Friday before
        (2026, 6, 10, date(2026, 6, 10)),
        (2026, 2, 15, date(2026, 2, 14)),  # a Sunday of the festival: the Saturday before is worked
        (2026, 10, 10, date(2026, 10, 10)),  # a Saturday that is worked after the holiday week
        (2025, 10, 10, date(2025, 10, 10)),
        (2030, 2, 10, date(2030, 2, 1)),  # not announced yet: the whole festival week is closed
    ],
)
def test_pay_day_moves_to_the_business_day_before(year, number, nominal, paid):
    assert to_date(month(year, number).pay_day(nominal)) == paid


def test_a_month_knows_its_days():
    february = month(2028, 2)
    assert (february.year, february.number, len(february.days)) == (2028, 2, 29)
    assert february.on(31) == february.last == day_number(date(2028, 2, 29))


def test_holidays_are_no_business_days():
    assert not is_business_day(day_number(date(2026, 2, 18)))
    assert not is_business_day(day_number(date(2026, 10, 2)))
    assert is_business_day(day_number(date(2026, 10, 9)))


def test_the_warehouse_knows_the_same_business_days():
    """The seed from which the marts' calendar is made; the simulator doesn't read it."""
    seed = settings.dbt_dir() / "seeds" / "bank_holiday.csv"
    if not seed.exists():
        pytest.skip("the warehouse has no calendar")
    with seed.open(encoding="utf-8", newline="") as rows:
        said = {
            date.fromisoformat(row["holiday_date"]): row["is_business_day"] == "true" for row in csv.DictReader(rows)
        }
    differ = []
    for day in range(day_number(date(2015, 1, 1)), day_number(date(2028, 1, 1))):
        moment = to_date(day)
        if is_business_day(day) != said.get(moment, moment.weekday() < 5):
            differ.append(moment.isoformat())
    assert differ == []


def test_days_are_drawn_within_the_month_and_by_weight():
    rng = np.random.default_rng(1)
    february = month(2026, 2)
    days = draw_days(rng, february, "shopping", 20_000)
    assert days.min() == february.first
    assert days.max() == february.last
    before, after = (
        np.count_nonzero((days >= february.on(a)) & (days <= february.on(b))) for a, b in ((9, 15), (22, 28))
    )
    assert before > 1.3 * after
    assert season(february, "shopping") > season(month(2026, 4), "shopping")
