"""Connections to the warehouse, by role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg2

from bankmart import settings

if TYPE_CHECKING:
    from psycopg2.extensions import connection


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
