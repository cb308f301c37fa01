"""The gate of access finds whatever a reader may do that the metadata don't say, and whatever it should and can't."""

from __future__ import annotations

import argparse
from contextlib import closing

import psycopg2
import pytest

from bankmart import db, settings
from bankmart.governance import project, views
from bankmart.governance.access import command, report, verify
from bankmart.governance.gate import GateStopped
from bankmart.runtime import provision
from tests.plugins.bankmart.governance.described import column

MODEL = {
    "name": "dim_person", "resource_type": "model", "schema": "marts", "description": "One row per person.",
    "config": {"materialized": "state", "meta": {"published": "current", "zh": "人"}},
    "columns": {
        "customer_id": column("identity.customer_id"), "name": column("identity.name"),
        "id_number": column("identity.id_number"), "build_id": column("platform", "bigint"),
    },
}  # fmt: skip


@pytest.fixture
def shown(warehouse):
    found = views.published({"nodes": {"m": MODEL}})
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("create table marts.dim_person (customer_id text, name text, id_number text, build_id bigint)")
        views.refresh(cursor, found)
    return found


@pytest.mark.parametrize(
    ("hole", "says"),
    [
        ("grant usage on schema marts to marketer; grant select (name) on marts.dim_person to marketer",
         "marketer reads marts.dim_person.name and may not"),
        ("grant select on published.dim_person to public", "granted to everybody: published.dim_person"),
        ("grant usage on schema marts to public", "granted to everybody: schema marts"),
        ("alter view published.dim_person set (security_barrier = false)", "look behind"),
        ("alter view published.dim_person reset (security_barrier)", "look behind"),
        ("create materialized view published.copy as select * from marts.dim_person", "look behind"),
        ("grant insert on published.dim_person to bi_reader", "bi_reader may change published.dim_person"),
        ("grant usage on schema governance to branch_user;"
         "grant insert (user_name, scope_id) on governance.user_scope to branch_user",
         "branch_user may change governance.user_scope"),
        ("create sequence governance.s; grant usage on sequence governance.s to marketer",
         "marketer may use sequence governance.s"),
        ("create function governance.f() returns text language sql security definer set search_path = ''"
         " as 'select max(name) from marts.dim_person'; revoke all on function governance.f() from public;"
         "grant execute on function governance.f() to marketer", "marketer calls governance.f() and may not"),
        ("grant execute on function published.made_of(text, text) to platform;"
         "revoke execute on function published.made_of(text, text) from dpo",
         "dpo can't call published.made_of(text, text)"),
        ("grant create on schema own to branch_user", "branch_user may create in schema own"),
        ("create unlogged table governance.short (a int)", "empty after a crash: governance.short"),
        ("create function governance.f() returns int language sql security definer as 'select 1'", "owner's rights"),
        ("create function published.f() returns int language sql as 'select 1';"
         "grant execute on function published.f() to public", "granted to everybody: published.f()"),
        ("revoke select on published.dim_person from bi_reader", "bi_reader can't read published.dim_person.name"),
        ("grant select (id_number) on published.dim_person to data_scientist", "data_scientist reads"),
    ],
)  # fmt: skip
def test_each_hole_is_found(shown, hole, says):
    with closing(psycopg2.connect(settings.dsn("platform"))) as link, link.cursor() as cursor:
        assert verify.findings(cursor, shown) == []
        cursor.execute(hole)
        found = verify.findings(cursor, shown)
        with pytest.raises(GateStopped, match="Nothing is published"):
            verify.judge(cursor, shown)
        link.rollback()
    assert any(says in each for each in found), found


def test_a_hole_in_the_audit_is_found(shown):
    """Only an administrator can make one: the platform's own roles do not own that schema."""
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        cursor.execute("grant select on audit.entry to public")
        cursor.execute("grant execute on function audit.head() to public")
        found = verify.findings(cursor, shown)
        link.rollback()
    assert "something is granted to everybody: audit.entry" in found
    assert "something is granted to everybody: audit.head()" in found


def test_a_large_object_is_found(shown):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        cursor.execute("select lo_from_bytea(0, 'kept beside everything')")
        found = verify.findings(cursor, shown)
        link.rollback()
    assert [each for each in found if each.startswith("a large object lies beside all grades")], found


def test_a_role_above_the_rules_is_found(shown):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        cursor.execute("alter role marketer bypassrls; grant platform to dpo;"
                       " grant temporary on database bankmart to dpo")  # fmt: skip
        found = "\n".join(verify.findings(cursor, shown))
        link.rollback()
    for says in ("marketer is a superuser, skips", "dpo is a member of platform", "dpo may make temporary tables"):
        assert says in found


@pytest.mark.parametrize(
    ("hole", "says"),
    [
        ("grant usage on schema marts to scorer; grant select (name) on marts.dim_person to scorer",
         "scorer reads marts.dim_person.name and may not"),
        ("grant select on governance.erasure to loader", "loader reads governance.erasure.customer_id and may not"),
        ("grant select on audit.entry to scorer", "scorer reads audit.entry.actor and may not"),
        ("grant select on vault.master to platform", "platform reads vault.master.token_key and may not"),
        ("grant usage on schema vault to scorer; grant execute on function vault.destroy(text[]) to scorer",
         "scorer calls vault.destroy(text[]) and may not"),
        ("grant loader to scorer", "scorer is a member of loader"),
        ("grant pg_read_all_data to vault", "vault is a member of pg_read_all_data"),
    ],
)  # fmt: skip
def test_a_program_that_may_do_more_than_it_is_for_is_found(shown, hole, says):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        assert verify.findings(cursor, shown) == []
        cursor.execute(hole)
        found = verify.findings(cursor, shown)
        link.rollback()
    assert any(says in each for each in found), found


@pytest.fixture
def eve(shown):
    """A marketer's login."""
    command.grant("y_eve", "marketer", {"branch": [], "manager": []})
    yield "y_eve"
    command.remove("y_eve")


@pytest.mark.parametrize(
    ("hole", "says"),
    [
        ("grant select on marts.dim_person to y_eve", "y_eve has rights of its own on table marts.dim_person"),
        ("grant select (name) on marts.dim_person to y_eve",
         "y_eve has rights of its own on column name of table marts.dim_person"),
        ("grant insert on published.dim_person to y_eve", "y_eve has rights of its own on view published.dim_person"),
        ("grant usage on schema marts to y_eve", "y_eve has rights of its own on schema marts"),
        ("grant temporary on database bankmart to y_eve", "y_eve has rights of its own on database bankmart"),
        ("grant execute on function audit.head() to y_eve", "y_eve has rights of its own on function audit.head()"),
        ("alter default privileges for role platform in schema marts grant select on tables to y_eve",
         "y_eve has rights of its own on default privileges on new relations belonging to role platform in schema"),
        ("alter table marts.dim_person owner to y_eve", "y_eve owns table marts.dim_person"),
        ("alter role y_eve bypassrls", "y_eve has bypassrls"),
        ("alter role y_eve createrole", "y_eve has createrole"),
        ("alter role y_eve superuser", "y_eve has superuser"),
        ("alter role y_eve createdb replication", "y_eve has createdb"),
        ("grant platform to y_eve", "y_eve is a member of platform"),
        ("grant pg_read_all_data to y_eve", "y_eve is a member of pg_read_all_data"),
        ("create role y_group in role marketer; grant y_group to y_eve", "y_eve is a member of y_group"),
        ("create role y_group in role marketer; create role y_bo login in role y_group; alter role y_bo bypassrls",
         "y_bo has bypassrls"),
        ("grant bi_reader to y_eve", "y_eve is of several kinds: bi_reader, marketer"),
        ("grant marketer to y_eve with admin option", "y_eve may make others members of marketer"),
    ],
)  # fmt: skip
def test_a_login_that_may_do_more_than_its_kind_is_found(shown, eve, hole, says):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        assert verify.findings(cursor, shown) == []
        cursor.execute(hole)
        # Who looks is the platform: it may see all this, too.
        cursor.execute("set local role platform")
        found = verify.findings(cursor, shown)
        link.rollback()
    assert any(each.startswith(f"a login may do more than its kind of reader: {says}") for each in found), found


def test_the_administrator_is_no_reader(shown):
    """On a server of the bank's own it makes roles, and is a member of those that it made."""
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        cursor.execute("grant bi_reader, platform to bankmart_admin with admin option")
        assert verify.findings(cursor, shown) == []
        link.rollback()


def test_who_may_read_the_vault_is_found(shown):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        cursor.execute("grant select on vault.sealed to platform; grant usage on schema vault to dpo;"
                       " grant select (wrapped) on vault.data_key to dpo")  # fmt: skip
        found = "\n".join(verify.findings(cursor, shown))
        link.rollback()
    assert "platform may read vault.sealed" in found
    assert "dpo reads vault.data_key.wrapped and may not" in found


def test_columns_go_by_grade(shown):
    assert {(who, column) for who, _, _, column in verify.matrix(shown)} == {
        *((who, name) for who in ("bi_reader", "dpo") for name in ("customer_id", "name", "id_number", "build_id")),
        *(("data_scientist", name) for name in ("customer_id", "name", "build_id")),
    }


def test_a_view_of_all_dates_has_rows_of_published_builds_only(shown):
    of_all = {**MODEL, "config": {**MODEL["config"], "meta": {"published": "all", "zh": "人"}}}
    with db.connect("platform") as link, link.cursor() as cursor:
        views.refresh(cursor, views.published({"nodes": {"m": of_all}}))
        cursor.execute("insert into marts.dim_person (build_id) select generate_series(-1, 9)")
        cursor.execute("insert into marts.dim_person (build_id) values (null)")
        cursor.execute("select array_agg(build_id) from published.dim_person")
        assert cursor.fetchone() == (None,)
        cursor.execute(
            "insert into governance.build (business_date, kind, status) select '2026-01-01', 'daily', 'published'"
            " from generate_series(1, 6)"
        )
        cursor.execute("insert into governance.publication values ('2026-01-02', 2), ('2026-01-01', 5)")
        cursor.execute("select array_agg(build_id order by build_id) from published.dim_person")
        assert cursor.fetchone() == ([2, 5],)


def test_a_view_that_nobody_asks_for_any_more_goes(shown):
    with db.connect("platform") as link, link.cursor() as cursor:
        views.refresh(cursor, [])
        cursor.execute("select to_regclass('published.dim_person'), (select count(*) from governance.published_view)")
        assert cursor.fetchone() == (None, 0)


def test_a_view_and_its_grants_come_together(shown):
    """A reader that looks while it is made sees the old one, whole, or waits; never one without its grants."""
    changed = {**MODEL, "columns": MODEL["columns"] | {"name": column("identity.id_number")}}
    with closing(psycopg2.connect(settings.dsn("platform"))) as link, link.cursor() as cursor:
        views.refresh(cursor, views.published({"nodes": {"m": changed}}))
        with db.connect("bi_reader") as other, other.cursor() as reader:
            reader.execute("set lock_timeout = '200ms'")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                reader.execute("select name from published.dim_person")
        link.commit()
        assert verify.findings(cursor, views.published({"nodes": {"m": changed}})) == []


def entries():
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select kind, subject, actor, facts -> 'changed' from audit.entry order by number")
        return cursor.fetchall()


def views_of(name):
    return views.published({"nodes": {"m": {**MODEL, "columns": MODEL["columns"] | {"name": column(name)}}}})


def test_an_applied_change_of_a_mask_is_in_the_audit(shown, monkeypatch):
    report.apply(shown, "ann")
    written = entries()
    assert ("policy", "data_classes", "ann", "first written") in written
    said = project.variables()
    hidden = said["data_classes"]["identity.name"] | {"mask": "hide"}
    changed = said | {"data_classes": said["data_classes"] | {"identity.name": hidden}}
    monkeypatch.setattr(project, "variables", lambda: changed)
    for _ in range(2):
        report.apply(views_of("identity.name"), "bo")
        assert entries()[len(written) :] == [("policy", "data_classes", "bo", ["identity.name"])]


def test_an_applied_change_of_a_columns_class_is_in_the_audit(shown):
    """Of the same grade, but without a mask: the same readers read the column, and see more."""
    report.apply(shown, "ann")
    written = entries()
    for _ in range(2):
        report.apply(views_of("identity.demographic"), "bo")
        assert entries()[len(written) :] == [("policy", "published", "bo", ["dim_person"])]


def test_a_change_that_the_gate_refuses_is_not_in_the_audit(shown):
    report.apply(shown, "ann")
    written = entries()
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("grant usage on schema marts to marketer; grant select on marts.dim_person to marketer")
    with pytest.raises(GateStopped):
        report.apply(views_of("identity.demographic"), "bo")
    assert entries() == written


def test_the_matrix_has_programs_too(shown, capsys, monkeypatch):
    monkeypatch.setattr(report.dbt, "manifest", lambda: {"nodes": {"m": MODEL}})
    assert report.run(argparse.Namespace(apply=False, matrix=True)) == 0
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert ["scorer", "audit.entry", "number, kind, subject, facts"] in lines
    assert ["eraser", "vault.sealed", "all"] in lines
    assert ["platform", "sources.*", "all"] in lines
    assert not [line for line in lines if line[:1] == ["platform"] and line[1].startswith("vault")]
