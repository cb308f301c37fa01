"""The months that value is learnt from: how many there must be, and what is said where there are too few."""

from __future__ import annotations

from collections.abc import Sequence

from ml.data.build import Build
from ml.data.prerequisite import report
from ml.data.training import as_date, as_day
from ml.errors import DataPrerequisite
from ml.spec import Spec

# Months ahead, the longest that the history allows.
HORIZONS = (12, 6, 3)
TRAIN_DATES = 2


def month_of(day: float) -> int:
    """Months since the year 0, of days since 1970."""
    when = as_date(day)
    return when.year * 12 + when.month


def missing(
    spec: Spec,
    reason: str,
    tables: list[tuple[str, ...]] | None = None,
    days: Sequence[float] = (),
    build: Build | None = None,
    rows: int = 0,
) -> DataPrerequisite:
    """The report of a bank that hasn't the data (yet).

    `days` are the month ends (since 1970) after which some margin is known, `rows` the customers of the shortest part.
    """
    since = month_of(min(days)) if len(days) else None
    found = report(
        spec,
        tables or (),
        [as_date(day) for day in days],
        positives=None,
        history_months_needed=2 * HORIZONS[-1] + TRAIN_DATES - 1,
        history_months=0 if since is None or build is None else month_of(as_day(build.business_date)) - since,
        months_ahead=list(HORIZONS),
        rows_needed=spec.needs.train_positives,
        rows=rows,
    )
    # The horizon is settled by the months that there are.
    del found["history_days_needed"], found["history_days"]
    had = f"History: {found['history_months']} months; needed are {found['history_months_needed']} or more."
    return DataPrerequisite(f"{spec.name} is skipped: {reason}. {had}", found)
