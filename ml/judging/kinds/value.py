"""Metrics of a promised amount against what came, with bootstrap intervals over customers, in pairs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ml.judging.fairness import Measured, ratio
from ml.judging.judgement import Judgement, judgement

# In the order of every report, with whether more is better.
METRICS = {"spearman": True, "mae": False, "rmse": False, "decile_error": False}
DECILES = 10
RESAMPLES = 400


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks (n,) from 0, ties at their mean."""
    _, back, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count + 1) / 2)[back], dtype=np.float64)


def deciles(promised: np.ndarray) -> np.ndarray:
    """The tenth 0-9 of each promise (n,), by rank; ties stay together."""
    return np.minimum((ranks(promised) * DECILES / len(promised)).astype(np.int64), DECILES - 1)


class _Measured:
    """One predictor on the customers: what a resample needs of it, made once."""

    def __init__(self, promised: np.ndarray, came: np.ndarray) -> None:
        self.rank, self.rank_came = ranks(promised), ranks(came)
        self.error = np.abs(promised - came)
        self.gap, self.size = promised - came, np.abs(came)
        self.decile = deciles(promised)

    def metrics(self, weight: np.ndarray) -> np.ndarray:
        """The METRICS, in order, with `weight` (n,) copies of each row.

        Spearman's rank correlation; mean absolute and root mean square error; `decile_error` is the mean distance
        of promised and realised mean over tenths of the promise, as a share of the mean realised size.
        """
        total = weight.sum()
        gaps = np.bincount(self.decile, weight * self.gap, minlength=DECILES)
        size = max(float(weight @ self.size), 1e-300)
        return np.array(
            [
                _correlation(self.rank, self.rank_came, weight),
                (weight @ self.error) / total,
                np.sqrt((weight @ self.gap**2) / total),
                np.abs(gaps).sum() / size,
            ]
        )


def compare(
    model: np.ndarray, baseline: np.ndarray, came: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> Judgement:
    """Judge two predictors of the same amounts (all (n,)), resampling customers in pairs."""
    sides = [_Measured(model, came), _Measured(baseline, came)]
    rows = len(came)
    rng = np.random.default_rng(seed)
    value = np.array([side.metrics(np.ones(rows)) for side in sides])
    drawn = np.empty((resamples, 2, len(METRICS)))
    for at in range(resamples):
        weight = np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)
        drawn[at] = [side.metrics(weight) for side in sides]
    return judgement(rows, None, METRICS, value, drawn)


def promises_by_group(promised: np.ndarray, came: np.ndarray, selected: np.ndarray) -> Measured:
    """Of whom the bank sees as valuable (mask (n,)), and how far a group's promises (n,) are from what came (n,)."""

    def measure(sums: np.ndarray) -> np.ndarray:
        rows, chosen, said, real = np.moveaxis(sums, -1, 0)
        return np.stack([ratio(chosen, rows), ratio(said, real)], axis=-1)

    return Measured(
        names=("selection_rate", "promised_to_realised"),
        parts=np.column_stack([np.ones(len(came)), selected, promised, came]),
        measure=measure,
        cases=np.ones(len(came)),
        says="The selection rate is the share in the top band; promised to realised is the sum of the promises over"
        " the sum of what came: 1 is right, above it the group is thought more valuable than it is.",
    )


def by_decile(promised: np.ndarray, came: np.ndarray) -> list[tuple[int, int, float, float]]:
    """Per tenth of the promise, lowest first: its number from 1, rows, mean promised, mean realised."""
    place = deciles(promised)
    return [
        (at + 1, int((place == at).sum()), float(promised[place == at].mean()), float(came[place == at].mean()))
        for at in range(DECILES)
        if (place == at).any()
    ]


def table(title: str, promised: np.ndarray, came: np.ndarray) -> str:
    """The deciles as Markdown."""
    lines = [f"## {title}", "", "| tenth | customers | promised, mean | realised, mean |", "| --- | --- | --- | --- |"]
    lines += [f"| {at} | {rows} | {one:,.2f} | {other:,.2f} |" for at, rows, one, other in by_decile(promised, came)]
    return "\n".join(lines)


def plot(promised: np.ndarray, came: np.ndarray) -> Figure:
    """Mean promised against mean realised amount, per tenth of the promise."""
    figure = Figure(figsize=(6.4, 5.0), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    axes.set(title="By tenth of the promise", xlabel="promised, mean", ylabel="realised, mean", xscale="symlog")
    axes.set_yscale("symlog")
    points = by_decile(promised, came)
    x, y = [point[2] for point in points], [point[3] for point in points]
    axes.plot([min(x), max(x)], [min(x), max(x)], color="0.7", label="perfect")
    axes.plot(x, y, "o-", label="model")
    axes.legend()
    return figure


def _correlation(one: np.ndarray, other: np.ndarray, weight: np.ndarray) -> float:
    total = weight.sum()
    a, b = one - (weight @ one) / total, other - (weight @ other) / total
    spread = np.sqrt((weight @ a**2) * (weight @ b**2))
    return float((weight @ (a * b)) / spread) if spread > 0 else np.nan
