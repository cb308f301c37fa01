"""Connections to the warehouse, by role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2

from bankmart import settings
from bankmart.errors import BankmartError

if TYPE_CHECKING:
    from psycopg2.extensions import connection
    from psycopg2.extensions import cursor as Cursor


class StatementEnded(psycopg2.errors.QueryCanceled):
    """The server ended a statement before it was done (57014): says of whom, what it means, what to do."""


class UnkeepableText(BankmartError, ValueError):
    """A text that Postgres can't hold: says why and what to do."""


@contextmanager
def connect(role: str, database: str = settings.WAREHOUSE) -> Iterator[connection]:
    """A connection as `role`: one transaction, committed at the end of the block, rolled back on an error.

    Raises psycopg2.OperationalError where the server is away or refuses the login, StatementEnded where it ended a
    statement by its statement_timeout or somebody's word, UnkeepableText for a NUL or half a character in a text.
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
    except ValueError as error:
        if not (isinstance(error, UnicodeEncodeError) or "NUL (0x00)" in str(error)):
            raise
        # Not the text itself: it may be a person's, and whoever prints it would fail over it again.
        raise UnkeepableText(
            "what was given has a NUL or half a character in it, which no text of the database can hold: nothing of it "
            "was kept. Type it anew, or give the file in UTF-8."
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
