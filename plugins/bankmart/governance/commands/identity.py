"""`bankmart identity`: which customer numbers are one person, and people's word against it or for it."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING

from bankmart import db, settings
from bankmart.errors import BankmartError
from bankmart.governance import audit
from bankmart.text import table

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

LINKS = """
select link.customer_id, link.linked_customer_id, link.rule, link.evidence, link.linked_date::text
from marts.bridge_identity as link
where
    link.build_id = (select build_id from governance.publication order by business_date desc limit 1)
    and (
        %(customer)s::text is null
        or exists (
            select 1
            from marts.bridge_identity as own
            where
                own.build_id = link.build_id
                and own.linked_customer_id = link.linked_customer_id
                and %(customer)s in (own.customer_id, own.linked_customer_id)
        )
    )
order by link.linked_customer_id, link.customer_id
"""
DECISIONS = """
select
    decision_id, business_date::text, decision, customer_id, coalesce(other_customer_id, ''), decided_by, reason
from governance.identity_decision
where %(customer)s::text is null or %(customer)s in (customer_id, other_customer_id)
order by business_date, decision_id
"""


class IdentityError(BankmartError):
    """A decision can't be taken: says why and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CUSTOMER, or --split / --merge with --date, --reason and --by."""
    parser.add_argument("customer", nargs="?", help="show the links of this customer only")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--split", metavar="CUSTOMER", help="this one is a person of its own: no automatic links")
    what.add_argument("--merge", nargs=2, metavar=("CUSTOMER", "OTHER"), help="these two are one person")
    parser.add_argument("--date", type=date.fromisoformat, help="business date from which the decision counts")
    parser.add_argument("--reason", help="why")
    parser.add_argument("--by", default=settings.who(), help="who decided (you)")


def run(args: argparse.Namespace) -> int:
    """Show the links that readers see and what was decided, or write a decision down."""
    if not args.split and not args.merge:
        return _show(args.customer)
    if args.date is None or not (args.reason or "").strip():
        raise IdentityError("a decision needs --date (the business date from which it counts) and --reason")
    customer, other = (args.split, None) if args.split else args.merge
    decision_id = decide(customer, other, args.date, args.reason, args.by)
    said = f"{customer} is split off" if other is None else f"{customer} and {other} are merged"
    print(f"decision {decision_id}: {said} from {args.date} on.")
    print(_what_follows(args.date))
    return 0


def decide(customer: str, other: str | None, business_date: date, reason: str, by: str) -> int:
    """Write a decision down, a merge with `other` or, without, a split; returns its number.

    Raises IdentityError for a customer that was never delivered up to the date, or that is merged with itself.
    """
    if customer == other:
        raise IdentityError(f"{customer} can't be merged with itself: name two customers")
    with db.connect("platform") as link, link.cursor() as cursor:
        for name in filter(None, (customer, other)):
            _check_delivered(cursor, name, business_date)
        cursor.execute(
            "insert into governance.identity_decision"
            " (customer_id, other_customer_id, decision, business_date, reason, decided_by)"
            " values (%s, %s, %s, %s, %s, %s) returning decision_id",
            (customer, other, "merge" if other else "split", business_date, reason, by),
        )
        (decision_id,) = db.one(cursor)
        what = "merge" if other else "split"
        facts = {"decision": what, "business_date": business_date, "reason": audit.Said(reason)}
        audit.append(link, "identity", by, f"decision {decision_id}", facts)
    return int(decision_id)


def _check_delivered(cursor: Cursor, customer: str, business_date: date) -> None:
    cursor.execute("select to_regclass('sources.core_banking__customer') is not null")
    (is_there,) = db.one(cursor)
    if is_there:
        cursor.execute(
            "select min(business_date) from sources.core_banking__customer where customer_id = %s", (customer,)
        )
        (first,) = db.one(cursor)
        if first is not None and first <= business_date:
            return
        if first is not None:
            raise IdentityError(f"{customer} was first delivered on {first}: give --date {first} or a later one")
    raise IdentityError(f"no customer {customer} was ever delivered: check the number")


def _what_follows(business_date: date) -> str:
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select min(business_date)::text, max(business_date)::text from governance.publication"
            " where business_date >= %s",
            (business_date,),
        )
        first, last = db.one(cursor)
    if first is None:
        return "No such date is published yet: it counts as soon as that date, or a later one, is built."
    return (
        f"Readers see it when {first} is built and published again (mart_daily, score_daily)"
        f"{f', and then every later date up to {last}' if last != first else ''}."
    )


def _show(customer: str | None) -> int:
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select to_regclass('marts.bridge_identity') is not null")
        (is_built,) = db.one(cursor)
        links = _rows(cursor, LINKS, customer) if is_built else []
        decisions = _rows(cursor, DECISIONS, customer)
    whose = f" of {customer}" if customer else ""
    header = ["customer", "linked to", "rule", "evidence", "since"]
    print(table(header, links) if links else f"no link{whose} in the newest published date")
    if decisions:
        print()
        print(table(["decision", "from", "what", "customer", "other", "by", "reason"], decisions))
    return 0


def _rows(cursor: Cursor, statement: str, customer: str | None) -> list[list[object]]:
    cursor.execute(statement, {"customer": customer})
    return [list(row) for row in cursor.fetchall()]
