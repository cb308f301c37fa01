"""The history of tags holds changes only, whatever way they are found, and answers for any past day."""

from datetime import date

import pytest

from bankmart import db, dbt

DAYS = [date(2026, 11, day) for day in (1, 2, 3, 4)]
# customer, a, b by day: ann never changes, bob changes b, cid is gone on day 3, dan comes on day 2 and has no b.
ROWS = {
    DAYS[0]: [("ann", "low", "x"), ("bob", "low", "x"), ("cid", "high", None)],
    DAYS[1]: [("ann", "low", "x"), ("bob", "low", "y"), ("cid", "high", None), ("dan", "low", None)],
    DAYS[2]: [("ann", "low", "x"), ("bob", "low", "x"), ("dan", "low", None)],
    DAYS[3]: [("ann", "low", "x"), ("bob", "low", "x"), ("dan", "low", None)],
}
EXPECTED = {
    DAYS[0]: {("ann", "a", "low"), ("ann", "b", "x"), ("bob", "a", "low"), ("bob", "b", "x"), ("cid", "a", "high")},
    DAYS[1]: {("bob", "b", "y"), ("dan", "a", "low")},
    DAYS[2]: {("bob", "b", "x"), ("cid", "a", None)},
}


def ask(statement, *values):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return set(cursor.fetchall()) if cursor.description else None


def run(build):
    result = dbt.invoke(["run", "--log-level", "none"], dbt.variables(build))
    failed = [item.message for item in result.result.results if item.status == "error"] if result.result else []
    assert result.success, (result.exception, failed)


def changes(build):
    return ask("select customer_id, tag, value from tags.tag_change where build_id = %s", build.build_id)


@pytest.fixture
def bank(warehouse, project):
    ask("create schema tags_input")
    ask("create table tags_input.customer (day date, customer_id text, a text, b text)")
    for day, rows in ROWS.items():
        for row in rows:
            ask("insert into tags_input.customer values (%s, %s, %s, %s)", day, *row)
    project.write_tag("tag_first", {"a": "a", "b": "b"})
    project.write_history("tag_first")
    return project


def test_changes_only_and_every_past_day(bank, days):
    open_day, publish = days
    before = None
    for number, day in enumerate(DAYS[:3], 1):
        build = open_day(number, day, before)
        run(build)
        assert changes(build) == EXPECTED[day]
        publish(build)
        before = (build.build_id, day)
    as_of = (
        "select customer_id, tag, value from tags.customer_tag_history"
        " where valid_from <= %s and (valid_to > %s or valid_to is null)"
    )
    for day in DAYS[:3]:
        held = {(who, tag, value) for who, *values in ROWS[day] for tag, value in zip("ab", values, strict=True)}
        assert ask(as_of, day, day) == {row for row in held if row[2] is not None}
    # The states before are gone, or may not be gone on from: the history itself says what was known.
    again = open_day(4, DAYS[2])
    run(again)
    assert changes(again) == EXPECTED[DAYS[2]]
    # A tag that is new in a model, a model that is new, and a tag that is gone.
    bank.write_tag("tag_first", {"a": "a", "c": "a"})
    bank.write_tag("tag_second", {"d": "customer_id"})
    bank.write_history("tag_first", "tag_second")
    build = open_day(5, DAYS[3], before)
    run(build)
    rows = ROWS[DAYS[3]]
    assert changes(build) == (
        {(who, "c", a) for who, a, _ in rows}
        | {(who, "d", who) for who, *_ in rows}
        | {("ann", "b", None), ("bob", "b", None)}
    )


def test_tags_that_were_published_before_there_was_a_history(bank, days):
    open_day, publish = days
    first = open_day(1, DAYS[0])
    run(first)
    publish(first)
    ask("delete from tags.tag_change")
    second = open_day(2, DAYS[1], (1, DAYS[0]))
    run(second)
    assert {row[0] for row in changes(second)} == {"ann", "bob", "cid", "dan"}


def test_a_model_that_the_history_does_not_wait_for(bank, days):
    bank.write_tag("tag_second", {"d": "customer_id"})
    result = dbt.invoke(["run", "--log-level", "none"], dbt.variables(days[0](1, DAYS[0])))
    said = " ".join(str(item.message) for item in result.result.results)
    assert "tag_change.sql does not wait for tag_second: add the line" in said
    assert "-- depends_on: {{ ref('tag_second') }}" in said
