"""A table's own files, read as bytes where the server's are here: which of its rows can hold what is sought.

A row that is found so is read again by SQL, which knows whether anybody can still see it. How rows lie in a file:
the server's manual, "Database Page Layout" and "TOAST".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bankmart import settings
from bankmart.governance.people.erasure.finder import Finder
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
# With more rows than so many a page to look at, reading the whole table is no slower.
MANY = 8
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
    first = postgres.place(settings.state_dir()).data / path
    try:
        found = [first]
        while (more := Path(f"{first}.{len(found)}")).exists():
            found.append(more)
        for each in found:
            each.open("rb").close()
    except OSError:
        return None
    return found


def rows(paths: Sequence[Path], finder: Finder) -> list[Row] | None:
    """Page and number of each row that holds a sought text, or that may hold it compressed.

    None where these are so many that the table is better read whole. The files must be as the server knows them: after
    a checkpoint. What is kept out of line is not looked at: a table that has such rows is read otherwise.
    """
    found: list[Row] = []
    pages = 0
    for number, path in enumerate(paths):
        for start, block in _blocks(path):
            finder = finder if pages else finder.tuned(block)
            pages += len(block) // PAGE
            found += [(number * SEGMENT + start + page, line) for page, line in _in_block(block, finder)]
            if len(found) > MANY * pages + 10_000:
                return None
    return found


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


def _in_block(block: Any, finder: Finder) -> list[Row]:
    """Page and number of rows of a block that hold what is sought, or may."""
    begin, length = _lines(block)
    hits = np.array(finder.starts(block), np.intp)
    packed, sizes = _compressed(block, length.max(initial=0))
    places, sizes = np.concatenate([hits, packed]), np.concatenate([np.ones_like(hits), sizes])
    found: set[Row] = set()
    step = max(1, PAIRS // max(1, begin.shape[1]))
    for first in range(0, len(places), step):
        page, at = np.divmod(places[first : first + step], PAGE)
        at, end = at[:, None], (at + sizes[first : first + step])[:, None]
        is_in = (at >= begin[page]) & (end <= begin[page] + length[page])
        which, line = np.nonzero(is_in)
        found.update(zip(page[which].tolist(), (line + 1).tolist(), strict=True))
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
