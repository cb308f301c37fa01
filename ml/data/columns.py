"""The columns a model reads: there, numeric, and sent as float8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

from ml.errors import DataError

if TYPE_CHECKING:
    from psycopg2.extensions import connection

NUMERIC = ("smallint", "integer", "bigint", "numeric", "real", "double precision", "boolean")


def column_types(link: connection, table: tuple[str, ...]) -> dict[str, str]:
    """Column → Postgres type of a table or view this role may read; empty where there is none."""
    with link.cursor() as cursor:
        cursor.execute(
            "select column_name, data_type from information_schema.columns where table_schema = %s and table_name = %s",
            table,
        )
        return dict(cursor.fetchall())


def require_numeric(link: connection, table: tuple[str, ...], names: Sequence[str]) -> dict[str, str]:
    """The types of the named columns. Raises DataError where one is missing or isn't a number."""
    types = column_types(link, table)
    where = ".".join(table)
    if missing := [name for name in names if name not in types]:
        raise DataError(
            f"{where} lacks {', '.join(missing)}, which the model reads by name."
            " Build the feature again, or train a version without it."
        )
    if wrong := [f"{name} ({types[name]})" for name in names if types[name] not in NUMERIC]:
        raise DataError(
            f"{where} has features that aren't numbers: {', '.join(wrong)}."
            " The model was promised numbers: put the type in the feature's model right."
        )
    return {name: types[name] for name in names}


def as_number(alias: str, name: str, kind: str) -> sql.Composed:
    """`alias.name` cast to float8; booleans become 0 and 1."""
    cast = "{}.{}::int::float8" if kind == "boolean" else "{}.{}::float8"
    return sql.SQL(cast).format(sql.Identifier(alias), sql.Identifier(name))


def refuse_infinite(names: Sequence[str], numbers: np.ndarray, where: str) -> None:
    """Raise DataError naming the columns of `numbers` (n, len(names)) that hold an infinite value."""
    count = np.isinf(numbers).sum(axis=0)
    if count.any():
        found = ", ".join(f"{names[at]} ({count[at]} rows)" for at in np.flatnonzero(count).tolist())
        raise DataError(
            f"Infinite values in {where}: {found}. A ratio was taken over zero: make it null in the feature's model."
        )
