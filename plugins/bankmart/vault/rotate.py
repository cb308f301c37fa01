"""A new master key: data keys are wrapped anew, batch by batch, while everything else goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2 import sql
from psycopg2.extras import execute_values

from bankmart import db, faults
from bankmart.governance import audit
from bankmart.vault import seal
from bankmart.vault.keys import ALONE, Keys, Master, VaultError, given, lock_with, unlock

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
        now = unlock(cursor).current.name
        newest = next(iter(given()), None)
        if newest is None or (newest.name == now and not left(cursor)):
            return Rotated(now, now, 0)
    audit.attempt("vault", "vault_rotate", actor, "master key", {"before": now, "now": newest.name})
    with db.connect("vault") as link, link.cursor() as cursor:
        # Who was overtaken by a twin finds the vault locked anew, and says nothing.
        cursor.execute(ALONE)
        keys = unlock(cursor)
        before = keys.current.name
        if newest.name != before:
            lock_with(cursor, newest, keys.token_key)
            audit.append(link, "vault_rotate", actor, "master key", {"before": before, "now": newest.name})
            faults.point("rotate.locked")
    with db.connect("vault") as link, link.cursor() as cursor:
        count = _wrap_all(link, cursor, unlock(cursor))
        if count:
            # With the last batch: none that is the last is wrapped without a word.
            audit.append(link, "vault_rotate", actor, "data keys", {"now": newest.name, "wrapped": count})
    faults.point("rotate.done")
    return Rotated(before, newest.name, count)


def left(cursor: Cursor) -> dict[str, int]:
    """How many keys are still wrapped with each master that no longer is the current one."""
    cursor.execute(
        "select master, count(*) from (select master from vault.data_key union all select master from vault.load_key)"
        " as key where master not in (select name from vault.master where is_current) group by 1"
    )
    return dict(cursor.fetchall())


def _wrap_all(link: connection, cursor: Cursor, keys: Keys) -> int:
    """Batch by batch, each committed where more are left; the last one is the caller's to commit."""
    count = 0
    for table in WRAPPED:
        is_more = True
        while is_more:
            done, is_more = _batch(cursor, keys, table)
            count += done
            if done:
                faults.point("rotate.batch")
            if is_more:
                link.commit()
    return count


def _batch(cursor: Cursor, keys: Keys, table: str) -> tuple[int, bool]:
    """Wrap some keys anew: how many, and whether more are left."""
    column, words = WRAPPED[table]
    names = {"table": sql.Identifier("vault", table), "name": sql.Identifier(column)}
    cursor.execute(
        # Not `for update`, which would wait for every load that has just sealed something of the customer.
        sql.SQL(
            "select {name}, master, wrapped from {table} where master <> %s order by {name} limit %s for no key update"
        ).format(**names),
        (keys.current.name, BATCH + 1),
    )
    found = cursor.fetchall()
    rows = [_wrap(keys, keys.current, words, *row) for row in found[:BATCH]]
    if rows:
        statement = (
            "update {table} as key set master = new.master, wrapped = new.wrapped"
            " from (values %s) as new (name, master, wrapped) where key.{name} = new.name"
        )
        execute_values(cursor, sql.SQL(statement).format(**names), rows, page_size=BATCH)
    return len(rows), len(found) > BATCH


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
