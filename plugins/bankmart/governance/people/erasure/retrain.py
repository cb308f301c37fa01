"""Models that may have learnt from somebody who is gone: listed until they were trained anew."""

from __future__ import annotations

import pkgutil
from datetime import datetime
from typing import Any

from bankmart import db, settings

OPEN = """
select model, min(since)::date, count(*) from governance.retrain_due where done_at is null group by 1 order by 1
"""


def add(cursor: Any, number: int) -> None:
    """List every model that was trained here, or scores: the person may have been among what it learnt from."""
    cursor.execute("select exists (select from governance.build where kind = 'training' and status = 'passed')")
    (is_trained,) = db.one(cursor)
    found = pkgutil.iter_modules([str(settings.ROOT / "ml" / "models")]) if is_trained else ()
    known = {module.name for module in found}
    for statement in (
        "select distinct model from scores.customer_score",
        "select distinct model from scores.customer_offer",
        "select distinct model from scores.feedback_score",
    ):
        cursor.execute(statement)
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
