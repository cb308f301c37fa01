"""What a build would change: counted per table and column, by the table's key or row by row."""

from __future__ import annotations

from datetime import date

import pytest

from bankmart import db
from bankmart.governance import build as builds
from bankmart.governance.commands.compare import Change, compare

DAY = date(2026, 10, 31)


@pytest.fixture
def two(warehouse):
    """A published build, 1, and a later one of its date, 2: the same rows in both."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "create table profile.person (customer_id text, age integer, city text, build_id bigint,"
            " primary key (customer_id, build_id)) partition by list (build_id);"
            "create table marts.fct_thing (amount numeric, note text, build_id bigint);"
            "create table profile.person__b1 partition of profile.person for values in (1);"
            "create table profile.person__b2 partition of profile.person for values in (2)"
        )
        for build_id, status in ((1, "published"), (2, "building")):
            cursor.execute(
                "insert into governance.build (business_date, kind, status) values (%s, 'daily', %s)", (DAY, status)
            )
            cursor.execute("insert into profile.person select 'C' || n, n, null, %s from generate_series(1, 5) as n",
                           (build_id,))  # fmt: skip
            cursor.execute("insert into marts.fct_thing select n %% 2, 'a', %s from generate_series(1, 5) as n",
                           (build_id,))  # fmt: skip
        cursor.execute("insert into governance.publication (business_date, build_id) values (%s, 1)", (DAY,))


def change(statement):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement)


def test_the_same_rows_need_nobody(two):
    found = compare(builds.get(2))
    assert (found.against, found.changes, found.needs_approval) == (1, (), False)
    assert found.text() == "build 2 is the same as build 1, which readers see"


def test_rows_and_columns_are_counted(two):
    change("delete from profile.person where build_id = 2 and customer_id = 'C1'")
    change("insert into profile.person values ('C9', 9, 'x', 2)")
    change("update profile.person set age = age + 1 where build_id = 2 and customer_id in ('C2', 'C3')")
    change("update profile.person set city = '北京' where build_id = 2 and customer_id = 'C3'")
    change("update marts.fct_thing set note = 'b' where ctid = (select max(ctid) from marts.fct_thing)")
    found = compare(builds.get(2))
    assert found.needs_approval
    assert found.changes == (
        Change("marts.fct_thing", 1, 1),
        Change("profile.person", 1, 1, 2, {"age": 2, "city": 1}),
    )
    assert "age 2, city 1" in found.text()


def test_a_date_that_readers_do_not_see_needs_nobody(two):
    change("delete from governance.publication")
    assert not compare(builds.get(2)).needs_approval


def test_the_published_build_is_no_change_to_itself(two):
    assert not compare(builds.get(1)).needs_approval
