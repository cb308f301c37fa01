"""What the vault holds: data keys by customer, and sealed records by the delivered row that they come from."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from psycopg2.extras import execute_values

from bankmart.governance import audit
from bankmart.vault import seal
from bankmart.vault.keys import SHARED, Keys, VaultError, unlock
from bankmart.vault.tokenise import Tokens

if TYPE_CHECKING:
    from datetime import date

    from psycopg2.extensions import connection
    from psycopg2.extensions import cursor as Cursor

CUSTOMER = "identity.customer_id"
# What a sealed line of the quarantine begins with.
MARK = "sealed:"
PIECE = 5_000
BETWEEN = "\x1f"


def place(source: str, day: str, row_key: str, customer: str) -> str:
    """Where a record belongs (the day as 2026-01-31): sealed elsewhere, it does not open here."""
    return BETWEEN.join((source, day, row_key, customer))


def customer_subject(keys: Keys, customer: str) -> str:
    """How the audit chain, which stays for ever, names a customer: by token."""
    return f"customer {Tokens(keys.token_key, CUSTOMER).of([customer])[0]}"


def data_keys(cursor: Cursor, keys: Keys, customers: Collection[str]) -> dict[str, bytes]:
    """The data key of each customer; who has none gets one, kept when the transaction of `cursor` is committed.

    Commit before anything is sealed with them in another transaction. Raises VaultError for a key that won't open.
    """
    names = list(dict.fromkeys(customers))
    found = _fetch(cursor, keys, names)
    if lacking := [name for name in names if name not in found]:
        cursor.execute(SHARED)
        cursor.execute("select name from vault.master where is_current")
        (current,) = cursor.fetchone() or (keys.current.name,)
        wrapping = keys.master(current).wrapping
        made = {name: seal.new_key() for name in lacking}
        taken = execute_values(
            cursor,
            "insert into vault.data_key (customer_id, master, wrapped) values %s on conflict do nothing"
            " returning customer_id",
            [(name, current, seal.wrap(wrapping, key, name)) for name, key in made.items()],
            page_size=1000,
            fetch=True,
        )
        found |= {name: made[name] for (name,) in taken}
        # Somebody else was quicker.
        found |= _fetch(cursor, keys, [name for name in lacking if name not in found])
    return found


def opened(cursor: Cursor, keys: Keys, customer: str) -> Iterator[dict[str, Any]]:
    """All clear values of a customer: table, business_date, row_key, column, value. Raises VaultError."""
    key = _fetch(cursor, keys, [customer]).get(customer)
    cursor.execute(
        "select source, business_date, row_key, record from vault.sealed where customer_id = %s order by 1, 2, 3",
        (customer,),
    )
    for source, day, row_key, record in cursor.fetchall():
        if key is None:
            raise VaultError(f"a record of {source} has no data key", "restore schema vault from a backup.")
        for column, value in open_record(key, bytes(record), source, day, row_key, customer).items():
            yield {"table": source, "business_date": day, "row_key": row_key, "column": column, "value": value}


def open_record(key: bytes, record: bytes, source: str, day: date, row_key: str, customer: str) -> dict[str, str]:
    """The clear values of one delivered row, by column. Raises VaultError where it is not what was sealed there."""
    try:
        values: dict[str, str] = json.loads(seal.unseal(key, record, place(source, day.isoformat(), row_key, customer)))
    except InvalidTag:
        raise VaultError(
            f"the record of {source} of {day}, row {row_key}, does not open: altered, or moved from another row",
            "restore it from a backup of schema vault, or load that date again from its file.",
        ) from None
    return values


def clear(link: connection, customer_id: str, actor: str, reason: str) -> list[dict[str, Any]]:
    """All clear values of a customer: dicts of table, business_date, row_key, column and value.

    `link`: of role vault. Who read them and why is in the audit chain, and committed, before anything is opened: hand
    over a connection that has nothing else to commit. Raises VaultError without a reason or where a record won't open.
    """
    if not reason.strip():
        raise VaultError("clear values are asked for without a reason", "say why they are needed: --reason TEXT.")
    with link.cursor() as cursor:
        keys = unlock(cursor)
        subject = customer_subject(keys, customer_id)
        cursor.execute("select count(*) from vault.sealed where customer_id = %s", (customer_id,))
        facts = {"reason": audit.Said(reason), "records": (cursor.fetchone() or (0,))[0]}
        audit.append(link, "vault_read", actor, subject, facts)
        link.commit()
        return list(opened(cursor, keys, customer_id))


def destroy(link: connection, customer_ids: Collection[str], actor: str) -> int:
    """Destroy the customers' data keys, and with them their sealed records; how many keys there were.

    In `link`'s transaction (role platform or vault), with its entry in the audit chain where there was one; again, or
    for customers that have none, it changes nothing.
    """
    with link.cursor() as cursor:
        cursor.execute("select vault.destroy(%s)", (list(customer_ids),))
        (count,) = cursor.fetchone() or (0,)
    if count:
        audit.append(link, "vault_destroy", actor, f"{count} customers", {"data_keys": count})
    return int(count)


def seal_line(key: bytes, load_id: int, line: int, raw: str) -> str:
    """A raw record of the quarantine, sealed under its load's key, as text."""
    sealed = seal.seal(key, raw.encode("utf-8", "surrogatepass"), _line(load_id, line))
    return MARK + base64.b64encode(sealed).decode()


def keep_load_key(cursor: Cursor, keys: Keys, load_id: int, key: bytes) -> None:
    """Keep the key of a load's quarantined records, in the transaction that keeps the records."""
    cursor.execute(
        "insert into vault.load_key (load_id, master, wrapped) values (%s, %s, %s)",
        (load_id, keys.current.name, seal.wrap(keys.current.wrapping, key, f"load {load_id}")),
    )


def open_lines(cursor: Cursor, keys: Keys, load_id: int, lines: list[tuple[int, str]]) -> list[str]:
    """The raw records of a load's quarantine, given as (line number, text). Raises VaultError where one won't open."""
    if not any(raw.startswith(MARK) for _, raw in lines):
        return [raw for _, raw in lines]
    cursor.execute("select master, wrapped from vault.load_key where load_id = %s", (load_id,))
    row = cursor.fetchone()
    if row is None:
        raise VaultError(f"the key of load {load_id}'s quarantine is gone", "send the whole file again.")
    try:
        key = seal.unwrap(keys.master(row[0]).wrapping, bytes(row[1]), f"load {load_id}")
        return [
            seal.unseal(key, base64.b64decode(raw.removeprefix(MARK)), _line(load_id, line)).decode(
                "utf-8", "surrogatepass"
            )
            if raw.startswith(MARK)
            else raw
            for line, raw in lines
        ]
    except (InvalidTag, ValueError):
        raise VaultError(
            f"a quarantined record of load {load_id} does not open: it was altered", "send the whole file again."
        ) from None


def _line(load_id: int, line: int) -> str:
    return BETWEEN.join(("quarantine", str(load_id), str(line)))


def _fetch(cursor: Cursor, keys: Keys, names: list[str]) -> dict[str, bytes]:
    cursor.execute("select customer_id, master, wrapped from vault.data_key where customer_id = any(%s)", (names,))
    try:
        return {
            name: seal.unwrap(keys.master(by).wrapping, bytes(wrapped), name) for name, by, wrapped in cursor.fetchall()
        }
    except InvalidTag:
        raise VaultError(
            "the data key of a customer does not open: it was altered, or is another customer's",
            "`bankmart vault check` names it; restore schema vault from a backup.",
        ) from None
