"""The columns a model reads: there, numeric, and sent as float8.

A category goes level by level: the feature `language is zh` is 1 where the text column `language` holds zh, 0 where it
holds anything else, a value that nobody has seen before among it, and null where it is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

from ml.errors import DataError

if TYPE_CHECKING:
    from psycopg2.extensions import connection

    from ml.spec import Population

NUMERIC = ("smallint", "integer", "bigint", "numeric", "real", "double precision", "boolean")
TEXT = ("text", "character varying", "character")
IS = " is "


def column_types(link: connection, table: tuple[str, ...]) -> dict[str, str]:
    """Column → Postgres type of a table or view this role may read; empty where there is none."""
    with link.cursor() as cursor:
        cursor.execute(
            "select column_name, data_type from information_schema.columns where table_schema = %s and table_name = %s",
            table,
        )
        return dict(cursor.fetchall())


def require_numeric(link: connection, table: tuple[str, ...], names: Sequence[str]) -> dict[str, str]:
    """The types of the named features' columns.

    Raises DataError where one is missing, or isn't a number; of a category (`language is zh`), where it isn't text.
    """
    types = column_types(link, table)
    where = ".".join(table)
    if missing := [name for name in names if column_of(name) not in types]:
        raise DataError(
            f"{where} lacks {', '.join(missing)}, which the model reads by name."
            " Build the feature again, or train a version without it."
        )
    if wrong := [f"{name} ({types[name]})" for name in names if IS not in name and types[name] not in NUMERIC]:
        raise DataError(
            f"{where} has features that aren't numbers: {', '.join(wrong)}."
            " The model was promised numbers: put the type in the feature's model right."
        )
    categories = {name: types[column_of(name)] for name in names if IS in name}
    if wrong := [f"{name} ({kind})" for name, kind in categories.items() if kind not in TEXT]:
        raise DataError(
            f"{where} has categories that aren't text: {', '.join(wrong)}."
            " The model was promised words: put the type in the feature's model right."
        )
    return {name: types[column_of(name)] for name in names}


def as_number(alias: str, name: str, kind: str) -> sql.Composed:
    """`alias.name` cast to float8; booleans become 0 and 1, and so does whether a category has its level."""
    if IS in name:
        column, _, level = name.partition(IS)
        return sql.SQL("({} = {})::int::float8").format(sql.Identifier(alias, column), sql.Literal(level))
    cast = "{}.{}::int::float8" if kind == "boolean" else "{}.{}::float8"
    return sql.SQL(cast).format(sql.Identifier(alias), sql.Identifier(name))


def refuse_infinite(names: Sequence[str], numbers: np.ndarray, where: str) -> None:
    """Raise DataError naming the columns of `numbers` (n, len(names)) that hold an infinite value."""
    infinite = np.isinf(numbers)
    if infinite.any():
        count = infinite.sum(axis=0)
        found = ", ".join(f"{names[at]} ({count[at]} rows)" for at in np.flatnonzero(count).tolist())
        raise DataError(
            f"Infinite values in {where}: {found}. A ratio was taken over zero: make it null in the feature's model."
        )


def in_population(alias: str, population: Population, kind: str) -> sql.Composed:
    """The condition that a row's customer belongs to the population; `kind` is the column's type."""
    value = as_number(alias, population.column, kind)
    condition = sql.SQL("{} >= {}").format(value, sql.Literal(population.at_least))
    if population.below is not None:
        condition += sql.SQL(" and {} < {}").format(value, sql.Literal(population.below))
    return condition


def column_of(name: str) -> str:
    """The column that a feature is of: itself, or of a category's level the category."""
    return name.partition(IS)[0]
