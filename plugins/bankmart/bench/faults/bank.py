"""The bank that faults happen to: one published date, and one that is built, whole, and not published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bankmart import db
from bankmart.governance.build import Build
from bankmart.governance.commands.hash import hashes

Hashes = dict[str, tuple[int, str]]


@dataclass
class Bank:
    """`first` is the go-live date, `published` what readers see, `build` the clean build of the date after it."""

    first: date
    published: date
    build: Build
    restart: Callable[[], None] = field(repr=False)
    seen: Hashes = field(default_factory=dict, repr=False)
    clean: Hashes = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Keep the sums of the undisturbed run."""
        self.look()

    def look(self) -> None:
        """What is there now is what has to be there from now on: somebody was erased, and rightly."""
        self.seen, self.clean = hashes(self.published), hashes(build_id=self.build.build_id)


def query(statement: Any, *values: Any, role: str = "platform") -> list[tuple[Any, ...]]:
    """The rows of a statement, in a transaction of its own; none where it gives none."""
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []
