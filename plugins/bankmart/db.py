"""Connections to the warehouse, by role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2

from bankmart import settings

if TYPE_CHECKING:
    from psycopg2.extensions import connection
    from psycopg2.extensions import cursor as Cursor


@contextmanager
def connect(role: str, database: str = settings.WAREHOUSE) -> Iterator[connection]:
    """A connection as `role`: one transaction, committed at the end of the block, rolled back on an error.

    Raises psycopg2.OperationalError where the server is away or refuses the login.
    """
    link = psycopg2.connect(settings.dsn(role, database), application_name=f"bankmart {role}")
    try:
        with link:
            yield link
    finally:
        link.close()


def one(cursor: Cursor) -> tuple[Any, ...]:
    """The row of a query that always gives one, such as an aggregate.

    Raises LookupError where it gave none.
    """
    row = cursor.fetchone()
    if row is None:
        raise LookupError("the query gave no row")
    return row
