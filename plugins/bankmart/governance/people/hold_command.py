"""`bankmart hold`: put a legal hold on a customer or a table, end it, list what is in force."""

from __future__ import annotations

import argparse
from datetime import date

from bankmart import db, settings
from bankmart.governance.people import hold
from bankmart.text import table

LIST = """
select
    hold_id, kind, scope, since::text, coalesce(until::text, ''), held_by, reason,
    case
        when hold_id = any(%s) then 'in force' when ended_at is not null then 'ended by ' || ended_by
        when since > %s then 'not yet' else 'over'
    end
from governance.legal_hold
order by hold_id
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command per act."""
    what = parser.add_subparsers(dest="what", required=True)
    add = what.add_parser("add", help="nothing of it is removed or erased from now on")
    of = add.add_mutually_exclusive_group(required=True)
    of.add_argument("--customer", help="a customer, with all numbers that are the same person")
    of.add_argument("--table", help="an extract such as core_banking.transaction, or a model such as fct_transaction")
    add.add_argument("--reason", required=True, help="who asks for it, in what matter")
    add.add_argument("--since", type=date.fromisoformat, default=date.today(), help="first day (today)")
    add.add_argument("--until", type=date.fromisoformat, help="last day (until it is ended)")
    end = what.add_parser("end", help="end a hold")
    end.add_argument("hold", type=int, help="its number")
    for each in (add, end):
        each.add_argument("--by", default=settings.who(), help="who says so (you)")
    what.add_parser("list", help="all holds")


def run(args: argparse.Namespace) -> int:
    """Do it and say what it means."""
    if args.what == "add":
        kind, scope = ("customer", args.customer) if args.customer else ("table", args.table)
        number = hold.add(kind, scope, args.reason, args.by, args.since, args.until)
        print(f"hold {number}: nothing of {kind} {scope} is removed or erased until `bankmart hold end {number}`.")
    elif args.what == "end":
        hold.end(args.hold, args.by)
        print(f"hold {args.hold} is ended: what is past its time goes with the next run of governance_daily.")
    else:
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute(LIST, ([each.hold_id for each in hold.active(cursor)], date.today()))
            rows = [list(row) for row in cursor.fetchall()]
        header = ["hold", "of", "scope", "since", "until", "by", "reason", "state"]
        print(table(header, rows) if rows else "no hold")
    return 0
