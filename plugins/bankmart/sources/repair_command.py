"""`bankmart repair`: take a table's records out of quarantine into a file, and put them back repaired."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from bankmart import db, settings
from bankmart.sources import contract, repair
from bankmart.sources.contract import Table
from bankmart.sources.repair import RepairRefused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """TABLE, --date, and one of --take-out and --put-back."""
    parser.add_argument("table", help="such as card.card_transaction")
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the business date, YYYY-MM-DD")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--take-out", type=Path, metavar="FILE", help="write them there; it will hold personal data")
    what.add_argument("--put-back", type=Path, metavar="FILE", help="load the repaired records of this file, each once")
    parser.add_argument("--reason", help="why and how they were repaired (with --put-back)")
    parser.add_argument("--by", default=settings.who(), help="who repaired them (you)")


def run(args: argparse.Namespace) -> int:
    """Do it, and say what follows."""
    table = _table(args.table)
    if args.take_out:
        count = repair.take_out(table, args.date, args.take_out, args.by)
        print(f"{count} records are in {args.take_out}. Repair them there, leave {repair.LINE} as it is, delete the")
        print("records that stay out, and put the file back. It holds personal data: delete it when you are done.")
        return 0
    if not (args.reason or "").strip():
        raise RepairRefused("a repair needs --reason: why, and how do you know what is right?")
    done = repair.put_back(table, args.date, args.put_back, args.by, args.reason)
    already = f", {done.before} were before" if done.before else ""
    print(f"{done.repaired} records put back{already}; {done.waiting} still in quarantine.")
    if done.repaired:
        print(_what_follows(args.date))
    return 0


def _table(name: str) -> Table:
    system, _, table = name.partition(".")
    found = contract.load().get(system, {}).get(table)
    if found is None:
        raise RepairRefused(f"no table {name!r} in the contract: give system and table, such as card.card_transaction")
    return found


def _what_follows(day: date) -> str:
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select count(*) filter (where business_date = %(day)s), max(business_date)::text"
            " from governance.publication where business_date >= %(day)s",
            {"day": day},
        )
        published, last = db.one(cursor)
    if not published:
        return f"{day} is not published yet: they are in its next build."
    later = "" if last == str(day) else f", then for each later date up to {last}"
    return f"Readers see them when {day} is built and published again: start mart_daily for it{later}."
