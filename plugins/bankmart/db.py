"""Connections to the warehouse, by role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2

from bankmart import settings
from bankmart.errors import BankmartError

if TYPE_CHECKING:
    from psycopg2.extensions import connection
    from psycopg2.extensions import cursor as Cursor


# What a server without room to write says; the last two are its system's words.
_FULL = re.compile("could not extend file|wrote only .* bytes|no space left on device|file too large", re.IGNORECASE)
MAKE_ROOM = "make room on the server's disk (docs/runbook.md#the-disk-is-full)"


class StatementEnded(psycopg2.errors.QueryCanceled):
    """The server ended a statement before it was done (57014): says of whom, what it means, what to do."""


class NoRoom(psycopg2.errors.DiskFull):
    """The server could not write (53100, or what its system says of a file): what it means, what to do."""


class UnkeepableText(BankmartError, ValueError):
    """A text that Postgres can't hold: says why and what to do."""


@contextmanager
def connect(role: str, database: str = settings.WAREHOUSE) -> Iterator[connection]:
    """A connection as `role`: one transaction, committed at the end of the block, rolled back on an error.

    Raises psycopg2.OperationalError where the server is away or refuses the login, NoRoom where its disk is full,
    StatementEnded where it ended a statement by its statement_timeout or somebody's word, UnkeepableText for a NUL or
    half a character in a text.
    """
    with _said(role):
        link = psycopg2.connect(settings.dsn(role, database), application_name=f"bankmart {role}")
        try:
            with link:
                yield link
        finally:
            link.close()


@contextmanager
def _said(role: str) -> Iterator[None]:
    try:
        yield
    except psycopg2.errors.QueryCanceled as error:
        raise StatementEnded(
            f"the server ended a statement of role {role} before it was done: {str(error).strip().splitlines()[0]}. "
            "Nothing of its transaction is kept, readers see what they saw. Run the same again; where it ends so each "
            f"time, look what keeps the server busy, or give the role more time: alter role {role} set "
            "statement_timeout = '…'"
        ) from error
    except (psycopg2.OperationalError, psycopg2.InternalError) as error:
        # One connection inside another: it is said once.
        if isinstance(error, NoRoom) or not is_no_room(str(error)):
            raise
        raise NoRoom(
            f"the server has no room to write for role {role}: {str(error).strip().splitlines()[0]}. Nothing of its "
            f"transaction is kept, readers see what they saw. The disk is full: {MAKE_ROOM} and run the same again."
        ) from error
    except ValueError as error:
        if not (isinstance(error, UnicodeEncodeError) or "NUL (0x00)" in str(error)):
            raise
        # Not the text itself: it may be a person's, and whoever prints it would fail over it again.
        raise UnkeepableText(
            "what was given has a NUL or half a character in it, which no text of the database can hold: nothing of it "
            "was kept. Type it anew, or give the file in UTF-8."
        ) from error


def is_no_room(said: str) -> bool:
    """Whether these words of the server mean that its disk is full."""
    return _FULL.search(said) is not None


def one(cursor: Cursor) -> tuple[Any, ...]:
    """The row of a query that always gives one, such as an aggregate.

    Raises LookupError where it gave none.
    """
    row = cursor.fetchone()
    if row is None:
        raise LookupError("the query gave no row")
    return row
