"""The speed benchmark's tables: invented customers, by binary COPY."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from typing import Any

import numpy as np
import psycopg2
from psycopg2 import sql

from bankmart import db, settings
from bankmart.runtime import provision
from ml.spec import Spec

TODAY = date(2026, 10, 31)
DATES = [TODAY - timedelta(days=91 + 30 * back) for back in range(7)][::-1]
CHUNK = 20_000
FEATURES, LABELS = ("features", "ftr_speed"), ("features", "lbl_speed")


def prepare(spec: Spec, customers: int, train: bool, score: bool) -> tuple[int, int]:
    """Tables with a training build of `customers` rows over the dates, and a daily build of `customers`."""
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link, link.cursor() as cursor:
        cursor.execute("set role platform")
        cursor.execute(
            sql.SQL(
                "create table {} (as_of_date date, build_id bigint, customer_id text, {});"
                "create table {} (as_of_date date, build_id bigint, customer_id text, is_positive boolean)"
            ).format(
                sql.Identifier(*FEATURES),
                sql.SQL(", ").join(sql.SQL("{} float8").format(sql.Identifier(name)) for name in spec.features),
                sql.Identifier(*LABELS),
            )
        )
        made = []
        for kind, status in (("training", "passed"), ("daily", "building")):
            cursor.execute(
                "insert into governance.build (business_date, kind, status) values (%s, %s, %s) returning build_id",
                (TODAY, kind, status),
            )
            made.append(db.one(cursor)[0])
        if train:
            for day in DATES:
                _fill(cursor, made[0], day, customers // len(DATES), len(spec.features), labels=True)
        if score:
            _fill(cursor, made[1], TODAY, customers, len(spec.features), labels=False)
        cursor.execute(sql.SQL("analyze {}, {}").format(sql.Identifier(*FEATURES), sql.Identifier(*LABELS)))
    _settle()
    return made[0], made[1]


def _settle() -> None:
    """As scoring finds a build: read before, by its checks, and on the disk. The first to read rows marks them all."""
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        link.autocommit = True
        cursor.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(*FEATURES)))
        cursor.execute("checkpoint")


def _fill(cursor: Any, build_id: int, day: date, customers: int, features: int, labels: bool) -> None:
    """Features by binary COPY, made chunk by chunk; a tenth of the values is 0."""
    days = (day - date(2000, 1, 1)).days
    rng = np.random.default_rng([20260101, days, build_id])
    record, small = _record("f", ">f8", features), _record("y", "i1", 1)
    for first in range(0, customers, CHUNK):
        rows = min(CHUNK, customers - first)
        values = rng.normal(size=(rows, features)).round(3)
        odds = -3.2 + values[:, 0] + 0.5 * values[:, 1] * values[:, 2] - 0.5 * values[:, 3]
        happened = rng.random(rows) < 1 / (1 + np.exp(-odds))
        values[rng.random((rows, features)) < 0.1] = 0.0
        for kind, table in ((record, FEATURES), (small, LABELS)) if labels else ((record, FEATURES),):
            made = np.zeros(rows, dtype=kind)
            made["fields"] = 3 + (features if table == FEATURES else 1)
            made["day"]["size"], made["day"]["value"] = 4, days
            made["build"]["size"], made["build"]["value"] = 8, build_id
            made["id"]["size"], made["id"]["value"] = 8, [f"{at:08d}".encode() for at in range(first, first + rows)]
            if table == FEATURES:
                made["f"]["size"], made["f"]["value"] = 8, values
            else:
                made["y"]["size"], made["y"]["value"] = 1, happened[:, None]
            text = b"PGCOPY\n\xff\r\n\x00" + bytes(8) + made.tobytes() + b"\xff\xff"
            copy = sql.SQL("copy {} from stdin (format binary)").format(sql.Identifier(*table))
            cursor.copy_expert(copy, _Bytes(text))


def _record(name: str, kind: str, count: int) -> np.dtype[Any]:
    """A binary COPY record: as-of date, build, customer, and `count` values of one kind."""
    return np.dtype(
        [
            ("fields", ">i2"),
            ("day", [("size", ">i4"), ("value", ">i4")]),
            ("build", [("size", ">i4"), ("value", ">i8")]),
            ("id", [("size", ">i4"), ("value", "S8")]),
            (name, [("size", ">i4"), ("value", kind)], (count,)),
        ]
    )


class _Bytes:
    """Bytes as a file for COPY."""

    def __init__(self, text: bytes) -> None:
        self.text, self.at = memoryview(text), 0

    def read(self, size: int = -1) -> bytes:
        taken = self.text[self.at : self.at + size]
        self.at += len(taken)
        return bytes(taken)
