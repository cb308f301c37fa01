"""What is kept and what goes: states by date, rows by build; a reader is never made to wait for long."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta

import psycopg2
import pytest

from bankmart import db, settings
from bankmart.governance import publication, retention

FIRST = date(2026, 10, 31)


@pytest.fixture
def kept(warehouse):
    """Five published dates, each with rows of a slice and a part of a state; builds 1 to 5."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("create table marts.fct_probe (x integer, build_id bigint)")
        cursor.execute("create table marts.dim_probe (x integer, build_id bigint) partition by list (build_id)")
        for number in range(5):
            _build(cursor, FIRST + timedelta(days=number))
    return [number + 1 for number in range(5)]


def _build(cursor, day, status="published"):
    cursor.execute(
        "insert into governance.build (business_date, kind, status) values (%s, 'daily', %s) returning build_id",
        (day, status),
    )
    (build,) = cursor.fetchone()
    cursor.execute(f"create table marts.dim_probe__b{build} partition of marts.dim_probe for values in ({build})")
    cursor.execute("insert into marts.dim_probe values (1, %s)", (build,))
    cursor.execute("insert into marts.fct_probe values (1, %s)", (build,))
    if status == "published":
        cursor.execute("select build_id from governance.publication where business_date = %s", (day,))
        (before,) = cursor.fetchone() or (None,)
        cursor.execute(
            "insert into governance.publication (business_date, build_id) values (%s, %s)"
            " on conflict (business_date) do update set build_id = excluded.build_id",
            (day, build),
        )
        cursor.execute("update governance.build set status = 'superseded' where build_id = %s", (before,))
        cursor.execute(
            "insert into governance.publication_event (event, business_date, build_id, previous_build_id, actor)"
            " values ('publish', %s, %s, %s, 'test')",
            (day, build, before),
        )
    return build


def _builds(table):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(f"select distinct build_id from marts.{table} order by 1")
        return [build for (build,) in cursor.fetchall()]


def test_states_of_the_newest_dates_stay_and_events_stay_for_ever(kept):
    assert retention.tidy() == {"marts.dim_probe": 2}
    assert _builds("dim_probe") == kept[-retention.keep_state_dates() :]
    assert _builds("fct_probe") == kept
    assert retention.tidy() == {}


def test_what_is_being_built_and_what_can_be_gone_back_to_stays(kept):
    with db.connect("platform") as link, link.cursor() as cursor:
        again = _build(cursor, FIRST + timedelta(days=4))
        older = _build(cursor, FIRST, status="building")
    retention.tidy()
    assert _builds("dim_probe") == [3, 4, 5, again, older]
    assert publication.rollback(FIRST + timedelta(days=4), actor="test") == 5


def test_readers_are_not_put_back_to_a_date_without_states(kept):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("drop table marts.dim_probe__b4")
    with pytest.raises(publication.PublicationError, match="no longer kept. Nothing is changed"):
        publication.rollback(FIRST + timedelta(days=4), actor="test")
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select max(business_date) from governance.publication")
        assert cursor.fetchone() == (FIRST + timedelta(days=4),)


def test_a_part_that_is_being_read_goes_another_time(kept):
    with closing(psycopg2.connect(settings.dsn("platform"))) as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from marts.dim_probe")
        assert retention.tidy() == {}
        reader.rollback()
    assert retention.tidy() == {"marts.dim_probe": 2}


def test_a_late_twin_of_a_roll_back_makes_no_second_step(kept, monkeypatch):
    """A task that was thought dead goes on when its twin has put the date back: no second step."""
    day, begun = FIRST + timedelta(days=4), publication.audit.attempt
    with db.connect("platform") as link, link.cursor() as cursor:
        before, _ = _build(cursor, day), _build(cursor, day)

    def overtaken(*words):
        monkeypatch.setattr(publication.audit, "attempt", begun)
        number = begun(*words)
        assert publication.rollback(day, "anna, airflow 7", once=True) == before
        return number

    monkeypatch.setattr(publication.audit, "attempt", overtaken)
    assert publication.rollback(day, "anna, airflow 7", once=True) == before
