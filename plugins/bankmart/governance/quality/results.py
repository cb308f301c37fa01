"""All checks of a build in one table: dbt's, the loader's and the reconciliation's, by column and dimension."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

from psycopg2.extras import execute_values

from bankmart import db
from bankmart.governance.build import Build
from bankmart.governance.policy import Node
from bankmart.sources import contract
from bankmart.sources.contract import Column, Table

# The dimension of each generic test, and of each rule of the loader.
TESTS = {
    "not_null": "completeness", "at_least_one_row": "completeness", "loses_no_delivered_row": "completeness",
    "unique": "uniqueness", "is_delivered_once": "uniqueness", "accepted_values": "validity", "between": "validity",
    "relationships": "consistency", "is_known": "consistency",
}  # fmt: skip
LOADER = {
    "null": "completeness", "duplicate": "uniqueness", "orphan": "consistency", "future": "timeliness",
    "type": "validity", "values": "validity", "range": "validity", "length": "validity", "nul": "validity",
    "encoding": "validity", "quote": "validity", "field_count": "validity",
}  # fmt: skip
# A singular test is of the dimension that its name speaks of.
SINGULAR = {
    "every_customer": "completeness", "are_known": "completeness", "by_many": "uniqueness", "twice": "uniqueness",
    "overlap": "uniqueness", "calendar": "validity", "reconcile": "accuracy", "add_up": "accuracy",
    "balances_move": "accuracy", "later_than": "timeliness", "freshness": "timeliness", "usual_": "consistency",
}  # fmt: skip
# Their failures are rows, so a share of the rows has passed.
ROW_WISE = ("not_null", "between", "relationships", "is_known", "unique")
VERDICTS = {"pass": "pass", "success": "pass", "warn": "warn", "fail": "stop", "error": "stop", "runtime error": "stop"}
DONE = """
select distinct on (result.node_id)
    result.node_id, result.node_name, result.severity, result.status, result.failures, result.message
from governance.node_result as result
where result.build_id = %s and result.resource_type in ('test', 'source')
order by result.node_id, result.recorded_at desc
"""
WRITTEN = """
select distinct on (node_id) node_id, rows_affected
from governance.node_result
where build_id = %s and resource_type = 'model' and rows_affected is not null
order by node_id, recorded_at desc
"""
LOADS = """
select load_id, system, table_name, read_count
from governance.load
where business_date = %s and status = 'loaded'
"""
REJECTS = """
select quarantine.load_id, coalesce(quarantine.column_name, ''), quarantine.rule, count(*)
from governance.quarantine
inner join governance.load using (load_id)
where
    load.business_date = %s and load.status = 'loaded'
    and not exists (
        select from governance.quarantine_repair as repair
        where repair.load_id = quarantine.load_id and repair.line_number = quarantine.line_number
    )
group by 1, 2, 3
"""


@dataclass(frozen=True)
class Result:
    """One row of governance.quality_result, its fields in the table's order behind build and date."""

    table_name: str
    column_name: str
    dimension: str
    rule: str
    severity: str
    verdict: str
    checked_count: int | None
    failed_count: int | None
    score: float | None
    reason: str | None = None


def record(build: Build, manifest: Node) -> int:
    """Write the results of a build, in place of what it had; what deliveries usually are is there already. How many."""
    with db.connect("platform") as link, link.cursor() as cursor:
        found = [*_tests(cursor, build, manifest), *_loader(cursor, build), *_sums(cursor, build)]
        # Two tests may say the same of a column: the worse counts.
        found.sort(key=lambda each: each.score if each.score is not None else 1.0, reverse=True)
        unique = {(each.table_name, each.column_name, each.rule): each for each in found}
        cursor.execute(
            "delete from governance.quality_result where build_id = %s and rule not like 'usual %%'", (build.build_id,)
        )
        execute_values(
            cursor,
            "insert into governance.quality_result (build_id, business_date, table_name, column_name, dimension, rule,"
            " severity, verdict, checked_count, failed_count, score, reason) values %s",
            [(build.build_id, build.business_date, *astuple(each)) for each in unique.values()],
            page_size=1000,
        )
    return len(unique)


def _tests(cursor: Any, build: Build, manifest: Node) -> Iterator[Result]:
    cursor.execute(WRITTEN, (build.build_id,))
    written = dict(cursor.fetchall())
    cursor.execute(DONE, (build.build_id,))
    for node_id, name, severity, status, failures, message in cursor.fetchall():
        node = manifest["nodes"].get(node_id, {})
        kind = (node.get("test_metadata") or {}).get("name", "")
        about = _about(manifest, node, node_id)
        # Kept in detail by the watch itself.
        if about is None or name.startswith(("usual_", "reconcile_", "content_")):
            continue
        table, tested = about
        verdict = VERDICTS.get(status, "unjudged")
        if (message or "").startswith("not judged"):
            verdict = "unjudged"
        checked = written.get(tested) if kind in ROW_WISE else None
        yield Result(
            table, node.get("column_name") or "", TESTS.get(kind) or _singular(name), kind or name,
            "stop" if severity == "error" else "warn", verdict, checked, failures,
            _score(verdict, checked, failures), None if verdict == "pass" else message,
        )  # fmt: skip


def _about(manifest: Node, node: Node, node_id: str) -> tuple[str, str] | None:
    if node_id.startswith("source."):
        source = manifest["sources"].get(node_id)
        return (f"{source['source_name']}.{source['name']}", node_id) if source else None
    if node_id.startswith("tag_monitor."):
        return "tags", node_id
    tested = node.get("attached_node") or next(iter(reversed(node.get("depends_on", {}).get("nodes", []))), None)
    tested = str(tested)
    of = manifest["nodes"].get(tested) or manifest["sources"].get(tested)
    if of is None:
        return None
    if of["resource_type"] == "source":
        return f"{of['source_name']}.{of['name']}", tested
    return f"{of['schema']}.{of['name']}", tested


def _singular(name: str) -> str:
    return next((dimension for word, dimension in SINGULAR.items() if word in name), "consistency")


def _loader(cursor: Any, build: Build) -> Iterator[Result]:
    cursor.execute(REJECTS, (build.business_date,))
    rejected: dict[tuple[int, str, str], int] = {(load, column, rule): count for load, column, rule, count in cursor}
    cursor.execute(LOADS, (build.business_date,))
    systems = contract.load()
    for load_id, system, name, read in cursor.fetchall():
        table = systems.get(system, {}).get(name)
        if table is None:
            continue
        for column, rules in _rules(table):
            for rule in rules:
                failed = rejected.get((load_id, column, rule), 0)
                verdict = "warn" if failed else "pass"
                yield Result(
                    f"{system}.{name}", column, LOADER[rule], f"loader {rule}", "stop", verdict, read, failed,
                    _score(verdict, read, failed),
                )  # fmt: skip


def _rules(table: Table) -> Iterator[tuple[str, list[str]]]:
    key = next(column.name for column in table.columns if column.is_key)
    yield "", ["encoding", "quote", "field_count"]
    for column in table.columns:
        yield column.name, [rule for rule, applies in _applies(table, column, key).items() if applies]


def _applies(table: Table, column: Column, key: str) -> dict[str, bool]:
    return {
        "null": not column.is_nullable,
        "type": column.data_type != "text",
        "values": bool(column.values),
        "range": column.minimum is not None or column.maximum is not None,
        "length": column.data_type == "text",
        "nul": column.data_type == "text",
        "orphan": column.references is not None,
        "duplicate": column.name == key,
        "future": column.name == table.event_column,
    }


def _sums(cursor: Any, build: Build) -> Iterator[Result]:
    cursor.execute(
        "select table_name, column_name, verdict, read_count, reason from governance.reconciliation"
        " where build_id = %s",
        (build.build_id,),
    )
    for table, column, verdict, read, reason in cursor.fetchall():
        failed = 0 if verdict == "pass" else None
        yield Result(
            table,
            column,
            "accuracy",
            "control total",
            "stop",
            verdict,
            read,
            failed,
            _score(verdict, None, None),
            reason,
        )


def _score(verdict: str, checked: int | None, failed: int | None) -> float | None:
    """1 for what passed, the share of rows that passed where they were counted, else 0."""
    if verdict == "unjudged":
        return None
    if verdict == "pass":
        return 1.0
    return max(0.0, 1.0 - failed / checked) if checked and failed is not None else 0.0
