"""Rows into Postgres by COPY: one thread reads and checks, the other sends what was accepted."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO, cast

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql

from bankmart.sources.contract import Table
from bankmart.sources.reading import values
from bankmart.sources.refusal import LoadRefused
from bankmart.sources.tables import relation

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

PIECE = 1 << 20
AHEAD = 2  # blocks that wait for the database: memory stays bounded where it is the slower side
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def encode(table: Table, texts: list[pa.StringArray], constants: str) -> bytes:
    """Rows in COPY's text format: `texts` in the contract's order, then `constants` (with tabs between)."""
    columns = [
        _escaped(text) if column.data_type == "text" else text
        for column, text in zip(table.columns, texts, strict=True)
    ]
    rows = pc.binary_join_element_wise(
        *columns, f"{constants}\n", "\t", null_handling="replace", null_replacement="\\N"
    )
    return values.data(rows)


def copy_rows(cursor: Cursor, table: Table, blocks: Iterator[bytes], where: str) -> None:
    """COPY `blocks` (made in a thread of their own) into the raw table.

    Raises what making the blocks raised, and LoadRefused where the database refuses a value.
    """
    names = [sql.Identifier(name) for name in (*(each.name for each in table.columns), "business_date", "load_id")]
    statement = sql.SQL("copy {} ({}) from stdin").format(relation(table), sql.SQL(", ").join(names))
    with _Feed(blocks) as feed:
        try:
            cursor.copy_expert(statement, cast(TextIO, feed), PIECE)
        except (psycopg2.DataError, psycopg2.IntegrityError) as error:
            raise _refused(where, error) from None
    feed.raise_error()


class _Feed:
    """What COPY reads from: blocks from a thread, at most AHEAD of them waiting."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._waiting: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        self._is_over = threading.Event()
        self._error: BaseException | None = None
        self._block, self._at = b"", 0
        self._thread = threading.Thread(target=self._make, name="bankmart checks", daemon=True)

    def __enter__(self) -> _Feed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        while self._thread.is_alive():
            try:
                self._waiting.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end, and none after an error, which `raise_error` then raises."""
        while self._at >= len(self._block):
            block = self._waiting.get()
            if block is None:
                return b""
            self._block, self._at = block, 0
        piece = self._block[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def raise_error(self) -> None:
        """Raise what stopped the thread, if anything did."""
        if self._error is not None:
            raise self._error

    def _make(self) -> None:
        try:
            for block in self._blocks:
                if self._is_over.is_set():
                    return
                if block:
                    self._waiting.put(block)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error
        finally:
            self._waiting.put(None)


def _escaped(text: pa.StringArray) -> pa.StringArray:
    raw = values.data(text)
    for plain, escaped in ESCAPES.items():
        if plain.encode() in raw:
            text = pc.replace_substring(text, plain, escaped)
    return text


def _refused(where: str, error: psycopg2.Error) -> LoadRefused:
    # The database's own words hold the values of the row: they go no further.
    column = re.search(r", column (\w+)", error.diag.context or "")
    place = f"{where}, column {column[1]}" if column else where
    what = f"the database refused a row (SQLSTATE {error.pgcode}, {type(error).__name__})"
    if isinstance(error, psycopg2.errors.UniqueViolation):
        what += ": two rows have the same key"
    return LoadRefused(place, "database", what, "correct the column in the file, or its type in the contract.")
