"""A table's own files, read as bytes where the server's are here: which of its rows can hold what is sought.

A row that is found so is read again by SQL, which knows whether anybody can still see it. How rows lie in a file:
the server's manual, "Database Page Layout" and "TOAST".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bankmart import settings
from bankmart.governance.people.erasure.search.finder import Finder
from bankmart.runtime import postgres

PAGE, HEADER = 8192, 24
BLOCK = 512 * PAGE
# Files of a table are cut at a gigabyte.
SEGMENT = (1 << 30) // PAGE
NORMAL = 1
# A compressed value begins with two whole words: its own length (four times it, plus 2), and the length before with how
# it was compressed in the upper two bits. It is always shorter than before, and never by so much as RATIO.
LENGTH_BITS, COMPRESSED = np.uint32(0xFFFF8003), np.uint32(2)
BEFORE_BITS, METHOD_BITS, HEAD, RATIO = np.uint32(0x3FFFFFFF), 31, 8, 300
# More rows than that are not fetched one by one.
MOST = 20_000
# How many pairs of place and row are compared at once.
PAIRS = 1 << 22

Row = tuple[int, int]


def are_here() -> bool:
    """Whether the server's files are on this machine, in its order of bytes as they are read here."""
    return settings.is_embedded() and sys.byteorder == "little"


def files(path: str) -> list[Path] | None:
    """The files of a table, `path` being what pg_relation_filepath says; None where they are not here to be read."""
    if not are_here():
        return None
    first = _data(settings.state_dir()) / path
    try:
        found = [first]
        while (more := Path(f"{first}.{len(found)}")).exists():
            found.append(more)
        for each in found:
            each.open("rb").close()
    except OSError:
        return None
    return found


@dataclass
class Rows:
    """Rows of a table that hold what is sought, and rows that may hold it compressed; None: too many to be named."""

    sought: list[Row] | None = field(default_factory=list)
    packed: list[Row] | None = field(default_factory=list)


def rows(paths: Sequence[Path], finder: Finder) -> Rows:
    """The rows to be read again, each by its page and number.

    The files must be as the server knows them: after a checkpoint. What is kept out of line is not looked at: a table
    that has such rows is read otherwise.
    """
    found = Rows()
    pages = 0
    for number, path in enumerate(paths):
        for start, block in _blocks(path):
            finder = finder if pages else finder.tuned(block)
            pages += len(block) // PAGE
            begin, length = _lines(block)
            hits = np.array(finder.starts(block), np.intp)
            first = number * SEGMENT + start
            found.sought = _with(found.sought, _rows_at(first, hits, np.ones_like(hits), begin, length))
            if found.packed is not None:
                packed = _compressed(block, length.max(initial=0))
                found.packed = _with(found.packed, _rows_at(first, *packed, begin, length))
    return found


@cache
def _data(state: Path) -> Path:
    # To find it, programs are run.
    return postgres.place(state).data


def _blocks(path: Path) -> Iterator[tuple[int, Any]]:
    buffer = bytearray(BLOCK)
    with path.open("rb", buffering=0) as file:
        start = 0
        while size := file.readinto(buffer):
            # The end of a page that is being added has nothing yet.
            whole = size - size % PAGE
            yield start // PAGE, np.frombuffer(buffer, np.uint8, whole)
            start += whole
            if whole != size:
                file.seek(start)
                if not whole:
                    return


def _with(known: list[Row] | None, more: list[Row]) -> list[Row] | None:
    return None if known is None or len(known) + len(more) > MOST else known + more


def _rows_at(first: int, places: Any, sizes: Any, begin: Any, length: Any) -> list[Row]:
    """Page, counted from `first`, and number of the rows in which something of a size lies at a place."""
    found: set[Row] = set()
    step = max(1, PAIRS // max(1, begin.shape[1]))
    for start in range(0, len(places), step):
        page, at = np.divmod(places[start : start + step], PAGE)
        at, end = at[:, None], (at + sizes[start : start + step])[:, None]
        which, line = np.nonzero((at >= begin[page]) & (end <= begin[page] + length[page]))
        found.update(zip((first + page[which]).tolist(), (line + 1).tolist(), strict=True))
    return sorted(found)


def _lines(block: Any) -> tuple[Any, Any]:
    """By page and row: where it begins in its page and how long it is, which is 0 for what is no row."""
    lower = block.view(np.uint16).reshape(-1, PAGE // 2)[:, 6].astype(np.intp)
    counts = (lower - HEADER).clip(0) // 4
    most = int(counts.max(initial=0))
    lines = block.view(np.uint32).reshape(-1, PAGE // 4)[:, HEADER // 4 : HEADER // 4 + most].astype(np.intp)
    is_row = (np.arange(most) < counts[:, None]) & (lines >> 15 & 3 == NORMAL)
    return lines & 0x7FFF, np.where(is_row, lines >> 17, 0)


def _compressed(block: Any, longest: int) -> tuple[Any, Any]:
    """Where compressed values of rows up to `longest` bytes may be, and their lengths; numbers may look like some."""
    words = block.view(np.uint32)
    places = np.flatnonzero((words[:-1] & LENGTH_BITS) == COMPRESSED)
    sizes = (words[places] >> 2).astype(np.intp)
    places, sizes = places[sizes <= longest], sizes[sizes <= longest]
    after = words[places + 1]
    before = (after & BEFORE_BITS).astype(np.intp)
    may_be = (sizes > HEAD) & (before > sizes) & (before < sizes * RATIO) & (after >> METHOD_BITS == 0)
    return places[may_be] * 4, sizes[may_be]
