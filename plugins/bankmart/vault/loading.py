"""Between a delivered row and its raw table: identifiers become tokens, their clear values go to the vault."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, BinaryIO, cast

import psycopg2
import pyarrow as pa

from bankmart import db, settings
from bankmart.errors import BankmartError
from bankmart.governance.masking import data_classes
from bankmart.sources.contract import Column, Table
from bankmart.vault import seal, store
from bankmart.vault.keys import Keys, VaultError, unlock
from bankmart.vault.tokenise import Tokens

if TYPE_CHECKING:
    from psycopg2.extensions import connection
    from psycopg2.extensions import cursor as Cursor

KEPT_IN_MEMORY = 32 << 20
COPY = "copy vault.sealed (source, business_date, row_key, customer_id, record) from stdin"
ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True)
class Unlocked:
    """The vault's keys, for one load or repair."""

    keys: Keys


def vaulted(table: Table) -> list[Column]:
    """The columns of a table whose clear values the vault keeps."""
    known = data_classes()
    return [column for column in table.columns if known[column.data_class].get("vault")]


def problem(table: Table) -> str | None:
    """Why a table's identifiers can't go to the vault, if there is a reason."""
    columns = vaulted(table)
    whose = [column.name for column in table.columns if column.data_class == store.CUSTOMER]
    is_bound = any(each.is_key or each.references or each.values or each.data_type != "text" for each in columns)
    if not columns or (len(whose) == 1 and not is_bound):
        return None
    return (
        f"{source_of(table)} has identifiers for the vault ({', '.join(each.name for each in columns)}): it needs one "
        f"column of class {store.CUSTOMER}, and as identifiers texts that are no key, reference or list of values"
    )


def unlocked(tables: list[Table]) -> Unlocked | None:
    """The vault's keys for a load of these tables; None where none has an identifier. Raises VaultError."""
    if not any(vaulted(table) for table in tables):
        return None
    with db.connect("loader") as link, link.cursor() as cursor:
        return Unlocked(unlock(cursor))


def forget(cursor: Cursor, table: Table, day: date) -> None:
    """Remove what is sealed of a table's business date, whose rows are about to be replaced."""
    cursor.execute("delete from vault.sealed where source = %s and business_date = %s", (source_of(table), day))


def source_of(table: Table) -> str:
    """How the vault names a table."""
    return f"{table.system}.{table.name}"


@contextmanager
def sealer(vault: Unlocked | None, table: Table, day: date) -> Iterator[Sealer | None]:
    """What protects the rows of a table's file; None where it has no identifier."""
    if vault is None or not vaulted(table):
        yield None
        return
    made = Sealer(table, day, vault.keys)
    try:
        yield made
    finally:
        made.close()


class Sealer:
    """Protects the rows of one table's file: `protect` chunk by chunk, then `write`."""

    def __init__(self, table: Table, day: date, keys: Keys) -> None:
        """Raises BankmartError for a table that doesn't say whose its identifiers are, or has one as its key."""
        self._source, self._day, self._keys = source_of(table), day, keys
        places = {column.name: place for place, column in enumerate(table.columns)}
        columns = vaulted(table)
        if found := problem(table):
            raise BankmartError(found)
        self._names = [column.name for column in columns]
        self._places = [places[name] for name in self._names]
        self._tokens = [Tokens(keys.token_key, column.data_class) for column in columns]
        self._customer = next(places[each.name] for each in table.columns if each.data_class == store.CUSTOMER)
        self._key = [places[name] for name in table.key]
        self._spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY))  # noqa: SIM115
        self._link: connection | None = None

    def protect(self, texts: list[pa.StringArray]) -> list[pa.StringArray]:
        """The same columns with tokens for identifiers; the clear values wait, sealed, to be written."""
        clear = [texts[place].to_pylist() for place in self._places]
        customers = texts[self._customer].to_pylist()
        keys = zip(*(texts[place].to_pylist() for place in self._key), strict=True)
        rows = [
            (customer, store.BETWEEN.join(map(str, key)), {n: v for n, v in zip(self._names, row, strict=True) if v})
            for customer, key, row in zip(customers, keys, zip(*clear, strict=True), strict=True)
        ]
        self._seal([row for row in rows if row[2]])
        protected = list(texts)
        for place, tokens, values in zip(self._places, self._tokens, clear, strict=True):
            protected[place] = pa.array(tokens.of(values), pa.string())
        return protected

    def write(self, cursor: Cursor) -> None:
        """Put what was sealed into the vault, in the transaction of the rows that it belongs to.

        Raises VaultError where a customer's key was destroyed meanwhile: nothing is sealed under a key that is gone.
        """
        self._spool.seek(0)
        try:
            cursor.copy_expert(COPY, self._spool)
        except psycopg2.errors.ForeignKeyViolation:
            raise VaultError(
                f"the key of a customer of {self._source} of {self._day} was destroyed while the file was loaded",
                "load it again: who was erased is left out then.",
            ) from None

    def close(self) -> None:
        """Let go of the connection and of what was not written."""
        self._spool.close()
        if self._link is not None:
            self._link.close()

    def _seal(self, rows: list[tuple[str, str, dict[str, str]]]) -> None:
        if not rows:
            return
        data_keys = self._data_keys({customer for customer, _, _ in rows})
        day = self._day.isoformat()
        head = f"{self._source}\t{day}\t"
        lines = []
        for customer, key, values in rows:
            place = store.place(self._source, day, key, customer)
            record = seal.seal(data_keys[customer], _as_json(values).encode(), place).hex()
            lines.append(f"{head}{key.translate(ESCAPED)}\t{customer.translate(ESCAPED)}\t\\\\x{record}\n")
        self._spool.write("".join(lines).encode())

    def _data_keys(self, customers: set[str]) -> dict[str, bytes]:
        # By a connection of its own, and committed: the load's own is busy with COPY, and another load of the same
        # customer must find the key that these records are sealed with. A key without a record does no harm.
        if self._link is None:
            self._link = psycopg2.connect(settings.dsn("loader"), application_name="bankmart vault")
        with self._link, self._link.cursor() as cursor:
            return store.data_keys(cursor, self._keys, customers)


def _as_json(values: dict[str, str]) -> str:
    # An encoder of json is made anew for each object, which took as long as three tokens.
    return "{" + ",".join([f'"{name}":{encode_basestring(value)}' for name, value in values.items()]) + "}"
