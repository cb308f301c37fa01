"""AUC, area under the cumulative gain curve (ALIFT) and the best half's share of buyers, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

METRICS = ("auc", "gain_area", "best_half_share")
RESAMPLES = 400


def figures(score: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """The METRICS of scores (n,) against 0/1 labels (n,), with `weight` (n,) copies of each row.

    Ties take their share: the curves run straight through them. The gain curve is the share of buyers among
    the best x of all contacts; its area is rate / 2 + (1 - rate) × AUC.
    """
    return _Sorted(score, label)(np.ones(len(label)) if weight is None else weight)


def compared(sides: dict[str, np.ndarray], label: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Metrics of each side, (seeds, n) or (n,), with 95 % bootstrap intervals over contacts, and each seed's.

    A side's value is the mean over its seeds; all sides share the resamples, so that `difference` of the
    first side to each other one is paired.
    """
    rng = np.random.default_rng(seed)
    sorted_sides = {name: [_Sorted(one, label) for one in np.atleast_2d(scores)] for name, scores in sides.items()}
    ones = np.ones(len(label))
    own = {name: np.array([one(ones) for one in seeds]) for name, seeds in sorted_sides.items()}
    drawn = {name: np.empty((RESAMPLES, len(METRICS))) for name in sides}
    for at in range(RESAMPLES):
        weight = np.bincount(rng.integers(0, len(label), len(label)), minlength=len(label)).astype(np.float64)
        for name, seeds in sorted_sides.items():
            drawn[name][at] = np.mean([one(weight) for one in seeds], axis=0)
    value = {name: seeds.mean(axis=0) for name, seeds in own.items()}
    first, *others = sides
    return {
        "metrics": {name: _intervals(value[name], drawn[name]) for name in sides},
        "by_seed": {
            name: [dict(zip(METRICS, map(float, one), strict=True)) for one in seeds] for name, seeds in own.items()
        },
        "difference": {
            f"{first} less {other}": _intervals(value[first] - value[other], drawn[first] - drawn[other])
            for other in others
        },
    }


class _Sorted:
    """Scores sorted once, so that a resample costs a few cumulative sums."""

    def __init__(self, score: np.ndarray, label: np.ndarray) -> None:
        self.order = np.argsort(-score, kind="stable")
        ranked = score[self.order]
        self.ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        self.label = label[self.order].astype(np.float64)

    def __call__(self, weight: np.ndarray) -> np.ndarray:
        weight = weight[self.order]
        hits = np.append(0.0, np.cumsum(weight * self.label)[self.ends])
        taken = np.append(0.0, np.cumsum(weight)[self.ends])
        positives, rows = hits[-1], taken[-1]
        if positives in (0, rows):
            return np.full(len(METRICS), np.nan)
        reached, share = hits / positives, taken / rows
        area = float(np.trapezoid(reached, share))
        rate = positives / rows
        return np.array([(area - rate / 2) / (1 - rate), area, float(np.interp(0.5, share, reached))])


def _intervals(value: np.ndarray, drawn: np.ndarray) -> dict[str, dict[str, float]]:
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    return {
        name: {"value": float(value[at]), "low": float(low[at]), "high": float(high[at])}
        for at, name in enumerate(METRICS)
    }
