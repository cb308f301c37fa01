"""Which rows make two sums differ: a few of them, masked, for whoever has to find out why."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from bankmart.governance.build import Build
from bankmart.governance.gate import EXAMPLES
from bankmart.governance.masking import data_classes, mask_rows
from bankmart.sources import tables
from bankmart.sources.contract import Table

COLUMNS = """
select array_agg(attname) from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
"""
BETWEEN = """
select {keys}, loaded.amount as loaded, shown.amount as in_mart
from (select {keys}, {amount} as amount from {source} where business_date = %(day)s) as loaded
full join (select {keys}, {amount} as amount from {mart} where build_id = %(build)s) as shown using ({keys})
where loaded.amount is distinct from shown.amount
order by {keys}
limit %(most)s
"""
LOADS = """
select load_id, count(*) as rows from {} where business_date = %s group by load_id order by load_id limit %s
"""
QUARANTINED = """
select line_number, column_name, rule from governance.quarantine
where system = %s and table_name = %s and business_date = %s
order by load_id desc, line_number limit %s
"""


def between(cursor: Any, table: Table, build: Build, mart: str, amount: str) -> tuple[dict[str, Any], ...]:
    """Keys of rows that only one side has, or with another amount; of a mart without the table's key none."""
    cursor.execute(COLUMNS, (f"marts.{mart}",))
    (known,) = cursor.fetchone()
    if not set(table.key) <= set(known or ()):
        return ()
    cursor.execute(
        sql.SQL(BETWEEN).format(
            keys=sql.SQL(", ").join(map(sql.Identifier, table.key)),
            amount=sql.Identifier(amount),
            source=tables.relation(table),
            mart=sql.Identifier("marts", mart),
        ),
        {"day": build.business_date, "build": build.build_id, "most": EXAMPLES},
    )
    return _rows(cursor, table)


def loads(cursor: Any, table: Table, build: Build) -> tuple[dict[str, Any], ...]:
    """Of which loads the date's rows are: one that was replaced may have left some."""
    cursor.execute(sql.SQL(LOADS).format(tables.relation(table)), (build.business_date, EXAMPLES))
    return _rows(cursor, table)


def quarantined(cursor: Any, table: Table, build: Build) -> tuple[dict[str, Any], ...]:
    """Where the records stand that were not loaded, and by which rule; never their values."""
    cursor.execute(QUARANTINED, (table.system, table.name, build.business_date, EXAMPLES))
    return _rows(cursor, table)


def _rows(cursor: Any, table: Table) -> tuple[dict[str, Any], ...]:
    known = data_classes()
    grades = {column.name: int(known[column.data_class]["grade"]) for column in table.columns}
    # What is no column of the table is a sum, a count or a place.
    return tuple(mask_rows(cursor, grades, unknown=0))
