"""What `bankmart vault check` opens today: whatever was written since the last check, and of the rest a part in turn.

Each row is of one part, by its customer, load or date; each part is opened again within ROUND days. So is what was
changed on the disk, where no transaction tells of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from bankmart import db

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

# Parts, and days within which each is opened again.
ROUND = 30
# Transactions come round, too: with more than so many since the last check, everything is opened.
OLD = 1 << 30
LAST = """
select
    last.up_to::text, last.parts, current_date, pg_snapshot_xmin(pg_current_snapshot())::text
from (select 1) as always left join vault.last_check as last on true
"""


@dataclass(frozen=True)
class Due:
    """The parts to be opened, the transaction from which on all is opened, and what to remember afterwards."""

    parts: list[int]
    since: str
    up_to: str
    days: list[date]

    def condition(self, part: str, *rows: str) -> sql.Composed:
        """That a row is to be opened. `part`: SQL of a whole number that says whose it is; `rows`: aliases in it."""
        written = sql.SQL(" or ").join(
            sql.SQL("age({}.xmin) <= age({}::xid8::xid)").format(sql.Identifier(row), sql.Literal(self.since))
            for row in rows
        )
        return sql.SQL("(mod(abs(({})::bigint), {}) = any({}::integer[]) or {})").format(
            sql.SQL(part), sql.Literal(ROUND), sql.Literal(self.parts), written
        )


def due(cursor: Cursor, everything: bool) -> Due:
    """What is due, as the transaction of `cursor` sees it."""
    cursor.execute(LAST)
    since, days, today, up_to = db.one(cursor)
    if days is None or len(days) != ROUND or not 0 <= int(up_to) - int(since) < OLD or everything:
        since, days = up_to, []
    # A day to come is of a clock that was wrong.
    fresh = [today - timedelta(days=ROUND) < day <= today for day in days]
    parts = [part for part in range(ROUND) if not days or not fresh[part]]
    return Due(parts, since, up_to, _remembered(parts, days, today))


def remember(cursor: Cursor, done: Due) -> None:
    """Everything that was due has opened."""
    cursor.execute(
        "insert into vault.last_check (up_to, parts) values (%s::xid8, %s) on conflict (is_only)"
        " do update set up_to = excluded.up_to, parts = excluded.parts",
        (done.up_to, done.days),
    )


def _remembered(parts: list[int], days: list[date], today: Any) -> list[date]:
    # After all at once one becomes due each day, as if they had been opened one by one.
    if len(parts) == ROUND:
        return [today - timedelta(days=part) for part in range(ROUND)]
    return [today if part in parts else day for part, day in enumerate(days)]
