"""Does the model treat groups alike? Selection, true positives and calibration of each group against everybody else.

Selection rate and true positive rate are those of demographic parity and equal opportunity (Hardt, Price and Srebro
2016); calibration is calibration-in-the-large: mean promise less observed rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.judging.groups import SENSITIVE, SMALL_POSITIVES, SMALL_ROWS, members
from ml.judging.judgement import Interval

MEASURES = ("selection_rate", "true_positive_rate", "calibration")
RESAMPLES = 300


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


def fairness(
    score: np.ndarray,
    label: np.ndarray,
    selected: np.ndarray,
    groups: Mapping[str, np.ndarray],
    names: Sequence[str] = SENSITIVE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[GroupFairness]:
    """Every group of the named attributes; all arrays (n,), `selected` says who would be contacted.

    95 % intervals by resampling customers; those of a gap resample both sides at once.
    """
    found = list(members(groups, names, label))
    if not found:
        return []
    masks = np.array([mask for _, _, mask in found], dtype=np.float64)
    parts = np.column_stack([np.ones(len(label)), label, selected, selected & (label > 0), score]).astype(np.float64)
    # Counts of identical rows would do for all but the score; one product with the masks does for everything.
    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples, 2, len(found), len(MEASURES)))
    for at in range(resamples):
        weight = np.bincount(rng.integers(0, len(label), len(label)), minlength=len(label)).astype(np.float64)
        drawn[at] = _both_sides(masks, parts * weight[:, None])
    value = _both_sides(masks, parts)
    result = []
    for at, (attribute, group, mask) in enumerate(found):
        rows, positives = int(mask.sum()), int(label[mask].sum())
        result.append(
            GroupFairness(
                attribute,
                group,
                rows,
                positives,
                rows >= SMALL_ROWS and positives >= SMALL_POSITIVES,
                _intervals(value[0, at], drawn[:, 0, at]),
                _intervals(value[0, at] - value[1, at], drawn[:, 0, at] - drawn[:, 1, at]),
            )
        )
    return result


def unfair(found: Sequence[GroupFairness], limits: Mapping[str, float]) -> list[str]:
    """The gaps that lie beyond their limit with their whole interval, each as words; noise alone passes."""
    return [
        f"{one.attribute} {one.group}: {measure} {gap} against the others"
        for one in found
        if one.is_judged
        for measure, gap in one.gaps.items()
        if gap.low > limits[measure] or gap.high < -limits[measure]
    ]


def _both_sides(masks: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """The measures (2, groups, 3) of each group and of everybody else."""
    inside = masks @ parts
    sides = np.stack([inside, parts.sum(axis=0) - inside])
    rows, positives, selected, reached, promised = np.moveaxis(sides, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([selected / rows, reached / positives, (promised - positives) / rows], axis=-1)


def _intervals(value: np.ndarray, drawn: np.ndarray) -> dict[str, Interval]:
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    return {
        name: Interval(float(value[at]), float(low[at]), float(high[at])) for at, name in enumerate(MEASURES)
    }
