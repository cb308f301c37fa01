"""Requests to be forgotten: asked for by one person, approved by another, each once."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bankmart import db, vault
from bankmart.errors import BankmartError
from bankmart.governance import audit
from bankmart.governance.people import person
from bankmart.governance.people.erasure import replace
from bankmart.governance.people.hold import Hold, active
from bankmart.governance.people.person import Person, UnknownCustomer
from bankmart.governance.people.places import CUSTOMER, IDENTITY

LOCK = "select pg_advisory_xact_lock(hashtext('bankmart erasure requests'))"


class ErasureError(BankmartError):
    """Nobody was erased: says why and what to do."""


def read(file: Path) -> list[tuple[str, str]]:
    """Customers and reasons of a CSV file with the columns customer_id and, if there is more to say, reason."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    if not rows or "customer_id" not in rows[0]:
        raise ErasureError(f"{file} has no request: a CSV with the columns customer_id and reason is wanted")
    if empty := [place for place, row in enumerate(rows, 2) if not (row["customer_id"] or "").strip()]:
        raise ErasureError(f"{file}, line {empty[0]}: customer_id is empty. Nothing was requested.")
    return [(row["customer_id"].strip(), (row.get("reason") or "").strip()) for row in rows]


def request(asked: Sequence[tuple[str, str]], by: str, typed_by: str | None = None) -> list[int]:
    """Write requests down, all or none; returns their numbers. `typed_by`: who gave the command, for the audit.

    Raises ErasureError, naming each, for customers who are unknown, erased, asked for already, or one person.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(LOCK)
        wrong: list[str] = []
        made: list[int] = []
        for customer, reason in asked:
            try:
                made.append(open_one(cursor, customer, reason, by))
            except BankmartError as error:
                wrong.append(str(error))
        if wrong:
            raise ErasureError("\n  ".join(["nothing was requested:", *wrong]))
        for number in made:
            audit.append(link, "erasure_request", by, f"erasure {number}", _typed(typed_by))
    return made


def open_one(cursor: Any, customer: str, reason: str, by: str, event: str | None = None) -> int:
    """Write one request down, in the caller's transaction, which holds the lock of requests; returns its number.

    Raises BankmartError for a customer who is unknown, erased, held or asked for already.
    """
    _check(cursor, customer)
    cursor.execute(
        "insert into governance.erasure (customer_id, customer_token, reason, requested_by, event)"
        " values (%s, %s, %s, %s, %s) returning erasure_id",
        (customer, token(customer), reason or "the person asks for it", by, event),
    )
    return int(db.one(cursor)[0])


def decide(numbers: Sequence[int], by: str, *, approve: bool, typed_by: str | None = None) -> None:
    """Approve or refuse requests, all or none; who asked for one can't approve it.

    In Airflow `by` is who has logged in; a command takes the name that is given, and says in the audit who typed it.
    Raises ErasureError for a request that waits for nobody, whose asker this is, or that a legal hold forbids.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        for number in numbers:
            cursor.execute(
                "select customer_id, state, requested_by from governance.erasure where erasure_id = %s for update",
                (number,),
            )
            row = cursor.fetchone()
            if row is None or row[1] != "requested":
                said = f"is {row[1]}" if row else "doesn't exist"
                raise ErasureError(f"request {number} {said}: `bankmart erase list` shows those that wait")
            if row[2] == by:
                raise ErasureError(
                    f"request {number} was made by {by}: another person has to decide (four eyes). Nothing was decided."
                )
            if approve and (hold := held(active(cursor), cursor, person.find(cursor, row[0]))):
                raise ErasureError(f"request {number} can't be approved: {hold} forbids it. `bankmart hold list`")
            state = "approved" if approve else "refused"
            cursor.execute(
                "update governance.erasure set state = %s, decided_by = %s, decided_at = clock_timestamp()"
                " where erasure_id = %s",
                (state, by, number),
            )
        for number in numbers:
            kind = "erasure_approval" if approve else "erasure_refusal"
            audit.append(link, kind, by, f"erasure {number}", _typed(typed_by))


def _typed(by: str | None) -> dict[str, str]:
    return {"typed_by": by} if by else {}


def held(holds: Sequence[Hold], cursor: Any, whose: Person) -> Hold | None:
    """The hold on a person that is in force, by whichever of the person's numbers; None where there is none."""
    of_customers = [each for each in holds if each.kind == "customer"]
    for each in of_customers:
        if set(person.linked(cursor, [each.scope])) & set(whose.customers):
            return each
    return None


def waiting(cursor: Any) -> list[list[Any]]:
    """All requests, the newest first: for people, so without the customer of those that are done."""
    cursor.execute(
        "select erasure_id, state, coalesce(customer_id, 'token ' || customer_token), requested_by,"
        " to_char(requested_at, 'YYYY-MM-DD HH24:MI'), coalesce(decided_by, ''), reason,"
        " case when state = 'done' then coalesce(to_char(scrubbed_at, 'YYYY-MM-DD HH24:MI'), 'due') else '' end"
        " from governance.erasure order by erasure_id desc"
    )
    return [list(row) for row in cursor.fetchall()]


def undecided() -> list[dict[str, Any]]:
    """The requests that wait for a person's word, the oldest first: number, who asked and when; not of whom."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select erasure_id, requested_by, to_char(requested_at, 'YYYY-MM-DD') from governance.erasure"
            " where state = 'requested' order by 1"
        )
        return [dict(zip(("request", "asked_by", "asked_on"), row, strict=True)) for row in cursor.fetchall()]


def token(customer: str) -> str:
    """How the audit chain and certificates name a customer."""
    return vault.token(IDENTITY, customer)


def _check(cursor: Any, customer: str) -> None:
    cursor.execute(
        "select erasure_id, made_at::date from governance.tombstone where token = %s or anonymous = %s limit 1",
        (replace.tokens(CUSTOMER, [customer])[0], customer),
    )
    if row := cursor.fetchone():
        raise ErasureError(f"{customer} was erased on {row[1]}, by request {row[0]}: nothing is left of that person")
    try:
        found = person.find(cursor, customer)
    except UnknownCustomer as error:
        raise ErasureError(str(error)) from None
    cursor.execute(
        "select erasure_id, state from governance.erasure where customer_id = any(%s) and state <> 'refused' limit 1",
        (list(found.customers),),
    )
    if row := cursor.fetchone():
        raise ErasureError(f"{customer} is asked for already: request {row[0]} is {row[1]} and covers the whole person")
    if hold := held(active(cursor), cursor, found):
        raise ErasureError(f"{customer} can't be erased: {hold} forbids it. `bankmart hold end {hold.hold_id}` ends it")
