"""When training is due: the retraining DAG's rule (`ml.train.due`), and that of the walk which follows it."""

from __future__ import annotations

from datetime import date, timedelta


def is_due(as_of: date) -> bool:
    """Whether every model is trained on the date: at a month's end."""
    return (as_of + timedelta(days=1)).day == 1


def month_end_before(day: date) -> date:
    """The newest date before `day` on which training is due."""
    return day.replace(day=1) - timedelta(days=1)
