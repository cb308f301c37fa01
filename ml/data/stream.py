"""Numbers out of Postgres as fast as it sends them, chunk by chunk, in bounded memory.

Every column is sent as float8 (null as NaN) and the customer padded to one width, so a binary COPY is a run
of equal records that numpy reads without parsing.
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

_HEADER_BYTES = 19
CHUNK_ROWS = 20_000


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
) -> Iterator[Chunk]:
    """Yield the rows of `source` (from ... where ..., the customer being `f.customer_id`).

    `columns` are expressions that cast to float8; `id_bytes` is the longest customer id. At most a few chunks
    are in memory. Raises what Postgres raised.
    """
    query = sql.SQL(
        "copy (select convert_to(f.customer_id, 'UTF8')"
        " || decode(repeat('00', {width} - octet_length(f.customer_id)), 'hex'), {columns} {source} {order})"
        " to stdout (format binary)"
    ).format(
        width=sql.Literal(id_bytes),
        columns=sql.SQL(", ").join(sql.SQL("coalesce({}, 'NaN')").format(column) for column in columns),
        source=source,
        order=order or sql.SQL(""),
    )
    record = np.dtype(
        [("fields", ">i2"), ("size", ">i4"), ("customer", f"S{id_bytes}")]
        + [("number", [("size", ">i4"), ("value", ">f8")], (len(columns),))]
    )
    for block in _copy_out(link, query, record.itemsize * chunk_rows, record.itemsize):
        rows = np.frombuffer(block, dtype=record)
        if not (rows["fields"] == len(columns) + 1).all() or not (rows["number"]["size"] == 8).all():
            raise RuntimeError("Postgres sent records of another shape than asked for; nothing was used.")
        yield Chunk(rows["customer"], rows["number"]["value"].astype(np.float64))


class _Stopped(Exception):
    """The reader of the stream went away."""


class _Blocks:
    """A file for COPY that hands on whole blocks; two may wait, then Postgres waits."""

    def __init__(self, block_bytes: int) -> None:
        self.size = block_bytes
        self.buffer = bytearray()
        self.seen_header = False
        self.ready: queue.Queue[bytes | BaseException | None] = queue.Queue(maxsize=2)
        self.stopped = threading.Event()

    def write(self, data: bytes) -> int:
        self.buffer += data
        if not self.seen_header and len(self.buffer) >= _HEADER_BYTES:
            del self.buffer[:_HEADER_BYTES]
            self.seen_header = True
        while len(self.buffer) >= self.size:
            self.put(bytes(self.buffer[: self.size]))
            del self.buffer[: self.size]
        return len(data)

    def put(self, item: bytes | BaseException | None) -> None:
        while not self.stopped.is_set():
            try:
                return self.ready.put(item, timeout=0.2)
            except queue.Full:
                continue
        raise _Stopped


def _copy_out(link: connection, query: sql.Composed, block_bytes: int, record_bytes: int) -> Iterator[bytes]:
    blocks = _Blocks(block_bytes)

    def copy() -> None:
        try:
            with link.cursor() as cursor:
                cursor.copy_expert(query, blocks)
            rest = len(blocks.buffer) // record_bytes * record_bytes
            if rest:
                blocks.put(bytes(blocks.buffer[:rest]))
            blocks.put(None)
        except _Stopped:
            return
        except BaseException as error:
            if not blocks.stopped.is_set():
                blocks.put(error)

    worker = threading.Thread(target=copy, name="copy out", daemon=True)
    worker.start()
    try:
        while (item := blocks.ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        blocks.stopped.set()
        worker.join()
