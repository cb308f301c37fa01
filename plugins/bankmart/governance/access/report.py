"""`bankmart access`: who reads what, and where the database differs; or make it so at once, without a build."""

from __future__ import annotations

import argparse
from collections import Counter

from bankmart import db, dbt, settings
from bankmart.governance import audit, views
from bankmart.governance.access import programs, verify
from bankmart.governance.access.readers import readers
from bankmart.governance.audit import anchor, changes
from bankmart.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--matrix, --apply."""
    parser.add_argument("--apply", action="store_true", help="make views and grants what the project says, at once")
    parser.add_argument("--matrix", action="store_true", help="every column that each reader and program reads")


def apply(shown: list[views.View], actor: str) -> None:
    """Make the readers' views and grants anew, in one transaction, with the audit's entries of what that changes.

    Raises GateStopped, and then changes nothing.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("set local lock_timeout = '5s'")
        mended = views.refresh(cursor, shown, mend=True)
        verify.judge(cursor, shown)
        written = changes.record(link, actor, shown)
        if mended:
            audit.append(link, "access_mended", actor, "published", {"views": mended})
    if written or mended:
        anchor.write_after("access --apply")


def run(args: argparse.Namespace) -> int:
    """Print the matrix, counted or whole; 1 where the database and the project's metadata differ."""
    shown = views.published(dbt.manifest())
    if args.apply:
        apply(shown, settings.who())
    matrix = verify.matrix(shown)
    if args.matrix:
        print(table(["reader", "schema", "view", "column"], [list(cell) for cell in sorted(matrix)]))
        print(table(["program", "reads", "columns"], programs.listed()))
    counts = Counter(who for who, *_ in matrix)
    seen = {who: {(schema, view) for name, schema, view, _ in matrix if name == who} for who in counts}
    print(
        table(
            ["reader", "中文", "rows", "grade", "views", "columns"],
            [
                [reader.name, reader.zh, reader.rows, reader.grade, len(seen.get(reader.name, ())), counts[reader.name]]
                for reader in readers()
            ],
        )
    )
    with db.connect("platform") as link, link.cursor() as cursor:
        found = verify.findings(cursor, shown)
    for finding in found:
        print(finding)
    print(f"{len(found)} differences" if found else "the database lets everybody read just that")
    return 1 if found else 0
