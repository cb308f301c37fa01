"""What is measured of a delivered table on its date, in one pass over its rows: rows, empties, mixes, sizes, lag."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2 import sql
from psycopg2.extras import execute_values

from bankmart import db
from bankmart.governance.quality.anomaly import Point
from bankmart.sources import tables
from bankmart.sources.contract import NUMERIC, Table

Key = tuple[str, str, str]
HISTORY_DAYS = 120
NUMBERS = ("integer", "bigint", "double precision")


@dataclass(frozen=True)
class Load:
    """The load that a date's rows of a table come from."""

    load_id: int
    table: Table
    day: date
    read: int
    rejected: int


def measure(cursor: Any, load: Load) -> dict[Key, Point]:
    """(measure, column, value) → what it is; one pass over the date's rows."""
    asked = list(_asked(load.table))
    statement = sql.SQL("select count(*){} from {} where business_date = %s").format(
        sql.SQL("").join(sql.SQL(", ") + cell for _, cell in asked), tables.relation(load.table)
    )
    cursor.execute(statement, (load.day,))
    rows, *cells = db.one(cursor)
    made: dict[Key, Point] = {("rows", "", ""): Point(load.day, float(rows), rows)}
    if load.read:
        made["rejected", "", ""] = Point(load.day, load.rejected / load.read, load.read)
    for (key, _), cell in zip(asked, cells, strict=True):
        if cell is None or not rows:
            continue
        if key[0] == "lag":
            made[key] = Point(load.day, float((load.day - cell).days), rows)
        elif key[0] == "size":
            made[key] = Point(load.day, float(cell), rows)
        else:
            made[key] = Point(load.day, cell / rows, rows)
    return made


def _asked(table: Table) -> Iterator[tuple[Key, sql.Composable]]:
    for column in table.columns:
        name = sql.Identifier(column.name)
        if column.is_nullable:
            yield ("null", column.name, ""), sql.SQL("count(*) - count({})").format(name)
        for value in column.values:
            counted = sql.SQL("count(*) filter (where {} = {})").format(name, sql.Literal(value))
            yield ("share", column.name, value), counted
        is_number = NUMERIC.fullmatch(column.data_type) or column.data_type in NUMBERS
        if is_number and not column.is_key and not column.references:
            # The typical size; a mean would be that of the few largest.
            yield (
                ("size", column.name, ""),
                sql.SQL("exp(avg(ln(1 + abs({}::double precision)))) - 1").format(name),
            )
    if table.event_column:
        yield ("lag", "", ""), sql.SQL("max({})::date").format(sql.Identifier(table.event_column))


def keep(cursor: Any, load: Load, measured: dict[Key, Point]) -> None:
    """Write them down, in place of what the load had."""
    cursor.execute("delete from governance.delivery_measure where load_id = %s", (load.load_id,))
    rows = [
        (load.load_id, load.table.system, load.table.name, load.day, *key, point.amount, point.rows)
        for key, point in measured.items()
    ]
    execute_values(
        cursor,
        "insert into governance.delivery_measure (load_id, system, table_name, business_date, measure, column_name,"
        " value, amount, row_count) values %s",
        rows,
    )


def history(cursor: Any, day: date) -> dict[str, dict[Key, list[Point]]]:
    """system.table → key → what it was on the published dates before, as loaded now, in order."""
    cursor.execute(
        "select measured.system || '.' || measured.table_name, measured.measure, measured.column_name, measured.value,"
        " measured.business_date, measured.amount, measured.row_count"
        " from governance.delivery_measure as measured"
        " inner join governance.load using (load_id)"
        " inner join governance.publication on measured.business_date = publication.business_date"
        " where load.status = 'loaded' and measured.business_date < %(day)s"
        " and measured.business_date >= %(day)s - %(days)s order by measured.business_date",
        {"day": day, "days": HISTORY_DAYS},
    )
    found: dict[str, dict[Key, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for table, name, column, value, at, amount, rows in cursor.fetchall():
        found[table][name, column, value].append(Point(at, amount, rows))
    return found
