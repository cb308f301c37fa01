"""Whether a day's mix of a tag's values is an anomaly: its move is compared with the moves of comparable days.

A move is the change of the shares since the published date before. Its distance from the usual move (the median of
comparable days, value by value) is measured against how far such days usually are from it, so a jump that comes with
every pay day is usual on pay days. Medians, so that a few bad days in the past don't widen what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from bankmart.governance.tags.calendar import Day
from bankmart.governance.tags.mixes import Mix

PASS, WARN, STOP, UNJUDGED = "pass", "warn", "stop", "unjudged"
# How many comparable moves are needed: ordinary days come daily, special ones a few times a month.
ORDINARY_DAYS, SPECIAL_DAYS = 10, 3
# A distance in multiples of the usual one, and in share of the customers, at least: both have to be passed.
WARN_SCORE, WARN_SHARE = 6.0, 0.01
STOP_SCORE, STOP_SHARE = 15.0, 0.10
# The median distance of a day from the median is this many times smaller than its standard deviation.
MAD = 1.4826
LONGEST_MONTH = 31
# A move that two earlier comparable days have made, too, is usual; one of them may have been a fault.
NEIGHBOURS = 2
# Standing still is odd only where at least so many customers have always moved.
STILL_CUSTOMERS = 2


@dataclass(frozen=True)
class Verdict:
    """What was found: `score` in multiples of the usual distance, `share` of the customers who moved unusually."""

    level: str
    reason: str
    score: float | None = None
    share: float | None = None


def judge(
    today: Mix, past: Sequence[Mix], calendar: Mapping[date, Day], excluded: Collection[date] = frozenset()
) -> Verdict:
    """The verdict on a day's mix; `past`: earlier published mixes in order, `excluded`: dates of confirmed incidents.

    A move into or out of an excluded date counts for nothing; today is measured against the newest date that is left.
    """
    kept = [mix for mix in past if mix.day < today.day and mix.day not in excluded and mix.customers]
    if not today.customers:
        return Verdict(STOP if kept else UNJUDGED, "no customer has a row")
    if not kept:
        return Verdict(UNJUDGED, "no earlier published date to compare with")
    values = sorted({value for mix in (today, *kept) for value in mix.counts})
    moves = {
        later.day: _move(earlier, later, values) for earlier, later in zip(kept, kept[1:], strict=False)
    }  # fmt: skip
    day = calendar[today.day]
    alike = [move for at, move in moves.items() if calendar[at].kind == day.kind]
    needed = SPECIAL_DAYS if day.is_special else ORDINARY_DAYS
    if len(alike) < needed:
        return Verdict(UNJUDGED, f"too little history: {len(alike)} comparable days ({day.kind}), {needed} are needed")
    everyday = [move for at, move in moves.items() if not calendar[at].is_special]
    move, least = _move(kept[-1], today, values), 1.0 / min(today.customers, kept[-1].customers)
    usual = [median(parts) for parts in zip(*alike, strict=True)]
    scale = _scale(alike, usual, everyday, least)
    share, against = _distance(move, usual), f"{len(alike)} comparable days ({day.kind})"
    if share / scale >= WARN_SCORE:
        # One kind may hold two sorts: wages and pensions, or the day on which a pay day leaves a window of 30 days.
        like = [move for at, move in moves.items() if _is_like(at, today.day, calendar)]
        nearest = sorted(_distance(move, each) for each in like)
        if len(nearest) >= NEIGHBOURS and nearest[NEIGHBOURS - 1] < share:
            share, against = nearest[NEIGHBOURS - 1], f"the nearest of {len(like)} comparable days"
    score = share / scale
    said = f"{share:.1%} of the customers moved unlike on {against}, {score:.0f} times usual"
    if score >= STOP_SCORE and share >= STOP_SHARE:
        return Verdict(STOP, f"{said}; {_biggest(kept[-1], today, values)}", score, share)
    if score >= WARN_SCORE and share >= WARN_SHARE:
        return Verdict(WARN, f"{said}; {_biggest(kept[-1], today, values)}", score, share)
    still = [0.0] * len(values)
    if today.counts == kept[-1].counts and min(_distance(each, still) for each in alike) >= STILL_CUSTOMERS * least:
        return Verdict(WARN, f"nothing moved at all since {kept[-1].day}, on comparable days something always did", 0.0)
    return Verdict(PASS, said, score, share)


def _is_like(earlier: date, today: date, calendar: Mapping[date, Day]) -> bool:
    """Of the same kind; of two ordinary days also as long after a pay day, or about the same day of the month."""
    if calendar[earlier].kind == calendar[today].kind:
        return True
    if calendar[earlier].is_special or calendar[today].is_special:
        return False
    since, then = since_pay_day(today, calendar), since_pay_day(earlier, calendar)
    return (since is not None and since == then) or abs(earlier.day - today.day) <= 1


def since_pay_day(day: date, calendar: Mapping[date, Day]) -> int | None:
    """Days since the last pay day, at most a month; None where the calendar has none."""
    days = (day - timedelta(days=back) for back in range(LONGEST_MONTH))
    return next((back for back, each in enumerate(days) if each in calendar and calendar[each].is_pay_day), None)


def _scale(
    alike: Sequence[Sequence[float]], usual: Sequence[float], everyday: Sequence[Sequence[float]], least: float
) -> float:
    """How far comparable days usually are from their median; at least a customer."""
    # Three pay days say little of how far they lie apart: never less than ordinary days do.
    calm = [median(parts) for parts in zip(*everyday, strict=True)] if everyday else usual
    apart = median(_distance(each, usual) for each in alike)
    return max(MAD * apart, MAD * median([_distance(each, calm) for each in everyday] or [0.0]), least)


def _move(earlier: Mix, later: Mix, values: Sequence[str]) -> list[float]:
    return [now - before for before, now in zip(earlier.shares(values), later.shares(values), strict=True)]


def _distance(move: Sequence[float], usual: Sequence[float]) -> float:
    # Half the sum: who leaves one value arrives at another.
    return 0.5 * sum(abs(part - expected) for part, expected in zip(move, usual, strict=True))


def _biggest(before: Mix, today: Mix, values: Sequence[str]) -> str:
    shares = zip(values, before.shares(values), today.shares(values), strict=True)
    value, old, new = max(shares, key=lambda found: abs(found[2] - found[1]))
    return f"most: {value} from {old:.1%} on {before.day} to {new:.1%}"
