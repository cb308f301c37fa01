"""Keeps erasures and everything that copies people's rows apart: a build that has read a row before writes it after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bankmart import db

KEY = "hashtext('bankmart erasure')"


def copying(cursor: Any) -> None:
    """Until the end of the transaction no erasure begins; waits for one that runs."""
    cursor.execute(f"select pg_advisory_xact_lock_shared({KEY})")  # noqa: S608


def erasing(cursor: Any) -> None:
    """Until the end of the transaction nothing is loaded, built or scored; waits for what runs."""
    cursor.execute(f"select pg_advisory_xact_lock({KEY})")  # noqa: S608


@contextmanager
def apart(role: str = "platform") -> Iterator[None]:
    """`copying` for what works with connections of its own."""
    with db.connect(role) as link, link.cursor() as cursor:
        copying(cursor)
        yield
