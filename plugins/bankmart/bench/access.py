"""What protection costs: each column through the masked view beside the bare table, read and only counted.

And the rows of one branch, or of one manager, through the view of own customers beside the same rows asked of the bare
table with a plain condition: so what masks and the question whose a row is cost together.
"""

from __future__ import annotations

import argparse
import io
import statistics
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from bankmart import db, dbt, settings
from bankmart.bench.place import own_server
from bankmart.governance import views
from bankmart.governance.access import command, scope
from bankmart.governance.access.readers import readers
from bankmart.text import table

# The most masks; a join that finds the person; the widest row with scores and tags.
MODELS = ("dim_customer", "fct_transaction", "customer_360")
NEEDED = ("bridge_identity", scope.MANAGERS, scope.CUSTOMERS)
# One customer number of so many is another of the same person.
LINKED = 100
SCHEMAS = ("published", "own")
BUILD = 1
# Each branch, and each manager, has one customer of so many.
SHARE = 50
# Kind of scope → the table that says whose a customer is, and its column.
WHOSE = {"branch": (scope.CUSTOMERS, "branch_id"), "manager": (scope.MANAGERS, "manager_id")}
FILLED = {
    "text": "'value' || n",
    "date": "date '1950-01-01' + (n % 25000)::integer",
    "boolean": "n % 2 = 0",
    "timestamp with time zone": "timestamptz '2026-01-01' + n * interval '1 second'",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--rows", type=int, default=500_000, help="rows of each table")
    parser.add_argument("--repeat", type=int, default=7, help="times that each way is measured, in turns")


def run(args: argparse.Namespace) -> int:
    """Measure on a Postgres of the benchmark's own; print the medians and their ratio."""
    print(measure(args.rows, args.repeat))
    return 0


def measure(rows: int = 500_000, repeat: int = 7) -> str:
    """Seconds of both ways, as a table; below it those of own customers."""
    with own_server():
        manifest = dbt.manifest()
        nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
        for name in (*NEEDED, *MODELS):
            _make(nodes[name], rows // LINKED if name == "bridge_identity" else rows)
        shown = [view for view in views.published(manifest) if view.name in MODELS and view.schema in SCHEMAS]
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute("insert into governance.build (business_date, kind, status) values ('2026-01-31', 'daily',"
                           " 'published')")  # fmt: skip
            cursor.execute("insert into governance.publication (business_date, build_id) values ('2026-01-31', 1)")
            views.refresh(cursor, shown)
        lines = [_compare(view, nodes[view.name], repeat) for view in shown if view.schema == "published"]
        lines.append(_together(lines))
        for name in (*NEEDED, *MODELS):
            _index(nodes[name])
        own = [
            _compare_own(view, nodes[view.name], kind, repeat)
            for view in shown
            if view.schema == "own"
            for kind in WHOSE
        ]
    head = f"{rows:,} rows, every column; seconds of the server's processor, medians of {repeat} in turns\n"
    names = ["model", "columns", "read bare", "read masked", "ratio", "count bare", "count masked", "ratio"]
    below = f"\n\nown customers, one of {SHARE}; bare: the same rows by a plain condition\n"
    return head + table(names, lines) + below + table([*names[:2], "rows", *names[2:]], own)


def _make(node: dict[str, Any], rows: int) -> None:
    names = list(node["columns"])
    types = {name: node["columns"][name]["data_type"] for name in names}
    values = [f"{BUILD}::bigint" if name == "build_id" else _filled(types[name]) for name in names]
    if (said := dict(WHOSE.values()).get(node["name"])) is not None:
        values[names.index(said)] = f"'value' || n % {SHARE}"
    target = sql.Identifier(node["schema"], node["name"])
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(types[name])) for name in names]
    with closing(psycopg2.connect(settings.dsn("platform"))) as link, link.cursor() as cursor:
        link.autocommit = True
        cursor.execute(sql.SQL("create table {} ({})").format(target, sql.SQL(", ").join(columns)))
        cursor.execute(
            sql.SQL("insert into {} select {} from generate_series(1, {}) as n").format(
                target, sql.SQL(", ").join(map(sql.SQL, values)), sql.Literal(rows)
            )
        )
        cursor.execute(sql.SQL("vacuum analyze {}").format(target))


def _filled(data_type: str) -> str:
    return FILLED.get(data_type, f"(n % 1000)::{data_type}" if data_type != "jsonb" else "'{}'::jsonb")


def _index(node: dict[str, Any]) -> None:
    """The indexes that the model has in a bank."""
    keys = [each["columns"] for each in node["constraints"] if each["type"] == "primary_key"]
    keys += [each["columns"] for each in node["config"].get("indexes") or []]
    target = sql.Identifier(node["schema"], node["name"])
    with db.connect("platform") as link, link.cursor() as cursor:
        for columns in keys:
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            cursor.execute(sql.SQL("create index on {} ({})").format(target, names))
        cursor.execute(sql.SQL("analyze {}").format(target))


def _compare(view: views.View, node: dict[str, Any], repeat: int) -> list[Any]:
    ways = {
        "platform": sql.Identifier(node["schema"], node["name"]),
        "bi_reader": sql.Identifier("published", view.name),
    }
    return [view.name, len(view.grades), *_timed(view, ways, repeat)]


def _compare_own(view: views.View, node: dict[str, Any], kind: str, repeat: int) -> list[Any]:
    """As somebody who sees one branch's, or one manager's, customers."""
    reader = next(each.name for each in readers() if each.rows == "own")
    login, whose = f"bench_{kind}", "value1"
    command.grant(login, reader, {each: [whose] if each == kind else [] for each in WHOSE})
    bare = sql.SQL(
        "(select base.* from {} as base where base.customer_id in (select customer_id from {} where {} = {})) as base"
    ).format(
        sql.Identifier(node["schema"], node["name"]), sql.Identifier("marts", WHOSE[kind][0]),
        sql.Identifier(WHOSE[kind][1]), sql.Literal(whose),
    )  # fmt: skip
    own = sql.Identifier("own", view.name)
    with db.connect(login) as link, link.cursor() as cursor:
        cursor.execute(sql.SQL("select count(*) from {}").format(own))
        (count,) = db.one(cursor)
    return [f"{view.name} of a {kind}", len(view.grades), count, *_timed(view, {"platform": bare, login: own}, repeat)]


def _timed(view: views.View, ways: Mapping[str, sql.Composable], repeat: int) -> list[Any]:
    """Of reading and of counting: the bare way, the protected one, the ratio."""
    names = list(map(sql.Identifier, view.grades))
    counted = sql.SQL(", ").join(sql.SQL("count({})").format(name) for name in names)
    asked = {
        "read": sql.SQL("copy (select {columns} from {target}) to stdout"),
        "count": sql.SQL("copy (select {counted} from {target}) to stdout"),
    }
    found: list[Any] = []
    for statement in asked.values():
        taken: dict[str, list[float]] = {role: [] for role in ways}
        # The first of each fills the caches.
        for _ in range(repeat + 1):
            for role, target in ways.items():
                query = statement.format(columns=sql.SQL(", ").join(names), counted=counted, target=target)
                taken[role].append(_seconds(role, query))
        bare, masked = (statistics.median(seconds[1:]) for seconds in taken.values())
        found += [round(bare, 3), round(masked, 3), round(masked / bare, 2)]
    return found


def _together(lines: list[list[Any]]) -> list[Any]:
    """The sums of all models, as of somebody who reads everything."""
    columns, *seconds = ([line[place] for line in lines] for place in (1, 2, 3, 5, 6))
    bare, masked, counted, counted_masked = (round(sum(each), 3) for each in seconds)
    ratios = round(masked / bare, 2), round(counted_masked / counted, 2)
    return ["together", sum(columns), bare, masked, ratios[0], counted, counted_masked, ratios[1]]


def _seconds(role: str, query: sql.Composed) -> float:
    """The processor's seconds of the server's process: on a busy machine they stay, where the clock's don't."""
    with db.connect(role) as link, link.cursor() as cursor:
        # Parallel workers would be other processes.
        cursor.execute("set max_parallel_workers_per_gather = 0")
        before = _worked(link.info.backend_pid)
        cursor.copy_expert(query, Sink())
        return _worked(link.info.backend_pid) - before


def _worked(process: int) -> float:
    return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


class Sink(io.RawIOBase):
    """Takes everything and keeps nothing."""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any, /) -> int:
        """Nothing is kept."""
        return len(data)
