"""Models that may have learnt from somebody who is gone: listed until they were trained anew."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg2 import sql

from bankmart import db
from bankmart.governance.catalogue.scored import TABLES

OPEN = """
select model, min(since)::date, count(*) from governance.retrain_due where done_at is null group by 1 order by 1
"""


def add(cursor: Any, number: int) -> None:
    """List every model that was trained here, or scores: the person may have been among what it learnt from."""
    from ml.spec import model_names

    cursor.execute("select exists (select from governance.build where kind = 'training' and status = 'passed')")
    (is_trained,) = db.one(cursor)
    known = set(model_names()) if is_trained else set()
    for table in TABLES:
        cursor.execute(sql.SQL("select distinct model from {}").format(sql.Identifier("scores", table)))
        known |= {model for (model,) in cursor.fetchall()}
    for model in sorted(known):
        cursor.execute(
            "insert into governance.retrain_due (model, erasure_id) values (%s, %s)",
            (model, number),
        )


def waiting(role: str = "scorer") -> list[str]:
    """What is due, in sentences."""
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(OPEN)
        return [
            f"{model} is due for training: since {since} it has learnt from {count} erased persons"
            for model, since, count in cursor.fetchall()
        ]


def done(model: str, read_at: datetime) -> None:
    """The model was trained anew, on rows that were read at a moment."""
    with db.connect("scorer") as link, link.cursor() as cursor:
        cursor.execute(
            "update governance.retrain_due set done_at = clock_timestamp()"
            " where model = %s and done_at is null and since < %s",
            (model, read_at),
        )
