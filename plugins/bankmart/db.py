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


class StatementEnded(psycopg2.errors.QueryCanceled):
    """The server ended a statement before it was done (57014): says of whom, what it means, what to do."""


@contextmanager
def connect(role: str, database: str = settings.WAREHOUSE) -> Iterator[connection]:
    """A connection as `role`: one transaction, committed at the end of the block, rolled back on an error.

    Raises psycopg2.OperationalError where the server is away or refuses the login, StatementEnded where it ended a
    statement by its statement_timeout or somebody's word.
    """
    link = psycopg2.connect(settings.dsn(role, database), application_name=f"bankmart {role}")
    try:
        with link:
            yield link
    except psycopg2.errors.QueryCanceled as error:
        raise StatementEnded(
            f"the server ended a statement of role {role} before it was done: {str(error).strip().splitlines()[0]}. "
            "Nothing of its transaction is kept, readers see what they saw. Run the same again; where it ends so each "
            f"time, look what keeps the server busy, or give the role more time: alter role {role} set "
            "statement_timeout = '…'"
        ) from error
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
