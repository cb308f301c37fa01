from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from bankmart.sources.simulate.calendar import Month, day_number, draw_days, is_business_day, season, to_date


def month(year: int, number: int) -> Month:
    return Month.of(year * 12 + number - 1)


@pytest.mark.parametrize(
    ("year", "number", "nominal", "paid"),
    [
        (2026, 5, 10, date(2026, 5, 8)),  # a Sunday: the Friday before
        (2026, 6, 10, date(2026, 6, 10)),
        (2026, 2, 15, date(2026, 2, 13)),  # Spring Festival's eve and a Sunday
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
