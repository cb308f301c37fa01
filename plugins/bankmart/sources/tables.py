"""The raw tables in schema `sources`, made from the contract and kept in step with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psycopg2 import sql

from bankmart import db
from bankmart.sources import contract
from bankmart.sources.contract import ContractError, Table

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

OWN = {"business_date": ("date", True), "load_id": ("bigint", True)}


def create_tables(tables: Iterable[Table] | None = None) -> None:
    """Make the raw tables of the contract (or of `tables`) where they are missing; add new nullable columns.

    Raises ContractError where a table that is there differs from the contract in any other way.
    """
    if tables is None:
        tables = [table for system in contract.load().values() for table in system.values()]
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('bankmart raw tables', 0))")
        for table in tables:
            present = _present(cursor, table)
            if present:
                _evolve(cursor, table, present)
            else:
                _create(cursor, table)


def relation(table: Table) -> sql.Identifier:
    """The raw table's name, quoted."""
    return sql.Identifier("sources", table.identifier)


def drop_key_if_empty(cursor: Cursor, table: Table) -> bool:
    """Drop the key of a table that holds nothing, and say whether it was: `add_key` must follow.

    With the key made after them, a million rows took 4.0 s of the server's time instead of 4.7 s.
    """
    for is_locked in (False, True):
        # Unlike a select this leaves no lock behind, with which two loads could wait for each other for ever.
        cursor.execute("select pg_relation_size(%s::regclass) = 0", (f'sources."{table.identifier}"',))
        if not (cursor.fetchone() or (False,))[0]:
            return False
        if not is_locked:
            cursor.execute(sql.SQL("lock table {} in access exclusive mode").format(relation(table)))
    statement = sql.SQL("alter table {} drop constraint {}")
    cursor.execute(statement.format(relation(table), sql.Identifier(f"{table.identifier}_key")))
    return True


def add_key(cursor: Cursor, table: Table) -> None:
    """Make the key again. Raises psycopg2.IntegrityError where rows share one."""
    cursor.execute(sql.SQL("alter table {} add {}").format(relation(table), _key(table)))


def _key(table: Table) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in ("business_date", *table.key))
    return sql.SQL("constraint {} primary key ({})").format(sql.Identifier(f"{table.identifier}_key"), names)


def _present(cursor: Cursor, table: Table) -> dict[str, tuple[str, bool]]:
    cursor.execute(
        """
        select attname, format_type(atttypid, atttypmod), attnotnull
        from pg_attribute
        where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
        """,
        (f'sources."{table.identifier}"',),
    )
    return {name: (_spelt(data_type), is_required) for name, data_type, is_required in cursor.fetchall()}


def _spelt(data_type: str) -> str:
    return data_type.replace("timestamp with time zone", "timestamptz")


def _create(cursor: Cursor, table: Table) -> None:
    fields: list[sql.Composable] = [
        sql.SQL("{} {} {}").format(
            sql.Identifier(column.name),
            sql.SQL(column.data_type),
            sql.SQL("" if column.is_nullable else "not null"),
        )
        for column in table.columns
    ]
    fields.append(sql.SQL("business_date date not null"))
    fields.append(sql.SQL("load_id bigint not null"))
    fields.append(_key(table))
    cursor.execute(sql.SQL("create table {} ({})").format(relation(table), sql.SQL(", ").join(fields)))
    cursor.execute(sql.SQL("grant select on {} to platform").format(relation(table)))
    cursor.execute(sql.SQL("comment on table {} is %s").format(relation(table)), (table.description,))
    comments = {column.name: column.description for column in table.columns}
    comments["business_date"] = "Business date of the extract that the row came with."
    comments["load_id"] = "Load that brought the row: governance.load."
    for name, text in comments.items():
        _comment(cursor, table, name, text)


def _comment(cursor: Cursor, table: Table, name: str, text: str) -> None:
    target = sql.Identifier("sources", table.identifier, name)
    cursor.execute(sql.SQL("comment on column {} is %s").format(target), (text,))


def _evolve(cursor: Cursor, table: Table, present: dict[str, tuple[str, bool]]) -> None:
    where = f"raw table sources.{table.identifier}"
    wanted = {column.name: (column.data_type, not column.is_nullable) for column in table.columns} | OWN
    remedy = (
        "Put the contract back, or give the changed field a new name and make it nullable. To start anew, "
        "drop the table and load its dates again from the landing files."
    )
    for name in present:
        if name not in wanted:
            raise ContractError(f"{where} has the column {name}, which the contract no longer has. {remedy}")
    for name, (data_type, is_required) in wanted.items():
        if name not in present:
            if is_required:
                raise ContractError(
                    f"{where}: the contract's new column {name} is not nullable, but the rows that are there "
                    f"have no value for it. Make it `nullable: true`. {remedy}"
                )
            added = sql.SQL("alter table {} add column {} {}").format(
                relation(table), sql.Identifier(name), sql.SQL(data_type)
            )
            cursor.execute(added)
            _comment(cursor, table, name, next(each.description for each in table.columns if each.name == name))
        elif present[name] != (data_type, is_required):
            raise ContractError(
                f"{where}, column {name}: the contract says {_said(data_type, is_required)}, the table has "
                f"{_said(*present[name])}. {remedy}"
            )
    _check_key(cursor, table, where, remedy)


def _check_key(cursor: Cursor, table: Table, where: str, remedy: str) -> None:
    cursor.execute(
        """
        select array_agg(attribute.attname::text order by key.position)
        from pg_index
        cross join unnest(indkey::int2[]) with ordinality as key (attnum, position)
        join pg_attribute as attribute on attribute.attrelid = indrelid and attribute.attnum = key.attnum
        where indrelid = to_regclass(%s) and indisprimary
        """,
        (f'sources."{table.identifier}"',),
    )
    row = cursor.fetchone()
    wanted = ["business_date", *table.key]
    if row is None or row[0] != wanted:
        raise ContractError(f"{where}: its key is {row and row[0]}, the contract says {wanted}. {remedy}")


def _said(data_type: str, is_required: bool) -> str:
    return f"{data_type}, {'not null' if is_required else 'nullable'}"
