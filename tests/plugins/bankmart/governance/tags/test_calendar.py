"""The gates' reading of the bank's calendar: each build its own, deliveries the newest that readers have."""

from datetime import date, timedelta

import pytest

from bankmart import db
from bankmart.governance.tags import calendar
from bankmart.governance.tags.calendar import Day

FIRST = date(2026, 2, 1)
KINDS = {
    date(2026, 2, 4): (True, False, False, None, "business day"),
    date(2026, 2, 7): (False, False, False, None, "day off"),
    # Worked for the festival, though a Saturday.
    date(2026, 2, 14): (True, False, False, None, "business day"),
    date(2026, 2, 15): (True, True, False, None, "pay day"),
    date(2026, 2, 17): (False, False, False, "Spring Festival", "holiday"),
    date(2026, 2, 28): (False, False, True, None, "month end"),
    # Two at once: pay moves more than the end of a month.
    date(2026, 4, 30): (True, True, True, None, "pay day"),
}


def ask(statement, *values):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def mart(warehouse):
    """marts.dim_calendar, empty; returns how a build writes its own."""
    ask(
        "create table marts.dim_calendar (calendar_date date, is_business_day boolean, is_pay_day boolean,"
        " is_month_end boolean, holiday text, holiday_zh text, build_id bigint)"
    )

    def write(build, days):
        for day, (is_open, pays, ends, holiday, _) in days.items():
            ask("insert into marts.dim_calendar values (%s, %s, %s, %s, %s, null, %s)",
                day, is_open, pays, ends, holiday, build.build_id)  # fmt: skip

    return write


def seen(read, *arguments):
    with db.connect("platform") as link, link.cursor() as cursor:
        return read(cursor, *arguments)


def test_each_day_is_what_the_mart_says(mart, days):
    build = days[0](1, FIRST)
    mart(build, KINDS)
    found = seen(calendar.read, build)
    assert {day: (d.is_business_day, d.is_pay_day, d.is_month_end, d.holiday, d.kind) for day, d in found.items()} == (
        KINDS
    )
    assert [day for day, each in found.items() if each.is_special] == [
        date(2026, 2, 15), date(2026, 2, 17), date(2026, 2, 28), date(2026, 4, 30)
    ]  # fmt: skip


def test_a_build_reads_its_own_and_deliveries_the_newest_published(mart, days):
    open_day, publish = days
    pay, plain = (True, True, False, None, ""), (True, False, False, None, "")
    builds = [open_day(number, FIRST + timedelta(days=number)) for number in (1, 2, 3)]
    for build, said in zip(builds, (plain, pay, plain), strict=True):
        mart(build, {date(2026, 2, 10): said})
    assert seen(calendar.published) == {}
    publish(builds[1])
    publish(builds[0])
    assert seen(calendar.read, builds[0]) == {date(2026, 2, 10): Day(True)}
    assert seen(calendar.read, builds[1]) == {date(2026, 2, 10): Day(True, is_pay_day=True)}
    assert seen(calendar.published) == {date(2026, 2, 10): Day(True, is_pay_day=True)}
    publish(builds[2])
    assert seen(calendar.published) == {date(2026, 2, 10): Day(True)}


def test_without_a_mart_or_a_day_in_it_the_weekday_counts(warehouse, days):
    build = days[0](1, FIRST)
    assert seen(calendar.read, build) == seen(calendar.published) == {}
    known = {date(2026, 2, 14): Day(True)}
    asked = [date(2026, 2, 13), date(2026, 2, 14), date(2026, 2, 15)]
    assert [calendar.complete(known, asked)[day].kind for day in asked] == ["business day", "business day", "day off"]
