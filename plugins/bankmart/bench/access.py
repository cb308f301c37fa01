"""What protection costs: a scan of every column through the masked view, beside the same scan of the bare table."""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import closing
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
        manifest = dbt.parse()
        nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
        for name in (*NEEDED, *MODELS):
            _make(nodes[name], 0 if name in NEEDED else rows)
        shown = [view for view in views.published(manifest) if view.name in MODELS and view.schema == "published"]
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute("insert into governance.build (business_date, kind, status) values ('2026-01-31', 'daily',"
                           " 'published')")  # fmt: skip
            cursor.execute("insert into governance.publication (business_date, build_id) values ('2026-01-31', 1)")
            views.refresh(cursor, shown)
        lines = [_compare(view, nodes[view.name], repeat) for view in shown]
    head = f"{rows:,} rows, every column counted, medians of {repeat} in turns\n"
    return head + table(["model", "columns", "bare table s", "masked view s", "ratio"], lines)


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
    counted = sql.SQL(", ").join(sql.SQL("count({})").format(sql.Identifier(name)) for name in view.grades)
    ways = [("platform", sql.Identifier(node["schema"], node["name"])),
            ("bi_reader", sql.Identifier("published", view.name))]  # fmt: skip
    taken: list[list[float]] = [[], []]
    for _ in range(repeat + 1):
        for (role, target), seconds in zip(ways, taken, strict=True):
            with db.connect(role) as link, link.cursor() as cursor:
                cursor.execute("set max_parallel_workers_per_gather = 0")
                began = time.perf_counter()
                cursor.execute(sql.SQL("select {} from {}").format(counted, target))
                seconds.append(time.perf_counter() - began)
    # The first of each fills the caches.
    bare, masked = (statistics.median(seconds[1:]) for seconds in taken)
    return [view.name, len(view.grades), round(bare, 3), round(masked, 3), round(masked / bare, 2)]
