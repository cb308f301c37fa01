"""The attack: every role, readers and programs, tries every relation, column, function and side way.

What it gets is what the metadata say, and nothing else. Of the six bypasses of views and policies: a table asked
directly, a view with the rights of its owner, a materialised view and an owner without policies are in `columns`; a
cheap function that says what it is shown is in test_ways_round.py; who is above all rights is below.
"""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest
from psycopg2 import sql

from bankmart import db, settings
from bankmart.governance.access import verify
from bankmart.governance.gate import GateStopped
from bankmart.runtime import provision
from tests.e2e.access import attacks

every_role = pytest.mark.parametrize("role", attacks.ROLES)


def admin(statement):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link, link.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def relations(line):
    return admin(attacks.RELATIONS)


@pytest.fixture
def everybody(line):
    return {customer for (customer,) in admin("select customer_id from marts.dim_customer_current")}


@every_role
def test_every_column_of_every_relation_is_as_the_metadata_say(attackers, relations, role):
    assert {"sources", "marts", "vault", "audit", "published", "own", "marketing"} <= {each[0] for each in relations}
    assert attacks.columns(attackers[role], relations) == []


@every_role
def test_no_other_way_leads_to_a_column(attackers, relations, role):
    assert attacks.other_ways(attackers[role], relations) == []


@every_role
def test_functions_are_called_by_whom_the_metadata_name(attackers, role):
    routines = admin(attacks.ROUTINES)
    assert len(routines) >= 10
    assert attacks.functions(attackers[role], routines) == []


@every_role
def test_side_ways_are_shut(attackers, role):
    assert attacks.side_ways(attackers[role]) == []


@every_role
def test_nobody_becomes_somebody_else(attackers, role):
    assert attacks.becoming(attackers[role]) == []
    above = "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles"
    assert attackers[role].ask(f"{above} where rolname = session_user") == [(False,) * 5]


@every_role
def test_an_error_names_nothing_that_the_role_does_not_read(attackers, everybody, role):
    assert attacks.errors(attackers[role]) == []
    assert attacks.oracles(attackers[role], everybody) == []


def test_errors_are_provoked_at_all(attackers):
    """Else the test above would have nothing to judge."""
    said = {
        (role, column): attacks.told(
            attackers[role], attacks.PLAINLY, sql.Identifier(schema, view), sql.Identifier(column)
        )
        for role, schema, view, column in (
            ("bi_reader", "published", "dim_customer", "name"),
            ("branch_user", "own", "dim_customer", "mobile"),
            ("marketer", "marketing", "customer_360_marketing_sms", "customer_id"),
        )
    }
    assert all(said.values())
    assert said["bi_reader", "name"].endswith("**")
    assert said["branch_user", "mobile"][2:5] == "***"


MADE = """
create statistics marts.of_names (mcv) on name, mobile from marts.dim_customer;
create statistics marts.of_capitals on (upper(name)), (upper(mobile)) from marts.dim_customer;
create statistics sources.of_numbers (mcv) on customer_id, name from sources.core_banking__customer;
create statistics governance.of_scopes (mcv) on user_name, scope_id from governance.user_scope;
create statistics audit.of_actors (mcv) on kind, actor from audit.entry;
create statistics vault.of_keys (mcv) on customer_id, master from vault.data_key;
analyze marts.dim_customer, sources.core_banking__customer, governance.user_scope, governance.build, governance.load,
    governance.publication, audit.entry, audit.tip, audit.said, vault.data_key, vault.sealed;
"""
GONE = "drop statistics marts.of_names, marts.of_capitals, sources.of_numbers, governance.of_scopes, audit.of_actors,"\
    " vault.of_keys"  # fmt: skip


def test_statistics_show_columns_that_the_role_reads(attackers):
    """Of every schema, the platform's own records, the audit and the vault among them."""
    admin(MADE)
    try:
        known = set(admin(attacks.STATISTICS))
        assert {"sources", "marts", "governance", "vault", "audit"} <= {schema for schema, _, _ in known}
        extended = [
            ("marts", "dim_customer", ("name", "mobile")),
            ("sources", "core_banking__customer", ("customer_id", "name")),
            ("governance", "user_scope", ("user_name", "scope_id")),
            ("audit", "entry", ("kind", "actor")),
            ("vault", "data_key", ("customer_id", "master")),
        ]
        assert {each[:2] for each in extended} <= set(admin(attacks.EXTENDED))
        assert {role: attacks.statistics(by, known, extended) for role, by in attackers.items()} == dict.fromkeys(
            attacks.ROLES, []
        )
        # A right on the column is enough, be the schema shut.
        admin("grant select (name) on marts.dim_customer to marketer")
        try:
            assert "marketer sees statistics of ('marts', 'dim_customer', 'name') and may not" in attacks.statistics(
                attackers["marketer"], known, extended
            )
        finally:
            admin("revoke select (name) on marts.dim_customer from marketer")
    finally:
        admin(GONE)


def test_a_large_object_is_nobodys(attackers):
    ((number,),) = admin("select lo_from_bytea(0, 'a secret')")
    try:
        assert [said for by in attackers.values() for said in attacks.large_object(by, number)] == []
        admin(f"grant select on large object {number} to scorer")
        assert len(attacks.large_object(attackers["scorer"], number)) == 2
    finally:
        admin(f"select lo_unlink({number})")


def test_other_peoples_queries_are_not_shown(attackers):
    with closing(psycopg2.connect(settings.dsn("platform"))) as link, link.cursor() as cursor:
        cursor.execute("select 'a secret' from marts.dim_customer limit 0")
        assert [said for by in attackers.values() for said in attacks.seen_query(by, "'a secret'")] == []
        admin("grant pg_read_all_stats to marketer")
        try:
            assert attacks.seen_query(attackers["marketer"], "'a secret'") == ["marketer sees platform's query"]
        finally:
            admin("revoke pg_read_all_stats from marketer")


def test_each_database_has_its_own_logins(people, attackers):
    """Airflow's and MLflow's servers log in to their own only, everybody else to the warehouse only."""

    def opens(login, database):
        try:
            psycopg2.connect(settings.dsn(login, database)).close()
        except psycopg2.OperationalError as error:
            assert "permission denied for database" in str(error)  # noqa: PT017
            return False
        return True

    for database in (settings.AIRFLOW, settings.MLFLOW):
        opened = {role for role in attacks.ROLES if opens(people.get(role, role), database)}
        assert opened == {role for role, by in attackers.items() if by.may(f"is {database}")}
        assert opens(database, database)
        assert not opens(database, settings.WAREHOUSE)


VIEW = "own.dim_customer_current"
COLUMN = "select (customer_id) on marts.dim_customer"
# A role, what somebody gives it behind the project's back, how it is taken back, the attack that finds it.
HOLES = [
    ("marketer", f"grant usage on schema marts to marketer; grant {COLUMN} to marketer",
     f"revoke usage on schema marts from marketer; revoke {COLUMN} from marketer",
     ("columns", "other_ways")),
    ("scorer", f"grant usage on schema marts to scorer; grant {COLUMN} to scorer",
     f"revoke usage on schema marts from scorer; revoke {COLUMN} from scorer",
     ("columns", "other_ways")),
    ("vault", "grant select on governance.erasure to vault", "revoke select on governance.erasure from vault",
     ("columns", "side_ways")),
    ("platform", "grant select on vault.data_key to platform", "revoke select on vault.data_key from platform",
     ("columns", "side_ways")),
    ("bi_reader", "revoke select on published.dim_branch from bi_reader",
     "grant select on published.dim_branch to bi_reader", ("columns",)),
    ("auditor", "grant usage on schema vault to auditor; grant execute on function vault.destroy(text[]) to auditor",
     "revoke usage on schema vault from auditor; revoke execute on function vault.destroy(text[]) from auditor",
     ("functions", "side_ways")),
    ("dpo", "grant create on schema public to dpo", "revoke create on schema public from dpo", ("side_ways",)),
    ("branch_user", "grant temporary on database bankmart to branch_user",
     "revoke temporary on database bankmart from branch_user", ("side_ways",)),
    ("loader", "grant execute on function pg_catalog.lo_create(oid) to loader",
     "revoke execute on function pg_catalog.lo_create(oid) from loader", ("side_ways",)),
    ("scorer", "grant platform to scorer", "revoke platform from scorer", ("becoming", "side_ways")),
]  # fmt: skip


@pytest.mark.parametrize(("role", "hole", "mend", "found_by"), HOLES, ids=[each[1][:40] for each in HOLES])
def test_the_attack_finds_a_planted_hole(attackers, metadata, relations, role, hole, mend, found_by):
    """And the gate finds it before anything is published."""
    given = {"columns": [relations], "other_ways": [relations], "functions": [admin(attacks.ROUTINES)]}
    admin(hole)
    try:
        for name in found_by:
            assert getattr(attacks, name)(attackers[role], *given.get(name, [])), name
        if "lo_create" not in hole:
            with db.connect("platform") as link, link.cursor() as cursor, pytest.raises(GateStopped):
                verify.judge(cursor, metadata)
    finally:
        admin(mend)


def test_the_attack_finds_a_view_without_a_barrier(attackers, everybody):
    """Nor a fence: then an error tells a branch's people that another branch has a customer."""
    ((text,),) = admin(f"select pg_get_viewdef('{VIEW}'::regclass)")
    text = text.rstrip(" ;\n")
    assert text.endswith("OFFSET 0")
    admin(f"create or replace view {VIEW} with (security_barrier = false) as {text.removesuffix('OFFSET 0')}")
    try:
        assert attacks.oracles(attackers["branch_user"], everybody) == [f"branch_user: {VIEW} tells of others"]
        assert f"branch_user was told a value of {VIEW}.customer_id" in attacks.errors(attackers["branch_user"])
    finally:
        admin(f"create or replace view {VIEW} with (security_barrier = true) as {text}")
