"""`bankmart retention`: what is past its time, by data class; removed, or only counted."""

from __future__ import annotations

import argparse
from datetime import date

from bankmart import dbt
from bankmart.governance.people import expiry
from bankmart.governance.people.rules import rules
from bankmart.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--date, --dry-run, --rules."""
    parser.add_argument("--date", type=date.fromisoformat, default=date.today(), help="as of this date (today)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="count, and remove nothing")
    what.add_argument("--rules", action="store_true", help="how long each table's rows are kept, and by which date")


def run(args: argparse.Namespace) -> int:
    """Count or remove, as governance_daily does."""
    if args.rules:
        rows = [[each.name, each.dated_by, each.years, ", ".join(each.until_next)] for each in rules(dbt.manifest())]
        print(table(["table", "dated by", "years", "the last one stays, of each"], rows))
        return 0
    print(expiry.run(args.date, dry=args.dry_run).text(done=not args.dry_run))
    return 0
