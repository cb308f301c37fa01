"""`bankmart quality`: the score of every table of a published date, its trend, and what has failed."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance.quality import bench
from bankmart.text import table

SCORES = """
select
    table_name, check_count, failed_count, score, completeness, uniqueness, validity, consistency, timeliness, accuracy,
    trend
from published.quality_score
where business_date = %s
order by score, table_name
"""
FAILED = """
select table_name, column_name, dimension, rule, verdict, checked_count, failed_count, reason
from governance.quality_result as result
inner join governance.publication using (build_id)
where publication.business_date = %s and verdict in ('warn', 'stop') and (%s::text is null or table_name = %s)
order by verdict, table_name, column_name, rule
"""
DIMENSIONS = ["complete", "unique", "valid", "consistent", "timely", "accurate"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--date, --table, or the sub-command bench."""
    parser.add_argument("--date", type=date.fromisoformat, help="a published business date (default: the newest)")
    parser.add_argument("--table", help="only this one's failed checks, such as marts.fct_transaction")
    bench.add_arguments(parser.add_subparsers(dest="what").add_parser("bench", help="precision and recall"))


def run(args: argparse.Namespace) -> int:
    """Print scores and failed checks."""
    if args.what == "bench":
        return bench.run(args)
    day = args.date or newest()
    print(report(day) if args.table is None else "", end="")
    failed = _rows(FAILED, day, args.table, args.table)
    header = ["table", "column", "dimension", "rule", "verdict", "rows", "failed", "reason"]
    print(f"\n{table(header, failed)}" if failed else "\nno check has failed")
    return 0


def report(day: date) -> str:
    """The tables' scores, the lowest first, and the whole."""
    rows = _rows(SCORES, day)
    if not rows:
        raise BankmartError(f"{day} is not published or has no results: `bankmart builds` lists what is published")
    shown = [
        [*row[:3], *(None if cell is None else f"{cell:.1f}" for cell in row[3:10]), _trend(row[10])] for row in rows
    ]
    whole = sum(float(row[3]) for row in rows) / len(rows)
    below = sum(float(row[3]) < 100 for row in rows)
    head = f"Quality of {day}: {whole:.1f} of 100 over {len(rows)} tables, {below} below 100"
    return f"{head}\n{table(['table', 'checks', 'failed', 'score', *DIMENSIONS, 'trend'], shown)}\n"


def _trend(distance: float | None) -> str | None:
    return None if distance is None else f"{distance:+.1f}"


def newest() -> date:
    """The newest published date. Raises BankmartError where there is none."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select max(business_date) from governance.publication")
        (day,) = db.one(cursor)
    if day is None:
        raise BankmartError("nothing is published yet: `bankmart builds` lists the builds")
    found: date = day
    return found


def _rows(statement: str, *values: Any) -> list[list[Any]]:
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return [list(row) for row in cursor.fetchall()]
