"""Whether a delivery's measure is unlike those of comparable days.

Its distance from their median is taken in multiples of how far such days usually are from it, and at least of what
chance alone does to a number of its size. Medians, so that a few bad days in the past don't widen what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from bankmart.governance.tags.calendar import Day
from bankmart.governance.tags.verdict import (
    MAD,
    NEIGHBOURS,
    ORDINARY_DAYS,
    PASS,
    SPECIAL_DAYS,
    STOP,
    UNJUDGED,
    WARN,
    Verdict,
    since_pay_day,
)

# Shares and means of fewer rows say nothing.
FEWEST = 30
WARN_SCORE, STOP_SCORE = 6.0, 12.0
# One number a table: chance has fewer occasions.
ROWS_SCORE = 4.0
# By measure: the distance that matters at all, and the one that stops the line. Rows and sizes are logarithms.
LIMITS = {
    "rows": (math.log(1.3), math.log(3)),
    "rejected": (0.005, 0.5),
    "null": (0.05, 0.5),
    "share": (0.05, 0.5),
    "size": (0.3, math.log(10)),
    "lag": (0.5, 1000.0),
}
WORDS = {
    "rows": "{now:,.0f} rows, usually {usual:,.0f}",
    "rejected": "{now:.1%} of the records are in quarantine, usually {usual:.1%}",
    "null": "{now:.1%} of {column} are empty, usually {usual:.1%}",
    "share": "{now:.1%} of {column} are {value}, usually {usual:.1%}",
    "size": "{column} is typically {now:,.2f}, usually {usual:,.2f}",
    "lag": "the newest event is {now:.0f} days old, usually {usual:.0f}",
}
LOGARITHMIC = ("rows", "size")


@dataclass(frozen=True)
class Point:
    """A measure of one date: `rows` stood behind it. Rows and sizes as they are, not as logarithms."""

    day: date
    amount: float
    rows: int


def judge(
    measure: str, column: str, value: str, today: Point, past: Sequence[Point], calendar: Mapping[date, Day],
    excluded: Collection[date] = frozenset(),
) -> Verdict:  # fmt: skip
    """The verdict on one measure; `past` without the dates of confirmed incidents in `excluded`, nor today's own."""
    kept = [point for point in past if point.day < today.day and point.day not in excluded]
    if measure not in ("rows", "lag"):
        kept = [point for point in kept if point.rows >= FEWEST]
        if today.rows < FEWEST:
            return Verdict(UNJUDGED, f"{today.rows} rows are too few")
    kind = calendar[today.day].kind
    alike = [point for point in kept if calendar[point.day].kind == kind]
    needed = SPECIAL_DAYS if calendar[today.day].is_special else ORDINARY_DAYS
    if len(alike) < needed:
        return Verdict(UNJUDGED, f"too little history: {len(alike)} comparable days ({kind}), {needed} are needed")
    now, values = _scaled(measure, today.amount), [_scaled(measure, point.amount) for point in alike]
    usual = median(values)
    scale = max(MAD * median(abs(each - usual) for each in values), _chance(measure, usual, today, alike))
    near = [_scaled(measure, point.amount) for point in kept if _is_like(point.day, today.day, calendar)]
    nearest = sorted(abs(now - each) for each in near)
    # Two earlier comparable days that were as odd: one of them may have been a fault, two are a habit.
    distance = min(abs(now - usual), nearest[NEIGHBOURS - 1] if len(nearest) >= NEIGHBOURS else math.inf)
    score, (least, stop) = distance / scale, LIMITS[measure]
    said = WORDS[measure].format(now=today.amount, usual=_unscaled(measure, usual), column=column, value=value or "''")
    reason = f"{said} on {len(alike)} comparable days ({kind})"
    if score >= STOP_SCORE and distance >= stop:
        return Verdict(STOP, reason, score)
    if score >= (ROWS_SCORE if measure == "rows" else WARN_SCORE) and distance >= least:
        return Verdict(WARN, reason, score)
    return Verdict(PASS, reason, score)


def _scaled(measure: str, amount: float) -> float:
    return math.log1p(amount) if measure in LOGARITHMIC else amount


def _unscaled(measure: str, amount: float) -> float:
    return math.expm1(amount) if measure in LOGARITHMIC else amount


def _chance(measure: str, usual: float, today: Point, alike: Sequence[Point]) -> float:
    """The standard deviation of such a number if nothing but chance moved it."""
    rows = max(min(today.rows, int(median(point.rows for point in alike))), 1)
    if measure == "rows":
        return 1.5 / math.sqrt(1 + _unscaled(measure, usual))
    if measure == "size":
        return max(0.02, 1.5 / math.sqrt(rows))
    if measure == "lag":
        return 0.05
    return max(0.002, math.sqrt(max(usual * (1 - usual), 1 / rows) / rows))


def _is_like(earlier: date, today: date, calendar: Mapping[date, Day]) -> bool:
    """Of the same kind, and on the same day of the week, about that of the month, or as long after a pay day."""
    if calendar[earlier].kind != calendar[today].kind:
        return False
    if calendar[today].is_special or earlier.weekday() == today.weekday() or abs(earlier.day - today.day) <= 1:
        return True
    return since_pay_day(today, calendar) == since_pay_day(earlier, calendar)
