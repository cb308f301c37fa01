"""Keys: the primary ones are the database's own, of the others a check tells what is twice or points nowhere."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from bankmart import dbt, settings
from bankmart.governance import build as builds
from bankmart.governance import policy
from bankmart.runtime import provision


def ask(statement, values=None):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def test_every_declared_key_is_the_databases(line):
    declared, without = {}, []
    for node in policy.models(dbt.manifest()):
        keys = [each["columns"] for each in node["constraints"] if each["type"] == "primary_key"]
        if node["config"]["meta"].get("published") and keys:
            declared[f"{node['schema']}.{node.get('alias') or node['name']}"] = keys[0]
        elif node["config"]["meta"].get("published"):
            without.append(node["name"])
    there = dict(ask(
        "select conrelid::regclass::text, array_agg(attname::text order by place) from pg_constraint"
        " cross join unnest(conkey) with ordinality as part (number, place)"
        " inner join pg_attribute on attrelid = conrelid and attnum = number where contype = 'p' group by 1"
    ))  # fmt: skip
    assert without == []
    assert len(declared) > 40
    # A view has none: what it shows is kept apart by the key, or by the unique index, of the table that it reads.
    lacking = {name: columns for name, columns in declared.items() if there.get(name) != columns}
    assert lacking == {
        "profile.customer_wide": ["customer_id", "build_id"],
        "tags.customer_tag_history": ["customer_id", "tag", "valid_from"],
    }
    unique = dict(ask(
        "select indrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index where indisunique"
        " and indrelid in ('tags.ind_all'::regclass, 'tags.tag_change'::regclass)"
    ))  # fmt: skip
    assert "(customer_id, as_of_date, build_id)" in unique["tags.ind_all"]
    assert "(tag, valid_from, customer_id, build_id)" in unique["tags.tag_change"]


@pytest.fixture
def checks(line):
    """Run these generic tests of the last date's build: those that don't pass, with their number of rows."""
    ((build_id,),) = ask("select build_id from governance.publication where business_date = %s", (line.dates[1],))
    build = builds.get(build_id)

    def run(name, model):
        selected = ["test", "--select", f"test_name:{name},{model}", "--log-level", "none"]
        results = dbt.invoke(selected, dbt.variables(build)).result.results
        assert results
        return [(item.status, item.failures) for item in results if item.status != "pass"]

    return build, run


@pytest.mark.parametrize(
    ("check", "model", "column", "other"),
    [
        ("is_delivered_once", "fct_session", "session_id", "(select min(session_id) from marts.fct_session)"),
        ("is_delivered_once", "fct_transaction", "transaction_id",
         "(select min(transaction_id) from marts.fct_transaction)"),
        ("is_known", "fct_app_event", "session_id", "'nowhere'"),
        ("is_known", "fct_balance_daily", "customer_id", "'nobody'"),
    ],
)  # fmt: skip
def test_what_comes_twice_or_points_nowhere_is_named(checks, check, model, column, other):
    build, run = checks
    assert run(check, model) == []
    one = f"from marts.{model} where build_id = %s order by 1 limit 1"
    ((place, before),) = ask(f"select ctid, {column} {one}", (build.build_id,))
    ((place,),) = ask(f"update marts.{model} set {column} = {other} where ctid = %s returning ctid", (place,))  # noqa: S608
    try:
        assert run(check, model) == [("warn", 1)]
    finally:
        ask(f"update marts.{model} set {column} = %s where ctid = %s", (before, place))  # noqa: S608
    assert run(check, model) == []
