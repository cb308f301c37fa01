"""A delivery is judged by comparable days, without today and without confirmed incidents."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from bankmart.governance.quality.anomaly import Point, judge
from bankmart.governance.tags.calendar import Day
from bankmart.governance.tags.verdict import PASS, STOP, UNJUDGED, WARN

FIRST = date(2026, 1, 1)
CALENDAR = {
    FIRST + timedelta(days=number): Day(
        is_business_day=(FIRST + timedelta(days=number)).weekday() < 5,
        is_pay_day=(FIRST + timedelta(days=number)).day == 15,
        is_month_end=(FIRST + timedelta(days=number + 1)).day == 1,
    )
    for number in range(220)
}
TODAY = FIRST + timedelta(days=180)


def series(of, rows=1000):
    """`of`: day → amount, for all days before TODAY."""
    return [Point(day, of(day), rows) for day in CALENDAR if day < TODAY]


RNG = random.Random(7)


def rows_of(day):
    level = 400 if not CALENDAR[day].is_business_day else 3000 if CALENDAR[day].is_pay_day else 1000
    return round(level * RNG.uniform(0.95, 1.05))


def said(measure, amount, past, day=TODAY, rows=1000, excluded=()):
    return judge(measure, "channel", "sms", Point(day, amount, rows), past, CALENDAR, excluded)


def test_rows_are_compared_with_days_of_their_kind():
    past = series(rows_of)
    assert CALENDAR[TODAY].kind == "month end" or CALENDAR[TODAY].kind == "business day"
    pay_day = next(day for day in CALENDAR if day > TODAY and CALENDAR[day].is_pay_day)
    sunday = next(day for day in CALENDAR if day > TODAY and day.weekday() == 6 and not CALENDAR[day].is_special)
    business = next(day for day in CALENDAR if day > TODAY and CALENDAR[day].kind == "business day")
    assert said("rows", 3000, past, pay_day).level == PASS
    assert said("rows", 400, past, sunday).level == PASS
    assert said("rows", 1000, past, business).level == PASS
    assert said("rows", 3000, past, business).level in (WARN, STOP)
    assert said("rows", 400, past, business).level == WARN
    assert said("rows", 1000, past, pay_day).level in (WARN, STOP)
    assert said("rows", 0, past, business).level == STOP
    assert "0 rows, usually 9" in said("rows", 0, past, business).reason


@pytest.mark.parametrize(
    ("measure", "usual", "same", "odd", "wrong"),
    [
        ("null", 0.10, 0.11, 0.30, 1.0),
        ("share", 0.40, 0.42, 0.60, 1.0),
        ("size", 120.0, 125.0, 300.0, 12000.0),
        ("rejected", 0.0, 0.001, 0.05, 0.6),
        ("lag", 0.0, 0.0, 3.0, 2000.0),
    ],
)
def test_shares_sizes_and_lags(measure, usual, same, odd, wrong):
    past = series(lambda _: usual)
    business = next(day for day in CALENDAR if day > TODAY and CALENDAR[day].kind == "business day")
    assert said(measure, same, past, business).level == PASS
    assert said(measure, odd, past, business).level == WARN
    assert said(measure, wrong, past, business).level == STOP


def test_a_few_rows_prove_nothing():
    past = series(lambda _: 0.1)
    assert said("null", 1.0, past, rows=12).level == UNJUDGED
    few = series(lambda _: 4)
    business = next(day for day in CALENDAR if day > TODAY and CALENDAR[day].kind == "business day")
    assert said("rows", 0, few, business).level == PASS


def test_too_short_a_history_is_not_judged():
    business = next(day for day in CALENDAR if day > TODAY and CALENDAR[day].kind == "business day")
    assert said("rows", 0, series(rows_of)[-5:], business).level == UNJUDGED


def test_incidents_and_the_day_itself_are_no_measure():
    business = next(day for day in CALENDAR if day > TODAY and CALENDAR[day].kind == "business day")
    past = series(rows_of)
    broken = [
        day for day in CALENDAR if TODAY - timedelta(days=28) <= day < TODAY and day.weekday() == business.weekday()
    ]
    spoilt = [Point(each.day, 400, 1000) if each.day in broken else each for each in past]
    # Twice so few looks like a habit, unless somebody has said that it was an incident.
    assert said("rows", 400, spoilt, business).level == PASS
    assert said("rows", 400, spoilt, business, excluded=broken).level == WARN
    again = [*past, *(Point(business, 400, 1000) for _ in range(5))]
    assert said("rows", 400, again, business).level == WARN
