"""What protection costs: each column through the masked view beside the bare table, read and only counted."""

from __future__ import annotations

import argparse
import io
import statistics
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from bankmart import db, dbt, settings
from bankmart.bench.place import own_server
from bankmart.governance import views
from bankmart.text import table

# The most masks; a join that finds the person; the widest row with scores and tags.
MODELS = ("dim_customer", "fct_transaction", "customer_360")
NEEDED = ("bridge_identity",)
# One customer number of so many is another of the same person.
LINKED = 100
BUILD = 1
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
    """Seconds of both ways, as a table."""
    with own_server():
        manifest = dbt.manifest()
        nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
        for name in (*NEEDED, *MODELS):
            _make(nodes[name], rows // LINKED if name in NEEDED else rows)
        shown = [view for view in views.published(manifest) if view.name in MODELS and view.schema == "published"]
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute("insert into governance.build (business_date, kind, status) values ('2026-01-31', 'daily',"
                           " 'published')")  # fmt: skip
            cursor.execute("insert into governance.publication (business_date, build_id) values ('2026-01-31', 1)")
            views.refresh(cursor, shown)
        lines = [_compare(view, nodes[view.name], repeat) for view in shown]
    lines.append(_together(lines))
    head = f"{rows:,} rows, every column; seconds of the server's processor, medians of {repeat} in turns\n"
    names = ["model", "columns", "read bare", "read masked", "ratio", "count bare", "count masked", "ratio"]
    return head + table(names, lines)


def _make(node: dict[str, Any], rows: int) -> None:
    names = list(node["columns"])
    types = {name: node["columns"][name]["data_type"] for name in names}
    values = [f"{BUILD}::bigint" if name == "build_id" else _filled(types[name]) for name in names]
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


def _compare(view: views.View, node: dict[str, Any], repeat: int) -> list[Any]:
    names = list(map(sql.Identifier, view.grades))
    counted = sql.SQL(", ").join(sql.SQL("count({})").format(name) for name in names)
    asked = {
        "read": sql.SQL("copy (select {columns} from {target}) to stdout"),
        "count": sql.SQL("copy (select {counted} from {target}) to stdout"),
    }
    ways = {
        "platform": sql.Identifier(node["schema"], node["name"]),
        "bi_reader": sql.Identifier("published", view.name),
    }
    ratios: list[float] = []
    shown: list[float] = []
    for statement in asked.values():
        taken: dict[str, list[float]] = {role: [] for role in ways}
        # The first of each fills the caches.
        for _ in range(repeat + 1):
            for role, target in ways.items():
                query = statement.format(columns=sql.SQL(", ").join(names), counted=counted, target=target)
                taken[role].append(_seconds(role, query))
        bare, masked = (statistics.median(seconds[1:]) for seconds in taken.values())
        shown += [round(bare, 3), round(masked, 3)]
        ratios.append(round(masked / bare, 2))
    return [view.name, len(names), *shown[:2], ratios[0], *shown[2:], ratios[1]]


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
