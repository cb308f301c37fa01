"""Readers' views stand as they were made: what somebody changed behind the project's back is named, and mended."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from bankmart import db, settings
from bankmart.governance import views
from bankmart.governance.access import report, scope, verify
from bankmart.governance.gate import GateStopped
from tests.plugins.bankmart.governance.described import column


def model(name, columns, **meta):
    config = {"materialized": "state", "meta": {"published": "current", "zh": "人", **meta}}
    return {"name": name, "resource_type": "model", "schema": "marts", "description": "A model.", "config": config,
            "columns": columns}  # fmt: skip


PERSON = "select customer_id, name, id_number, build_id, since, business_date from marts.dim_person"
UNMASKED = f"create or replace view published.dim_person with (security_barrier) as {PERSON}"
OWN = f"create or replace view own.dim_person with (security_barrier) as {PERSON}"


@pytest.fixture
def narrower(warehouse):
    """The same model with views of own and of marketing's customers, and its history."""
    columns = {
        "customer_id": column("identity.customer_id"), "name": column("identity.name"),
        "id_number": column("identity.id_number"), "build_id": column("platform", "bigint"),
        "since": column("platform", "date"), "business_date": column("platform", "date"),
    }  # fmt: skip
    history = {"keys": ["customer_id"], "effective": "since"}
    nodes = {"p": model("dim_person", columns, consented={"marketing": ["sms"]}, history=history)}
    for name in (scope.MANAGERS, scope.CUSTOMERS):
        nodes[name] = model(name, {"build_id": columns["build_id"]})
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "create table marts.dim_person (customer_id text, name text, id_number text, build_id bigint, since date,"
            " business_date date);"
            "create table marts.bridge_customer_manager_current (customer_id text, manager_id text, build_id bigint);"
            "create table marts.dim_customer_current (customer_id text, branch_id text, build_id bigint);"
            "create table marts.bridge_identity (customer_id text, linked_customer_id text, build_id bigint)"
        )
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute(
            "create table sources.consent__consent_event (customer_id text, purpose text, channel text, action text,"
            " occurred_at timestamptz); grant select on sources.consent__consent_event to platform"
        )
    found = views.published({"nodes": nodes})
    report.apply(found, "ann")
    return found


@pytest.mark.parametrize(
    ("hole", "view"),
    [
        (UNMASKED, "dim_person"),
        (f"{OWN} offset 0", "own.dim_person"),
        ("offset own.dim_person", "own.dim_person"),
        ("offset marketing.dim_person_marketing_sms", "marketing.dim_person_marketing_sms"),
        ("drop view own.dim_person", "own.dim_person"),
        ("revoke select on own.dim_person from branch_user", "own.dim_person"),
        ("grant select on published.dim_person to loader", "dim_person"),
        ("revoke execute on function published.dim_person_as_of(date, date) from dpo", "dim_person"),
        ("create or replace function published.dim_person_as_of(as_of date, known_on date) returns setof"
         " published.dim_person language sql stable as 'select * from published.dim_person'", "dim_person"),
        ("drop function published.dim_person_as_of(date, date)", "dim_person"),
        ("alter view published.dim_person reset (security_barrier)", "dim_person"),
    ],
)  # fmt: skip
def test_a_view_that_somebody_changed_is_found_and_mended(narrower, hole, view):
    with db.connect("platform") as link, link.cursor() as cursor:
        assert verify.findings(cursor, narrower) == []
        if hole.startswith("offset "):
            # As it was made, without what keeps a reader's conditions in front of it.
            cursor.execute("select pg_get_viewdef(%s::regclass)", (hole.split()[1],))
            made = db.one(cursor)[0].rstrip(";")
            assert "OFFSET 0" in made
            hole = f"create or replace view {hole.split()[1]} with (security_barrier) as {made.replace('OFFSET 0', '')}"
        cursor.execute(hole)
    with db.connect("platform") as link, link.cursor() as cursor:
        views.refresh(cursor, narrower)
        found = verify.findings(cursor, narrower)
        assert any(f"view {view} is " in each for each in found), found
        with pytest.raises(GateStopped, match="access --apply"):
            verify.judge(cursor, narrower)
    report.apply(narrower, "bo")
    with db.connect("platform") as link, link.cursor() as cursor:
        assert verify.findings(cursor, narrower) == []
        cursor.execute("select actor, facts from audit.entry where kind = 'access_mended'")
        assert cursor.fetchall() == [("bo", {"views": [view]})]


@pytest.mark.parametrize(
    ("hole", "says"),
    [
        ("create or replace view published.lineage with (security_barrier) as select id_number as from_kind,"
         " name as from_relation, '' as from_column, '' as to_kind, '' as to_relation, '' as to_column"
         " from marts.dim_person", "published.lineage reads marts.dim_person"),
        ("alter function published.made_of(text, text) security definer set search_path = ''",
         "owner's rights: published.made_of(text,text)"),
    ],
)  # fmt: skip
def test_the_catalogue_shows_nobodys_rows(narrower, hole, says):
    with closing(psycopg2.connect(settings.dsn("platform"))) as link, link.cursor() as cursor:
        cursor.execute(hole)
        found = verify.findings(cursor, narrower)
        link.rollback()
    assert any(says in each for each in found), found
