"""Staging's views are left alone while they say what the project says; a changed or missing one is made again."""

from __future__ import annotations

import pytest

from bankmart import db, dbt
from bankmart.governance import build as builds

VIEW = "staging.stg_core_banking__branch"


def staged(line):
    """What the layer did: names by kind."""
    done = dbt.build_layer("staging", builds.open_build(line.dates[2], "test"))
    assert {node.status for node in done} <= {"success", "pass", "warn"}
    return {kind: {node.name for node in done if node.resource_type == kind} for kind in ("model", "test", "seed")}


def says(statement=None):
    """The view's definition, after the statement."""
    with db.connect("platform") as link, link.cursor() as cursor:
        if statement:
            cursor.execute(statement)
        cursor.execute("select pg_get_viewdef(to_regclass(%s))", (VIEW,))
        return db.one(cursor)[0]


@pytest.mark.slow
def test_views_are_checked_every_day_and_made_only_where_they_are_not_the_projects(line):
    line.ingest(line.dates[2])
    # This folder's first build doesn't know what another has left.
    made, right = staged(line), says()
    assert VIEW.partition(".")[2] in made["model"]

    kept = staged(line)
    assert not kept["model"]
    assert (kept["test"], kept["seed"]) == (made["test"], made["seed"])

    changed = says(f"create or replace view {VIEW} as {right.rstrip(';')} where false")
    assert changed != right
    assert staged(line) == made
    assert says() == right

    assert says(f"drop view {VIEW} cascade") is None
    assert staged(line) == made
    assert says() == right
