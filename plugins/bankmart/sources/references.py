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


class References:
    """Fetches the keys of each table that is referred to once, the rows of the running load among them."""

    def __init__(self, cursor: Cursor, business_date: date) -> None:
        self._cursor, self._business_date = cursor, business_date
        self._known: dict[str, KeySet | None] = {}

    def of(self, table: Table) -> dict[str, KeySet]:
        """The known keys by the column that refers to them; none for a table that was never loaded."""
        found = {each.name: self._keys(each.references) for each in table.columns if each.references}
        return {name: keys for name, keys in found.items() if keys is not None}

    def _keys(self, reference: str) -> KeySet | None:
        if reference not in self._known:
            system, _, name = reference.partition(".")
            self._known[reference] = self._fetch(contract.load()[system][name])
        return self._known[reference]

    def _fetch(self, table: Table) -> KeySet | None:
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
        statement = "copy (select distinct {} from {} where business_date <= {}) to stdout (format csv, header)"
        keys, fetched = KeySet(0), io.BytesIO()
        self._cursor.copy_expert(
            sql.SQL(statement).format(
                sql.Identifier(table.key[0]), tables.relation(table), sql.Literal(self._business_date)
            ),
            fetched,
        )
        fetched.seek(0)
        for chunk in CsvReader(fetched, table.identifier, ",", "utf-8"):
            keys.add(hashes([chunk.columns[table.key[0]]]))
        return keys
