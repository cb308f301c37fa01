"""Scores back into the warehouse: all of a build or none, and the same again when run again."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import psycopg2
import pyarrow as pa
from psycopg2 import sql
from pyarrow import csv

from bankmart import faults
from bankmart.governance import audit
from ml.errors import DataError

if TYPE_CHECKING:
    from psycopg2.extensions import connection


@dataclass(frozen=True)
class Target:
    """Whose scores these are."""

    as_of: date
    build_id: int
    model: str
    version: str
    is_champion: bool
    run_id: str


class Chunk(Protocol):
    """Rows of one of the score tables, besides what `Target` says of all of them."""

    table: ClassVar[str]

    def columns(self) -> dict[str, pa.Array]:
        """Column → values (n,), all of one length."""

    def tally(self) -> Counter[str]:
        """How many rows of each kind, for the report."""


@dataclass(frozen=True)
class Scored:
    """A score per customer (UTF-8 bytes), any finite number, its band, and reasons as JSON or None; all (n,)."""

    table: ClassVar[str] = "customer_score"
    customers: np.ndarray
    scores: np.ndarray
    bands: np.ndarray
    reasons: list[str | None]

    def columns(self) -> dict[str, pa.Array]:
        """As the table has them."""
        return {
            "customer_id": _text(self.customers),
            "score": _finite(self.scores),
            "band": pa.array(self.bands),
            "reasons": pa.array(self.reasons, pa.string()),
        }

    def tally(self) -> Counter[str]:
        """By band."""
        return Counter(self.bands.tolist())


@dataclass(frozen=True)
class Offered:
    """A score per customer and offer. `ranks`: 1 is the best, 0 without; `excluded`: why it may not be offered."""

    table: ClassVar[str] = "customer_offer"
    customers: np.ndarray
    offers: np.ndarray
    ranks: np.ndarray
    scores: np.ndarray
    reasons: list[str | None]
    excluded: list[str | None]

    def columns(self) -> dict[str, pa.Array]:
        """As the table has them."""
        return {
            "customer_id": _text(self.customers),
            "offer": _text(self.offers),
            "rank": pa.array(self.ranks, pa.int16(), mask=self.ranks < 1),
            "score": _finite(self.scores),
            "reasons": pa.array(self.reasons, pa.string()),
            "excluded": pa.array(self.excluded, pa.string()),
        }

    def tally(self) -> Counter[str]:
        """By the offer that is each customer's first, and those excluded."""
        first = (self.ranks == 1) & np.array([reason is None for reason in self.excluded], dtype=bool)
        tally = Counter(_text(self.offers[first]).to_pylist())
        tally["excluded"] = len(self.excluded) - self.excluded.count(None)
        return +tally


@dataclass(frozen=True)
class Excluded:
    """Per customer (n,) every product that may not be offered, with the first rule that says no, as JSON."""

    table: ClassVar[str] = "customer_exclusion"
    customers: np.ndarray
    excluded: list[str]
    count: Counter[str]

    def columns(self) -> dict[str, pa.Array]:
        """As the table has them."""
        return {"customer_id": _text(self.customers), "excluded": pa.array(self.excluded, pa.string())}

    def tally(self) -> Counter[str]:
        """By rule."""
        return Counter({f"not offered: {rule}": rows for rule, rows in self.count.items()})


@dataclass(frozen=True)
class FeedbackScored:
    """A score per feedback, with the customer who gave it (both UTF-8 bytes); else as `Scored`."""

    table: ClassVar[str] = "feedback_score"
    feedback: np.ndarray
    customers: np.ndarray
    scores: np.ndarray
    bands: np.ndarray
    reasons: list[str | None]

    def columns(self) -> dict[str, pa.Array]:
        """As the table has them."""
        return {
            "feedback_id": _text(self.feedback),
            "customer_id": _text(self.customers),
            "score": _finite(self.scores),
            "band": pa.array(self.bands),
            "reasons": pa.array(self.reasons, pa.string()),
        }

    def tally(self) -> Counter[str]:
        """By band."""
        return Counter(self.bands.tolist())


def replace_scores(
    link: connection, target: Target, chunks: Iterable[Chunk], tables: Sequence[str] = (Scored.table,)
) -> tuple[int, Counter[str]]:
    """Replace this version's scores of the build in `tables` by `chunks`, in the transaction that `link` is in.

    A champion's scores replace any earlier champion's of the same build too: a build has one champion. A
    second run at the same time waits for this one. It ends with a word in the audit chain: commit soon after.
    Returns the number of rows and their tally.
    """
    key = (target.as_of, target.build_id, target.model)
    subject = f"{target.model} version {target.version} as of {target.as_of}"
    audit.attempt("scorer", "score", "bankmart", subject, {"build_id": target.build_id})
    rows, tally = 0, Counter[str]()
    with link.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
            (f"scores {target.model} {target.build_id}",),
        )
        for table in tables:
            cursor.execute(
                sql.SQL(
                    "delete from {} where as_of_date = %s and build_id = %s and model = %s"
                    " and (model_version = %s or (is_champion and %s))"
                ).format(sql.Identifier("scores", table)),
                (*key, target.version, target.is_champion),
            )
        for table, together in itertools.groupby(chunks, key=lambda chunk: chunk.table):
            feed: Any = _Feed(target, together)
            copy = sql.SQL("copy {} ({}) from stdin (format csv)").format(
                sql.Identifier("scores", table), sql.SQL(", ").join(map(sql.Identifier, feed.columns))
            )
            try:
                cursor.copy_expert(copy, feed)
            except psycopg2.errors.QueryCanceled:
                # So libpq reports whatever a chunk's making raised.
                if feed.error is None:
                    raise
                raise feed.error from None
            rows += feed.rows
            tally += feed.tally
    facts = {"build_id": target.build_id, "champion": target.is_champion, "run_id": target.run_id, "rows": rows}
    audit.append(link, "score", "bankmart", subject, facts)
    faults.point("score.commit")
    return rows, tally


class _Feed:
    """Chunks as one file for COPY: Postgres writes a chunk while the next is scored."""

    def __init__(self, target: Target, chunks: Iterator[Chunk]) -> None:
        self.target, self.chunks = target, chunks
        self.rows, self.tally = 0, Counter[str]()
        self.error: BaseException | None = None
        self.buffer = memoryview(b"")
        self.columns = self._fill()

    def _fill(self) -> list[str]:
        chunk = next(self.chunks, None)
        if chunk is None:
            return []
        whole = _whole(self.target, chunk)
        self.rows += whole.num_rows
        faults.point("score.chunk")
        self.tally += chunk.tally()
        self.buffer = _as_csv(whole)
        return list(whole.column_names)

    def read(self, size: int = -1) -> bytes:
        try:
            while not self.buffer and self._fill():
                pass
        except BaseException as error:
            self.error = error
            raise
        taken = self.buffer[:size]
        self.buffer = self.buffer[size:]
        return bytes(taken)


def _whole(target: Target, chunk: Chunk) -> pa.Table:
    own = chunk.columns()
    rows = len(next(iter(own.values())))
    same: dict[str, Any] = {
        "as_of_date": target.as_of.isoformat(),
        "build_id": target.build_id,
        "model": target.model,
        "model_version": target.version,
        "is_champion": target.is_champion,
        "mlflow_run_id": target.run_id,
    }
    return pa.table({name: pa.repeat(pa.scalar(value), rows) for name, value in same.items()} | own)


def _as_csv(table: pa.Table) -> memoryview:
    out = pa.BufferOutputStream()
    csv.write_csv(table, out, csv.WriteOptions(include_header=False))
    return memoryview(out.getvalue())


def _text(values: np.ndarray) -> pa.Array:
    return pa.array([value.decode() if isinstance(value, bytes) else value for value in values.tolist()], pa.string())


def _finite(scores: np.ndarray) -> pa.Array:
    if not np.isfinite(scores).all():
        raise DataError("The model gave scores that aren't finite numbers. Nothing was written; look at its features.")
    return pa.array(scores, pa.float64())
