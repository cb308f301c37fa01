"""`bankmart incident`: what a person has found out about an unusual date, for the checks that compare dates."""

from __future__ import annotations

import argparse
from datetime import date

from bankmart import db, settings
from bankmart.errors import BankmartError
from bankmart.governance import audit
from bankmart.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Without --date the list."""
    parser.add_argument("--date", type=date.fromisoformat, help="the business date")
    parser.add_argument("--subject", default="*", help="a tag, a system, or a table such as card.card; default: all")
    parser.add_argument("--reason", help="what happened")
    parser.add_argument("--by", default=settings.who(), help="who has found out (you)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--right", action="store_true", help="the data are right all the same: warn, don't stop")
    what.add_argument("--withdraw", action="store_true", help="it was none")


def run(args: argparse.Namespace) -> int:
    """Write it down, or list what is."""
    if args.date is None:
        return _list()
    if not (args.reason or "").strip():
        raise BankmartError("an incident needs --reason: what happened?")
    confirm(args.date, args.subject, args.reason, args.by, is_right=args.right, withdraw=args.withdraw)
    if args.withdraw:
        print(f"{args.date}, {args.subject}: no incident any more")
    elif args.right:
        print(f"{args.date}, {args.subject}: right all the same. Clear the red task's layer: it warns now.")
    else:
        print(f"{args.date}, {args.subject}: an incident. The date is no measure for others.")
    return 0


def confirm(day: date, subject: str, reason: str, by: str, *, is_right: bool = False, withdraw: bool = False) -> None:
    """Write an incident down, in place of what was said of the date and subject before, or withdraw it."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("delete from governance.incident where business_date = %s and subject = %s", (day, subject))
        if not withdraw:
            cursor.execute(
                "insert into governance.incident (business_date, subject, confirmed_by, reason, is_right)"
                " values (%s, %s, %s, %s, %s)",
                (day, subject, by, reason, is_right),
            )
        said = {"subject": audit.Said(subject), "reason": audit.Said(reason)}
        facts = {**said, "is_right": is_right, "withdrawn": withdraw}
        audit.append(link, "incident", by, day.isoformat(), facts)


def _list() -> int:
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select business_date::text, subject, case when is_right then 'right' else 'wrong' end, confirmed_by,"
            " reason from governance.incident order by business_date, subject"
        )
        rows = [list(row) for row in cursor.fetchall()]
    print(table(["date", "subject", "data", "by", "reason"], rows) if rows else "no incident")
    return 0
