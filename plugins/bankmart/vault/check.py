"""Opening what is sealed: what can't be opened, and what stands in clear where it should not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from psycopg2 import sql

from bankmart import db
from bankmart.governance.masking import SHAPE
from bankmart.sources import contract
from bankmart.sources.tables import relation
from bankmart.vault import due, loading, rotate, seal, store
from bankmart.vault.due import Due
from bankmart.vault.keys import Keys, VaultError, unlock

if TYPE_CHECKING:
    from psycopg2.extensions import connection

RECORDS = """
select key.customer_id, key.master, key.wrapped, source, business_date, row_key, record
from vault.data_key as key left join vault.sealed using (customer_id)
where {}
order by key.customer_id
"""
PIECE = 5_000


def check(everything: bool = False) -> tuple[Counter[str], list[str]]:
    """How much of what was opened, and what could not be, in sentences. Raises VaultError without the right key.

    What was written since the last check that found nothing, and of the rest the parts that are due; or everything.
    """
    counts: Counter[str] = Counter()
    with db.connect("vault") as link, link.cursor() as cursor:
        keys = unlock(cursor)
        found = [
            f"{count} keys are still wrapped with master key {name}: run `bankmart vault rotate`"
            for name, count in rotate.left(cursor).items()
        ]
        # One moment of the tables, whatever is loaded meanwhile.
        link.commit()
        link.set_session(isolation_level="repeatable read", readonly=True)
        now = due.due(cursor, everything)
        found += _records(link, keys, counts, now)
        found += _lines(link, keys, counts, now)
        found += _clear(now)
        link.commit()
        link.set_session(readonly=False)
        # What was found is found again, until it is mended.
        if not found:
            due.remember(cursor, now)
    return counts, found


def _records(link: connection, keys: Keys, counts: Counter[str], now: Due) -> Iterator[str]:
    with link.cursor("records") as cursor:
        cursor.itersize = PIECE
        condition = now.condition("hashtext(key.customer_id)", "key", "sealed")
        cursor.execute(sql.SQL(RECORDS).format(condition))
        last, key = None, None
        for customer, by, wrapped, source, day, row_key, record in cursor:
            if customer != last:
                last, key = customer, _unwrap(keys, by, bytes(wrapped), customer)
                counts["data keys"] += 1
                if key is None:
                    yield f"the data key of {store.customer_subject(keys, customer)} does not open"
            if key is not None and record is not None:
                counts["records"] += 1
                try:
                    store.open_record(key, bytes(record), source, day, row_key, customer)
                except VaultError:
                    yield f"the record of {source} of {day}, row {row_key}, does not open"


def _lines(link: connection, keys: Keys, counts: Counter[str], now: Due) -> Iterator[str]:
    with link.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "select load_id, array_agg(line_number), array_agg(raw_text) from governance.quarantine as line"
                " where starts_with(raw_text, %s) and {} group by 1 order by 1"
            ).format(now.condition("load_id", "line")),
            (store.MARK,),
        )
        for load_id, numbers, raws in cursor.fetchall():
            counts["quarantined records"] += len(raws)
            try:
                store.open_lines(cursor, keys, load_id, list(zip(numbers, raws, strict=True)))
            except VaultError:
                yield f"a quarantined record of load {load_id} does not open"


def _clear(now: Due) -> Iterator[str]:
    """Values of raw tables that are no tokens: loaded before there was a vault, or put there by another program."""
    with db.connect("loader") as link, link.cursor() as cursor:
        for table in (table for tables in contract.load().values() for table in tables.values()):
            cursor.execute("select to_regclass(%s) is not null", (f"sources.{table.identifier}",))
            if not (cursor.fetchone() or (False,))[0]:
                continue
            for column in loading.vaulted(table):
                cursor.execute(
                    sql.SQL(
                        "select count(*) from {} as raw where {} and {name} !~ %s and {name} !~ '^(.)\\1*$'"
                    ).format(
                        relation(table),
                        now.condition("business_date - date '2000-01-01'", "raw"),
                        name=sql.Identifier(column.name),
                    ),
                    (SHAPE,),
                )
                (count,) = cursor.fetchone() or (0,)
                if count:
                    yield (
                        f"{count} values of sources.{table.identifier}.{column.name} stand in clear: drop the raw "
                        "table, and load its dates again from their files"
                    )


def _unwrap(keys: Keys, by: str, wrapped: bytes, customer: str) -> bytes | None:
    try:
        return seal.unwrap(keys.master(by).wrapping, wrapped, customer)
    except (InvalidTag, VaultError):
        return None
