"""A new master key: data keys are wrapped anew, batch by batch, while everything else goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2 import sql
from psycopg2.extras import execute_values

from bankmart import db
from bankmart.governance import audit
from bankmart.vault import seal
from bankmart.vault.keys import Keys, Master, VaultError, given, lock_with, unlock

if TYPE_CHECKING:
    from psycopg2.extensions import connection
    from psycopg2.extensions import cursor as Cursor

BATCH = 2_000
# Tables of wrapped keys: the column that names a key, and the words that are bound to it.
WRAPPED = {"data_key": ("customer_id", "{}"), "load_key": ("load_id", "load {}")}


@dataclass(frozen=True)
class Rotated:
    """What a rotation did: the master before and now, how many keys it wrapped anew."""

    before: str
    now: str
    wrapped: int


def rotate(actor: str) -> Rotated:
    """Lock the vault with the newest of the given master keys, and wrap every key anew under it.

    Killed on the way, the next call goes on where it was: each batch is a transaction. Readers and loads that know both
    keys go on meanwhile. The token key, and so every token, stays. Raises VaultError where the key that the vault is
    locked with isn't among those given, or one that something is still wrapped with.
    """
    with db.connect("vault") as link, link.cursor() as cursor:
        keys = unlock(cursor)
        newest = (given() or [keys.current])[0]
        before = keys.current.name
        if newest.name != before:
            lock_with(cursor, newest, keys.token_key)
            audit.append(link, "vault_rotate", actor, "master key", {"before": before, "now": newest.name})
    with db.connect("vault") as link, link.cursor() as cursor:
        keys = unlock(cursor)
        count = sum(_wrap_all(link, cursor, keys, table) for table in WRAPPED)
        if count:
            facts = {"now": newest.name, "wrapped": count}
            audit.append(link, "vault_rotate", actor, "data keys", facts)
    return Rotated(before, newest.name, count)


def left(cursor: Cursor) -> dict[str, int]:
    """How many keys are still wrapped with each master that no longer is the current one."""
    cursor.execute(
        "select master, count(*) from (select master from vault.data_key union all select master from vault.load_key)"
        " as key where master not in (select name from vault.master where is_current) group by 1"
    )
    return dict(cursor.fetchall())


def _wrap_all(link: connection, cursor: Cursor, keys: Keys, table: str) -> int:
    count = 0
    while done := _batch(cursor, keys, table):
        link.commit()
        count += done
    return count


def _batch(cursor: Cursor, keys: Keys, table: str) -> int:
    column, words = WRAPPED[table]
    names = {"table": sql.Identifier("vault", table), "name": sql.Identifier(column)}
    cursor.execute(
        # Not `for update`, which would wait for every load that has just sealed something of the customer.
        sql.SQL(
            "select {name}, master, wrapped from {table} where master <> %s order by {name} limit %s for no key update"
        ).format(**names),
        (keys.current.name, BATCH),
    )
    rows = [_wrap(keys, keys.current, words, *row) for row in cursor.fetchall()]
    if rows:
        statement = (
            "update {table} as key set master = new.master, wrapped = new.wrapped"
            " from (values %s) as new (name, master, wrapped) where key.{name} = new.name"
        )
        execute_values(cursor, sql.SQL(statement).format(**names), rows, page_size=BATCH)
    return len(rows)


def _wrap(keys: Keys, new: Master, words: str, name: Any, by: str, wrapped: bytes) -> tuple[Any, str, bytes]:
    whose = words.format(name)
    try:
        key = seal.unwrap(keys.master(by).wrapping, bytes(wrapped), whose)
    except seal.InvalidTag:
        raise VaultError(
            f"the key of {words.format('…')} does not open under master key {by}: it was altered",
            "`bankmart vault check` names it; restore schema vault from a backup, then rotate again.",
        ) from None
    return name, new.name, seal.wrap(new.wrapping, key, whose)
