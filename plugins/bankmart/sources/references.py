"""The keys that other tables refer to, as they were known on one business date."""

from __future__ import annotations

import io
from datetime import date
from typing import TYPE_CHECKING

from psycopg2 import sql

from bankmart.sources import contract, tables
from bankmart.sources.contract import Table
from bankmart.sources.reading.csv_file import CsvReader
from bankmart.sources.reading.keys import KeySet, hashes

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

# So many times more keys than are asked for, and fetching the asked ones alone is worth it.
MANY_TIMES = 5


class References:
    """Fetches the keys of each table that is referred to, the rows of the running load among them: all of them once, or
    those that a short file asks for."""

    def __init__(self, cursor: Cursor, business_date: date) -> None:
        self._cursor, self._business_date = cursor, business_date
        self._known: dict[str, KeySet | None] = {}

    def of(self, table: Table, asked: dict[str, list[str]] | None = None) -> dict[str, KeySet]:
        """The known keys by the column that refers to them; none for a table that was never loaded.

        `asked`: all values of such a column; of a table with many more keys only these are then fetched.
        """
        found = {
            each.name: self._keys(each.references, (asked or {}).get(each.name))
            for each in table.columns
            if each.references
        }
        return {name: keys for name, keys in found.items() if keys is not None}

    def _keys(self, reference: str, asked: list[str] | None) -> KeySet | None:
        if reference not in self._known:
            system, _, name = reference.partition(".")
            table = contract.load()[system][name]
            if asked is not None and self._is_long(table, len(asked)):
                return self._fetch(table, asked)
            self._known[reference] = self._fetch(table)
        return self._known[reference]

    def _is_long(self, table: Table, asked: int) -> bool:
        self._cursor.execute(
            "select reltuples from pg_class where oid = to_regclass(%s)", (f"sources.{table.identifier}",)
        )
        (rows,) = self._cursor.fetchone() or (0,)
        is_text = next(each.data_type == "text" for each in table.columns if each.name == table.key[0])
        return bool(is_text and rows > MANY_TIMES * asked)

    def _fetch(self, table: Table, asked: list[str] | None = None) -> KeySet | None:
        self._cursor.execute(
            """
            select exists (
                select from governance.load
                where system = %s and table_name = %s and business_date <= %s and status = 'loaded'
            )
            """,
            (table.system, table.name, self._business_date),
        )
        if not (self._cursor.fetchone() or (False,))[0]:
            return None
        statement = "copy (select distinct {} from {} where business_date <= {}{}) to stdout (format csv, header)"
        key = sql.Identifier(table.key[0])
        only = sql.SQL("" if asked is None else " and {} = any({}::text[])").format(key, sql.Literal(asked))
        keys, fetched = KeySet(0), io.BytesIO()
        self._cursor.copy_expert(
            sql.SQL(statement).format(key, tables.relation(table), sql.Literal(self._business_date), only), fetched
        )
        fetched.seek(0)
        for chunk in CsvReader(fetched, table.identifier, ",", "utf-8"):
            keys.add(hashes([chunk.columns[table.key[0]]]))
        return keys
