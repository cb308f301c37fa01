"""Does the model treat groups alike? Measures of each group of customers, and their gaps to everybody else's.

A probability's are selection rate and true positive rate, those of demographic parity and equal opportunity (Hardt,
Price and Srebro 2016), and calibration-in-the-large: mean promise less observed rate. Other questions bring their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import numpy as np

from ml.judging.groups import SENSITIVE, SMALL_POSITIVES, SMALL_ROWS, members, unknown
from ml.judging.judgement import Interval, Judgement

MEASURES = ("selection_rate", "true_positive_rate", "calibration")
SAYS = (
    "Of the customers in a band that is acted on; the true positive rate is the share of the positives among them."
    " Calibration is mean promise less observed rate."
)
RESAMPLES = 300
_Judged = TypeVar("_Judged", bound=Judgement)


@dataclass(frozen=True)
class GroupFairness:
    """One group: its size, each measure in it, and the gap of each to everybody else's.

    `is_judged` is false where the group is too small for a gate to say anything.
    """

    attribute: str
    group: str
    rows: int
    positives: int
    is_judged: bool
    measures: dict[str, Interval]
    gaps: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and numbers, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Measured:
    """What is added up over customers, and what the sums say.

    `parts` (n, m) are summed; `measure` turns sums (…, m) into the measures called `names` (…, len(names)). `cases`
    (n,) 0/1 are whom a group must have some of, else it is pooled. `says` tells a reader what the measures are.
    """

    names: tuple[str, ...]
    parts: np.ndarray
    measure: Callable[[np.ndarray], np.ndarray]
    cases: np.ndarray
    says: str


def by_group(
    measured: Measured,
    groups: Mapping[str, np.ndarray],
    names: Sequence[str] = SENSITIVE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[GroupFairness]:
    """Every group of the named attributes; `groups` are arrays (n,).

    95 % intervals by resampling customers; those of a gap resample both sides at once.
    """
    cases = measured.cases
    found = list(members(groups, names, cases))
    if not found:
        return []
    masks = np.array([mask for _, _, mask in found], dtype=np.float64)
    parts = np.asarray(measured.parts, dtype=np.float64)
    # Counts of identical rows would do for most; one product with the masks does for everything.
    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples, 2, len(found), len(measured.names)))
    for at in range(resamples):
        weight = np.bincount(rng.integers(0, len(cases), len(cases)), minlength=len(cases)).astype(np.float64)
        drawn[at] = _both_sides(measured, masks, parts * weight[:, None])
    value = _both_sides(measured, masks, parts)
    result = []
    for at, (attribute, group, mask) in enumerate(found):
        rows, positives = int(mask.sum()), int(cases[mask].sum())
        result.append(
            GroupFairness(
                attribute,
                group,
                rows,
                positives,
                rows >= SMALL_ROWS and positives >= SMALL_POSITIVES,
                _intervals(measured.names, value[0, at], drawn[:, 0, at]),
                _intervals(measured.names, value[0, at] - value[1, at], drawn[:, 0, at] - drawn[:, 1, at]),
            )
        )
    return result


def of_everybody(measured: Measured, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Interval]:
    """The measures of all rows together, with 95 % intervals by resampling customers."""
    parts, rng = np.asarray(measured.parts, dtype=np.float64), np.random.default_rng(seed)
    rows = len(parts)
    copies = (np.bincount(rng.integers(0, rows, rows), minlength=rows) for _ in range(resamples))
    drawn = measured.measure(np.array([one @ parts for one in copies]))
    return _intervals(measured.names, measured.measure(parts.sum(axis=0)), drawn)


def with_groups(judged: _Judged, measured: Measured, groups: Mapping[str, np.ndarray], seed: int) -> _Judged:
    """The judgement with the measures of every group, on the same customers."""
    return replace(
        judged,
        fairness=tuple(by_group(measured, groups, seed=seed)),
        unknown_groups=unknown(groups),
        compared=measured.says,
    )


def fairness(
    score: np.ndarray,
    label: np.ndarray,
    selected: np.ndarray,
    groups: Mapping[str, np.ndarray],
    names: Sequence[str] = SENSITIVE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[GroupFairness]:
    """A probability's MEASURES; all arrays (n,), `selected` says who would be contacted."""
    parts = np.column_stack([np.ones(len(label)), label, selected, selected & (label > 0), score])
    return by_group(Measured(MEASURES, parts, _of_probability, label, ""), groups, names, resamples, seed)


def unfair(found: Sequence[GroupFairness], limits: Mapping[str, float]) -> list[str]:
    """The gaps that lie beyond their limit with their whole interval, each as words; noise alone passes."""
    return [
        f"{one.attribute} {one.group}: {measure} {gap} against the others"
        for one in found
        if one.is_judged
        for measure, gap in one.gaps.items()
        if measure in limits and (gap.low > limits[measure] or gap.high < -limits[measure])
    ]


def widest(found: Sequence[GroupFairness]) -> dict[str, Interval]:
    """`sex_selection_rate_gap` → the judged group's gap that is furthest from 0, for every attribute and measure."""
    made: dict[str, Interval] = {}
    for one in found:
        for measure, gap in one.gaps.items() if one.is_judged else ():
            name = f"{one.attribute}_{measure}_gap"
            if np.isfinite(gap.value) and (name not in made or abs(gap.value) > abs(made[name].value)):
                made[name] = gap
    return made


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, not a number where there is nothing below."""
    found: np.ndarray = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=np.asarray(below) > 0)
    return found


def _of_probability(sums: np.ndarray) -> np.ndarray:
    rows, positives, selected, reached, promised = np.moveaxis(sums, -1, 0)
    return np.stack([ratio(selected, rows), ratio(reached, positives), ratio(promised - positives, rows)], axis=-1)


def _both_sides(measured: Measured, masks: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """The measures (2, groups, measures) of each group and of everybody else."""
    inside = masks @ parts
    return measured.measure(np.stack([inside, parts.sum(axis=0) - inside]))


def _intervals(names: Sequence[str], value: np.ndarray, drawn: np.ndarray) -> dict[str, Interval]:
    # A measure that no resample has is not a number, and no matter for a warning.
    nowhere = np.isnan(drawn).all(axis=0)
    there = np.where(nowhere, 0.0, drawn)
    low, high = np.where(nowhere, np.nan, np.nanpercentile(there, [2.5, 97.5], axis=0))
    return {name: Interval(float(value[at]), float(low[at]), float(high[at])) for at, name in enumerate(names)}
