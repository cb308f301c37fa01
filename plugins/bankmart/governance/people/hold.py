"""Legal holds: what may be neither removed nor erased, for how long and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance import audit
from bankmart.governance.people import person

# By the clock, and by the data's own time: a clock that is wrong must not lift what holds back what can't be undone.
ACTIVE = """
with day (day) as (values (%s) union select max(business_date) from governance.publication)
select hold_id, kind, scope, reason, held_by from governance.legal_hold
where
    ended_at is null
    and exists (select from day where legal_hold.since <= day.day and coalesce(legal_hold.until >= day.day, true))
order by 1
"""


class HoldError(BankmartError):
    """A hold can't be put on or ended, or stands in the way: says which."""


@dataclass(frozen=True)
class Hold:
    """One hold in force."""

    hold_id: int
    kind: str
    scope: str
    reason: str
    held_by: str

    def __str__(self) -> str:
        return f"legal hold {self.hold_id} ({self.reason}; by {self.held_by})"


def add(kind: str, scope: str, reason: str, by: str, since: date, until: date | None = None) -> int:
    """Put a hold on a customer or a table; returns its number.

    A table is `core_banking.transaction` (an extract: its raw table and its landing files) or `fct_transaction`.
    Raises HoldError for a table that there isn't, UnknownCustomer for a customer.
    """
    if not reason.strip():
        raise HoldError("a hold needs a reason: who asks for it, in what matter?")
    if until and until < since:
        raise HoldError(f"the hold would end on {until}, before it begins on {since}")
    with db.connect("platform") as link, link.cursor() as cursor:
        if kind == "customer":
            person.find(cursor, scope)
        else:
            cursor.execute(
                "select 1 from pg_class join pg_namespace on relnamespace = pg_namespace.oid"
                " where relkind in ('r', 'p') and relname = %s and nspname not in ('public', 'governance', 'audit')",
                (table_name(scope),),
            )
            if not cursor.fetchone():
                raise HoldError(f"there is no table {scope}: name an extract (card.card) or a model (fct_transaction)")
        cursor.execute(
            "insert into governance.legal_hold (kind, scope, reason, held_by, since, until)"
            " values (%s, %s, %s, %s, %s, %s) returning hold_id",
            (kind, scope, reason, by, since, until),
        )
        (hold_id,) = db.one(cursor)
        # Whose hold it is, the chain doesn't say: it is kept for ever.
        facts = {"kind": kind, "since": since, "until": until} | ({"table": scope} if kind == "table" else {})
        audit.append(link, "hold", by, f"hold {hold_id}", facts)
    return int(hold_id)


def end(hold_id: int, by: str) -> None:
    """End a hold. Raises HoldError where there is none of that number, or it has ended."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "update governance.legal_hold set ended_by = %s, ended_at = clock_timestamp()"
            " where hold_id = %s and ended_at is null returning 1",
            (by, hold_id),
        )
        if not cursor.fetchone():
            raise HoldError(f"there is no hold {hold_id} in force: `bankmart hold list` shows them")
        audit.append(link, "hold_end", by, f"hold {hold_id}")


def active(cursor: Any) -> list[Hold]:
    """The holds in force on the clock's day, or on the newest published business date."""
    cursor.execute(ACTIVE, (date.today(),))
    return [Hold(*row) for row in cursor.fetchall()]


def table_name(scope: str) -> str:
    """The database's name of a table: of `card.card` the raw table."""
    return scope.replace(".", "__")
