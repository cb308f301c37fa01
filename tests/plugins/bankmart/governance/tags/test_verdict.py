"""The verdict on a day's mix: a usual jump is none, an unusual one is, and with too little history it says so."""

import random
from datetime import date, timedelta

import pytest

from bankmart.governance.tags import verdict
from bankmart.governance.tags.calendar import Day, complete
from bankmart.governance.tags.mixes import Mix

FIRST = date(2026, 1, 1)


def days(count):
    return [FIRST + timedelta(days=each) for each in range(count)]


def calendar(count):
    return {
        day: Day(day.weekday() < 5, is_pay_day=day.day in (10, 15), is_month_end=(day + timedelta(1)).day == 1)
        for day in days(count)
    }  # fmt: skip


def series(count, seed=1):
    """Ten thousand customers: `paid` jumps by 2,000 on pay days and falls again three days later."""
    chance, found = random.Random(seed), []
    for day in days(count):
        recent = any((day - timedelta(days=back)).day in (10, 15) for back in range(3))
        paid = (2000 if recent else 0) + 300 + chance.randint(-12, 12)
        found.append(Mix(day, {"paid": paid, "unpaid": 10_000 - paid}))
    return found


def at(past, paid, none=0):
    day = past[-1].day + timedelta(days=1)
    return Mix(day, {"paid": paid, "unpaid": 10_000 - paid - none} | ({"(none)": none} if none else {}))


def judged(past, today, **more):
    return verdict.judge(today, past, calendar(150), **more)


def test_the_jump_of_a_pay_day_is_usual_on_pay_days_only():
    past = series(99)
    assert past[-1].day == date(2026, 4, 9)
    assert judged(past, at(past, 2300)).level == verdict.PASS
    ordinary = series(110)
    assert judged(ordinary, at(ordinary, 2300)).level == verdict.STOP
    assert judged(ordinary, at(ordinary, 305)).level == verdict.PASS
    # Nobody paid on a pay day is as odd.
    assert judged(past, at(past, 300)).level in (verdict.WARN, verdict.STOP)


def test_what_leaves_a_window_after_a_pay_day_is_usual():
    past = series(102)
    assert (past[-1].day, past[-1].counts["paid"] > 2000) == (date(2026, 4, 12), True)
    assert judged(past, at(past, 300)).level == verdict.PASS


@pytest.mark.parametrize(
    ("paid", "none", "level"), [(320, 0, "pass"), (700, 0, "warn"), (10_000, 0, "stop"), (300, 2000, "stop")]
)
def test_warned_from_one_limit_on_and_stopped_from_a_higher(paid, none, level):
    past = series(110)
    found = judged(past, at(past, paid, none))
    assert found.level == level
    if level != "pass":
        assert "comparable days (business day)" in found.reason or "nearest of" in found.reason
        assert f"from {past[-1].counts['paid'] / 10_000:.1%} on 2026-04-20" in found.reason or none


def test_too_little_history_is_said_and_not_judged():
    past = series(9)
    found = judged(past, at(past, 9000))
    assert (found.level, found.score) == (verdict.UNJUDGED, None)
    assert found.reason == "too little history: 0 comparable days (pay day), 3 are needed"
    assert judged([], Mix(FIRST, {"paid": 1})).level == verdict.UNJUDGED


def test_a_confirmed_incident_is_no_measure():
    past = series(110)
    broken = Mix(past[-1].day, {"paid": 0, "unpaid": 10_000})
    past[-1] = broken
    today = at(past, 310)
    assert judged(past, today).level != verdict.PASS
    assert judged(past, today, excluded={broken.day}).level == verdict.PASS


def test_the_tested_day_and_later_ones_are_not_among_the_past():
    past = series(120)
    today = Mix(past[109].day, {"paid": 9000, "unpaid": 1000})
    assert verdict.judge(today, past, calendar(150)) == verdict.judge(today, past[:109], calendar(150))
    assert verdict.judge(today, past, calendar(150)).level == verdict.STOP


def test_nobody_and_nothing_moves():
    past = series(110)
    assert judged(past, Mix(past[-1].day + timedelta(days=1), {})).level == verdict.STOP
    found = judged(past, Mix(past[-1].day + timedelta(days=1), past[-1].counts))
    assert (found.level, "nothing moved at all since 2026-04-20" in found.reason) in [("warn", True), ("pass", False)]


def test_days_that_the_calendar_lacks_go_by_the_week():
    found = complete({}, [date(2026, 11, 20), date(2026, 11, 21)])
    assert [day.kind for day in found.values()] == ["business day", "day off"]
