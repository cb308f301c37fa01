"""A date that is not published by its promised time is told, once, with what readers see; a date in time is not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bankmart import db
from bankmart.governance import daily
from bankmart.governance.notices import promises

DAY = date(2026, 11, 2)
ENTRY = (
    "insert into governance.dictionary (name, kind, model, zh, en, class, owner, is_present, lineage, used_by,"
    " promised_time) values (%s, 'column', %s, '列', 'A column.', 'reference', 'x', true, '{}', '{}', %s)"
)


def at(hour, day=3):
    """A moment in Shanghai, eight hours ahead."""
    return datetime(2026, 11, day, hour - 8, 5, tzinfo=UTC)


def publish(day):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "insert into governance.build (business_date, kind, status) values (%s, 'daily', 'published')"
            " returning build_id", (day,),
        )  # fmt: skip
        cursor.execute("insert into governance.publication values (%s, %s)", (day, db.one(cursor)[0]))


def told():
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select kind, subject, body from governance.notice order by notice_id")
        return cursor.fetchall()


@pytest.fixture
def promised(warehouse):
    """Two tables by 08:00 and one by 10:00; the date before is published."""
    with db.connect("platform") as link, link.cursor() as cursor:
        for model, by in (("fct_a", "08:00"), ("fct_b", "08:00"), ("late_c", "10:00")):
            cursor.execute(ENTRY, ("number", model, by))
    publish(date(2026, 11, 1))


def test_a_date_that_is_late_is_told_once_a_time_of_day(promised):
    assert "no promised time has passed" in promises.check(DAY, at(8).replace(hour=23, day=2))
    assert told() == []
    for _ in range(2):
        assert promises.check(DAY, at(9)).startswith("2026-11-02 is not published by 08:00")
    ((kind, subject, body),) = told()
    assert (kind, subject) == ("promise", "2026-11-02 is not published by 08:00, as was promised")
    assert "2 tables (fct_a, fct_b)" in body
    assert "Readers still see 2026-11-01." in body
    promises.check(DAY, at(11))
    assert [subject for _, subject, _ in told()][1:] == ["2026-11-02 is not published by 10:00, as was promised"]


def test_a_date_in_time_and_one_that_nobody_waits_for_tell_nothing(promised):
    publish(DAY)
    assert promises.check(DAY, at(9)) == "2026-11-02 is published"
    assert "nobody waits for 2026-11-22" in promises.check(date(2026, 11, 22), at(9, 23))
    assert "is promised for 2026-11-04" in promises.check(date(2026, 11, 3), at(9))
    assert "is promised for" in daily.promised(date(2999, 1, 1))
    assert told() == []


def test_a_new_platform_promises_nothing(warehouse):
    assert promises.check(DAY, at(9)) == "nobody waits for 2026-11-02: none was published"
