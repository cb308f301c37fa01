"""Numbers out of Postgres as fast as it sends them, chunk by chunk, in bounded memory.

Every column is sent as float8 (null as NaN), so a binary COPY is a run of equal records that numpy reads without
parsing, as long as customers' ids are of one length; where they aren't, the shorter ones are filled up here. Four
numbers go as one line segment: it is the only built-in type that Postgres sends four of at once, in half the time.
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
# Of a record: the number of its fields, and the length of its first, the customer.
_FIELDS_BYTES, _LENGTH_BYTES = 2, 4
_BEFORE_CUSTOMER = _FIELDS_BYTES + _LENGTH_BYTES
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
    order: sql.Composable | None = None,
    chunk_rows: int = CHUNK_ROWS,
    by_column: bool = False,
) -> Iterator[Chunk]:
    """Yield the rows of `source` (from ... where ..., the customer being `f.customer_id`).

    `columns` are expressions that cast to float8. At most a few chunks are in memory, their numbers row by row or, as
    scoring wants them, `by_column`. Raises what Postgres raised.
    """
    numbers: list[sql.Composable] = [sql.SQL("coalesce({}, 'NaN')").format(column) for column in columns]
    numbers += [sql.SQL("'NaN'::float8")] * (-len(numbers) % FOUR)
    query = sql.SQL(
        "copy (select convert_to(f.customer_id, 'UTF8'), {columns} {source} {order}) to stdout (format binary)"
    ).format(
        columns=sql.SQL(", ").join(
            sql.SQL("lseg(point({}, {}), point({}, {}))").format(*numbers[at : at + FOUR])
            for at in range(0, len(numbers), FOUR)
        ),
        source=source,
        order=order or sql.SQL(""),
    )
    fours = len(numbers) // FOUR
    number = np.dtype([("size", ">i4"), ("value", ">f8", (FOUR,))])
    for block, id_bytes in _copy_out(link, query, number.itemsize * fours, chunk_rows):
        record = [("fields", ">i2"), ("size", ">i4"), ("customer", f"S{id_bytes}"), ("number", number, (fours,))]
        rows = np.frombuffer(block, dtype=np.dtype(record))
        # Every record begins with its number of fields: one of another shape would move all that come after it.
        if not (rows["fields"] == fours + 1).all() or not (rows["size"] == id_bytes).all():
            raise _shapeless()
        # Copies: the block is filled again when the next chunk is asked for.
        values = rows["number"]["value"]
        if by_column:
            yield Chunk(rows["customer"].copy(), _columns(values)[: len(columns)].T)
        else:
            whole = values.astype(np.float64).reshape(len(rows), len(numbers))
            yield Chunk(rows["customer"].copy(), np.ascontiguousarray(whole[:, : len(columns)]))


def read_whole(
    link: connection, columns: Sequence[sql.Composable], source: sql.Composable, rows: int, order: sql.Composable
) -> tuple[np.ndarray, np.ndarray]:
    """The customers (rows,) and numbers (rows, columns) of `source`, which has so many rows and one at least."""
    customers, numbers, at = [], np.empty((rows, len(columns))), 0
    for chunk in stream(link, columns, source, order):
        customers.append(chunk.customers)
        numbers[at : at + len(chunk.customers)] = chunk.numbers
        at += len(chunk.customers)
    return np.concatenate(customers), numbers


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
    """A file for COPY that fills blocks of equal records, used again and again; where none is free, Postgres waits.

    Postgres hands over one record at a time. Records are as long as the longest customer so far asks for: a longer one
    begins another block.
    """

    def __init__(self, numbers_bytes: int, records: int) -> None:
        self.numbers_bytes, self.records = numbers_bytes, records
        self.free: queue.Queue[memoryview] = queue.Queue()
        # A block with the bytes of its customers' ids and of all that it holds.
        self.ready: queue.Queue[tuple[memoryview, int, int] | BaseException | None] = queue.Queue()
        self.block = memoryview(b"")
        for _ in range(BLOCKS - 1):
            self.free.put(self.block)
        self.id_bytes, self.record, self.size, self.filled = 0, 0, 0, 0
        self.header, self.has_ended = _HEADER_BYTES, False
        self.stopped = threading.Event()

    def write(self, data: bytes) -> int:
        taken = len(data)
        if taken != self.record:
            self._other(data)
            return taken
        # Nearly every call, and there is one for every row.
        end = self.filled + taken
        self.block[self.filled : end] = data
        self.filled = end
        if end == self.size:
            self.hand_on()
        return taken

    def _other(self, data: bytes) -> None:
        """The header, the trailer, or a record of a customer whose id isn't as long as that of others."""
        rest = data[self.header :]
        self.header -= len(data) - len(rest)
        if rest == _TRAILER:
            self.has_ended, self.record = True, 0
        elif rest:
            id_bytes = len(rest) - _BEFORE_CUSTOMER - self.numbers_bytes
            if self.has_ended or int.from_bytes(rest[_FIELDS_BYTES:_BEFORE_CUSTOMER], "big", signed=True) != id_bytes:
                raise _shapeless()
            if id_bytes > self.id_bytes or not self.record:
                self._lengthen(max(1, id_bytes))
            customer = rest[_BEFORE_CUSTOMER : _BEFORE_CUSTOMER + id_bytes].ljust(self.id_bytes, b"\0")
            length = self.id_bytes.to_bytes(_LENGTH_BYTES, "big")
            self.write(rest[:_FIELDS_BYTES] + length + customer + rest[_BEFORE_CUSTOMER + id_bytes :])

    def _lengthen(self, id_bytes: int) -> None:
        if self.filled:
            self.hand_on()
        self.id_bytes, self.record = id_bytes, _BEFORE_CUSTOMER + id_bytes + self.numbers_bytes
        self.size = self.record * self.records
        self.block = self._large_enough(self.block)

    def _large_enough(self, block: memoryview) -> memoryview:
        return block if len(block) >= self.size else memoryview(bytearray(self.size))

    def hand_on(self) -> None:
        """Give the records on and take a free block."""
        self.ready.put((self.block, self.id_bytes, self.filled))
        self.filled = 0
        while not self.stopped.is_set():
            try:
                self.block = self._large_enough(self.free.get(timeout=0.2))
                return
            except queue.Empty:
                continue
        raise _Stopped

    def close(self) -> None:
        """Give the last records on. Raises RuntimeError where Postgres didn't say that they are the last."""
        if not self.has_ended:
            raise _shapeless()
        self.ready.put((self.block, self.id_bytes, self.filled))
        self.ready.put(None)


def _shapeless() -> RuntimeError:
    return RuntimeError("Postgres sent records of another shape than asked for; nothing may be used.")


def _copy_out(
    link: connection, query: sql.Composed, numbers_bytes: int, records: int
) -> Iterator[tuple[memoryview, int]]:
    """Blocks of whole records and the bytes of their customers; each is only good until the next is asked for."""
    blocks = _Blocks(numbers_bytes, records)

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
            block, id_bytes, filled = item
            if filled:
                yield block[:filled], id_bytes
            blocks.free.put(block)
    finally:
        blocks.stopped.set()
        worker.join()
