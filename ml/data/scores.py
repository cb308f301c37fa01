"""Scores back into the warehouse: all of a build or none, and the same again when run again."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from psycopg2 import sql
from pyarrow import csv

if TYPE_CHECKING:
    from psycopg2.extensions import connection

_COLUMNS = (
    "as_of_date",
    "build_id",
    "model",
    "model_version",
    "customer_id",
    "score",
    "band",
    "reasons",
    "is_champion",
    "mlflow_run_id",
)


@dataclass(frozen=True)
class Target:
    """Whose scores these are."""

    as_of: date
    build_id: int
    model: str
    version: str
    is_champion: bool
    run_id: str


@dataclass(frozen=True)
class Scored:
    """A chunk of scores: customers (UTF-8 bytes), score 0-1, band, and reasons as JSON or None."""

    customers: np.ndarray
    scores: np.ndarray
    bands: np.ndarray
    reasons: list[str | None]


def replace_scores(link: connection, target: Target, chunks: Iterable[Scored]) -> None:
    """Replace this version's scores of the build by `chunks`, in the transaction that `link` is in.

    A champion's scores replace any earlier champion's of the same build too: a build has one champion. A
    second run at the same time waits for this one.
    """
    key = (target.as_of, target.build_id, target.model)
    with link.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
            (f"scores {target.model} {target.build_id}",),
        )
        cursor.execute(
            "delete from scores.customer_score where as_of_date = %s and build_id = %s and model = %s"
            " and (model_version = %s or (is_champion and %s))",
            (*key, target.version, target.is_champion),
        )
        copy = sql.SQL("copy scores.customer_score ({}) from stdin (format csv)").format(
            sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
        )
        for chunk in chunks:
            cursor.copy_expert(copy, _as_csv(target, chunk))


def _as_csv(target: Target, chunk: Scored) -> io.BytesIO:
    rows = len(chunk.customers)

    def same(value: object) -> pa.Array:
        return pa.repeat(pa.scalar(value), rows)

    table = pa.table(
        [
            same(target.as_of.isoformat()),
            same(target.build_id),
            same(target.model),
            same(target.version),
            pa.array([customer.decode() for customer in chunk.customers.tolist()], pa.string()),
            pa.array(chunk.scores),
            pa.array(chunk.bands),
            pa.array(chunk.reasons, pa.string()),
            same(target.is_champion),
            same(target.run_id),
        ],
        names=list(_COLUMNS),
    )
    out = io.BytesIO()
    csv.write_csv(table, out, csv.WriteOptions(include_header=False))
    out.seek(0)
    return out
