"""Numbers out of Postgres as fast as it sends them, chunk by chunk, in bounded memory.

Every column is sent as float8 (null as NaN) and the customer padded to one width, so a binary COPY is a run
of equal records that numpy reads without parsing. Four numbers go as one line segment: it is the only built-in type
that Postgres sends four of at once, in half the time.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection

_HEADER_BYTES, _TRAILER = 19, b"\xff\xff"
# Numbers of a line segment.
FOUR = 4
# One is filled while one is read; the third spares either the wait.
BLOCKS, CHUNK_ROWS = 3, 20_000
ROWS_TURNED = 512


@dataclass(frozen=True)
class Chunk:
    """Customers (UTF-8 bytes, shape (n,)) and their numbers (float64, shape (n, columns), null as NaN)."""

    customers: np.ndarray
    numbers: np.ndarray


def stream(
    link: connection,
    columns: Sequence[sql.Composable],
    source: sql.Composable,
    id_bytes: int,
    order: sql.Composable | None = None,
    chunk_rows: int = CHUNK_ROWS,
    by_column: bool = False,
) -> Iterator[Chunk]:
    """Yield the rows of `source` (from ... where ..., the customer being `f.customer_id`).

    `columns` are expressions that cast to float8; `id_bytes` is the longest customer id. At most a few chunks
    are in memory, their numbers row by row or, as scoring wants them, `by_column`. Raises what Postgres raised.
    """
    numbers: list[sql.Composable] = [sql.SQL("coalesce({}, 'NaN')").format(column) for column in columns]
    numbers += [sql.SQL("'NaN'::float8")] * (-len(numbers) % FOUR)
    query = sql.SQL(
        "copy (select convert_to(f.customer_id, 'UTF8')"
        " || decode(repeat('00', {width} - octet_length(f.customer_id)), 'hex'), {columns} {source} {order})"
        " to stdout (format binary)"
    ).format(
        width=sql.Literal(id_bytes),
        columns=sql.SQL(", ").join(
            sql.SQL("lseg(point({}, {}), point({}, {}))").format(*numbers[at : at + FOUR])
            for at in range(0, len(numbers), FOUR)
        ),
        source=source,
        order=order or sql.SQL(""),
    )
    fours = len(numbers) // FOUR
    record = np.dtype(
        [("fields", ">i2"), ("size", ">i4"), ("customer", f"S{id_bytes}")]
        + [("number", [("size", ">i4"), ("value", ">f8", (FOUR,))], (fours,))]
    )
    for block in _copy_out(link, query, record.itemsize, chunk_rows):
        rows = np.frombuffer(block, dtype=record)
        # Every record begins with its number of fields: one of another length would move all that come after it.
        if not (rows["fields"] == fours + 1).all() or not (rows["size"] == id_bytes).all():
            raise RuntimeError("Postgres sent records of another shape than asked for; nothing was used.")
        # Copies: the block is filled again when the next chunk is asked for.
        values = rows["number"]["value"]
        if by_column:
            yield Chunk(rows["customer"].copy(), _columns(values)[: len(columns)].T)
        else:
            whole = values.astype(np.float64).reshape(len(rows), len(numbers))
            yield Chunk(rows["customer"].copy(), np.ascontiguousarray(whole[:, : len(columns)]))


def _columns(values: np.ndarray) -> np.ndarray:
    """Columns (4 fours, n) of big-endian values (n, fours, 4)."""
    rows, fours, _ = values.shape
    found = np.empty((fours, FOUR, rows))
    # So many rows at once that what is read a number at a time is still in the processor's memory for the next.
    for start in range(0, rows, ROWS_TURNED):
        found[..., start : start + ROWS_TURNED] = values[start : start + ROWS_TURNED].transpose(1, 2, 0)
    return found.reshape(fours * FOUR, rows)


class _Stopped(Exception):
    """The reader of the stream went away."""


class _Blocks:
    """A file for COPY that fills blocks of whole records, used again and again; where none is free, Postgres waits."""

    def __init__(self, record_bytes: int, records: int) -> None:
        self.record = record_bytes
        self.free: queue.Queue[memoryview] = queue.Queue()
        self.ready: queue.Queue[tuple[memoryview, int] | BaseException | None] = queue.Queue()
        for _ in range(BLOCKS):
            self.free.put(memoryview(bytearray(record_bytes * records)))
        self.size = record_bytes * records
        self.block, self.filled, self.header = self.free.get(), 0, _HEADER_BYTES
        self.stopped = threading.Event()

    def write(self, data: bytes) -> int:
        end = self.filled + len(data)
        # Nearly every call, and there is one for every row.
        if end < self.size and not self.header:
            self.block[self.filled : end] = data
            self.filled = end
            return len(data)
        rest = memoryview(data)[self.header :]
        self.header = max(0, self.header - len(data))
        while size := len(rest):
            taken = min(size, len(self.block) - self.filled)
            self.block[self.filled : self.filled + taken] = rest[:taken]
            self.filled, rest = self.filled + taken, rest[taken:]
            if self.filled == len(self.block):
                self.hand_on()
        return len(data)

    def hand_on(self) -> None:
        """Give the whole records on and take a free block."""
        self.ready.put((self.block, self.filled // self.record * self.record))
        self.filled = 0
        while not self.stopped.is_set():
            try:
                self.block = self.free.get(timeout=0.2)
                return
            except queue.Empty:
                continue
        raise _Stopped

    def close(self) -> None:
        """Give the last records on. Raises RuntimeError where they aren't whole."""
        if self.filled % self.record != len(_TRAILER) or self.block[self.filled - 2 : self.filled] != _TRAILER:
            raise RuntimeError("Postgres sent records of another length than asked for; nothing may be used.")
        self.ready.put((self.block, self.filled // self.record * self.record))
        self.ready.put(None)


def _copy_out(link: connection, query: sql.Composed, record_bytes: int, records: int) -> Iterator[memoryview]:
    """Blocks of whole records; each is only good until the next is asked for."""
    blocks = _Blocks(record_bytes, records)

    def copy() -> None:
        try:
            with link.cursor() as cursor:
                cursor.copy_expert(query, blocks)
            blocks.close()
        except _Stopped:
            return
        except BaseException as error:
            blocks.ready.put(error)

    worker = threading.Thread(target=copy, name="copy out", daemon=True)
    worker.start()
    try:
        while (item := blocks.ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            block, size = item
            if size:
                yield block[:size]
            blocks.free.put(block)
    finally:
        blocks.stopped.set()
        worker.join()
