"""Delivered rows of somebody who is gone: another number takes the place of theirs, what identifies is emptied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from bankmart import vault
from bankmart.governance.people.places import owners, places
from bankmart.sources.contract import Table
from bankmart.sources.reading.csv_file import Chunk
from bankmart.sources.refusal import Reject

# In the place of a text that has to be there.
ERASED = "erased"


class Numbers(Protocol):
    """Which numbers are gone, and what stands for them."""

    def of(self, kind: str, values: Iterable[str]) -> dict[str, str]:
        """Those of the values that are gone, with their anonymous ones."""


@dataclass(frozen=True)
class Known:
    """Numbers that are known in clear, while their erasure is under way: by kind, old → new."""

    numbers: Mapping[str, Mapping[str, str]]

    def of(self, kind: str, values: Iterable[str]) -> dict[str, str]:
        """Those of the values that are gone, with their anonymous ones."""
        mine = self.numbers.get(kind, {})
        return {value: mine[value] for value in values if value in mine}


@dataclass
class Tombstones:
    """Numbers that are gone, known by their tokens only."""

    anonymous: dict[str, str]
    # Those that were met, by kind: what a delivery is written again without.
    met: dict[str, dict[str, str]] = field(default_factory=dict)
    _seen: dict[tuple[str, str], str | None] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: Any) -> Tombstones | None:
        """All tombstones; None where nobody was ever erased, so that a load has nothing to ask."""
        cursor.execute("select token, anonymous from governance.tombstone")
        found = dict(cursor.fetchall())
        return cls(found) if found else None

    def afresh(self) -> Tombstones:
        """The same, with nobody met yet; what is known of tokens is shared."""
        return Tombstones(self.anonymous, {}, self._seen)

    def of(self, kind: str, values: Iterable[str]) -> dict[str, str]:
        """Those of the values that are gone, with their anonymous ones. A token takes 24 µs: each is made once."""
        asked = list(dict.fromkeys(values))
        if new := [value for value in asked if (kind, value) not in self._seen]:
            for value, token in zip(new, tokens(kind, new), strict=True):
                self._seen[kind, value] = self.anonymous.get(token)
        gone = {value: found for value in asked if (found := self._seen[kind, value])}
        if gone:
            self.met.setdefault(kind, {}).update(gone)
        return gone


def tokens(kind: str, numbers: list[str]) -> list[str]:
    """The tokens of numbers by which tombstones know them: of exactly what is written, capitals and spaces too."""
    return [
        str(each) for each in vault.tokens(f"tombstone {kind}", [f"n:{number.encode().hex()}" for number in numbers])
    ]


def chunk(table: Table, found: Chunk, numbers: Numbers) -> Chunk:
    """A piece of a delivery without those who are gone."""
    gone: dict[str, dict[str, str]] = {}
    for place in (each for each in places(table) if each.kind):
        values = [value for value in pc.unique(found.columns[place.name]).to_pylist() if value]
        if known := numbers.of(place.kind or "", values):
            gone[place.name] = known
    bad = _bad(table, found.bad, numbers)
    if not gone:
        return Chunk(found.columns, found.length, found.locate, bad) if found.bad else found
    columns: dict[str, list[str | None]] = {name: column.to_pylist() for name, column in found.columns.items()}
    rows = sorted({row for name, known in gone.items() for row, value in enumerate(columns[name]) if value in known})
    for row in rows:
        record = {name: column[row] for name, column in columns.items()}
        for name, value in changed(table, record, gone).items():
            columns[name][row] = value
    made = {name: pa.array(column, pa.string()) for name, column in columns.items()}
    theirs = set(rows)

    def locate(wanted: list[int]) -> list[tuple[int, str]]:
        # What is rejected all the same goes to quarantine, where it must not stand either.
        return [
            (line, ERASED if row in theirs else raw)
            for row, (line, raw) in zip(wanted, found.locate(wanted), strict=True)
        ]

    return Chunk(made, found.length, locate, bad)


def changed(table: Table, record: Mapping[str, Any], gone: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The fields of a record that change; `gone`: by column the numbers that are gone, old → new."""
    held = places(table)
    found: dict[str, Any] = {place.name: gone[place.name][record[place.name]]
             for place in held if record.get(place.name) in gone.get(place.name, {})}  # fmt: skip
    if any(place.name in found for place in owners(held)):
        for place in held:
            value = record.get(place.name)
            if value is None or value == "" or (place.name in found and not place.is_free):
                continue
            # Even where the other one is gone too, or it is the person's own account: the link between the two goes.
            if place.is_free or place.fate == "empty":
                found[place.name] = None if place.is_nullable else ERASED
            elif place.fate == "year":
                found[place.name] = first_of_year(value)
    return found


def first_of_year(value: Any) -> Any:
    """The first of January of a date's year; nothing where it is no date."""
    if hasattr(value, "replace") and not isinstance(value, str):
        return value.replace(month=1, day=1)
    return f"{value[:4]}-01-01" if str(value)[:4].isdecimal() else None


def _bad(table: Table, rejects: list[Reject], numbers: Numbers) -> list[Reject]:
    # Records that can't be told apart into fields: their pieces are asked for all the kinds there are.
    kinds = {place.kind for place in places(table) if place.kind}
    made = []
    for reject in rejects:
        pieces = [
            piece.strip(' "') for piece in reject.raw.replace(";", ",").replace("|", ",").replace("\t", ",").split(",")
        ]
        is_theirs = any(numbers.of(kind, filter(None, pieces[:200])) for kind in kinds)
        made.append(Reject(reject.line, reject.column, reject.rule, reject.reason, ERASED) if is_theirs else reject)
    return made
