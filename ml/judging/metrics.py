"""Metrics of a probability against what happened, with bootstrap intervals, alone and in pairs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

DECILE = 0.1
BINS = 10
# The names in the order of every report, with whether more is better.
METRICS = {"auc": True, "average_precision": True, "lift_top_decile": True, "brier": False, "ece": False}


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True)
class Judgement:
    """Model, baseline and their difference (model less baseline) on the same customers."""

    rows: int
    positives: int
    model: dict[str, Interval]
    baseline: dict[str, Interval]
    difference: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and numbers, for JSON."""
        return asdict(self)


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """The area under the ROC curve; ties count half. NaN where there is one class only."""
    return _Ranking(score, label).auc_ap_lift(np.ones(len(label)))[0]


class _Ranking:
    """Scores sorted once, so that a resample costs a few cumulative sums (weights in place of drawn rows)."""

    def __init__(self, score: np.ndarray, label: np.ndarray) -> None:
        self.order = np.argsort(-score, kind="stable")
        ranked = score[self.order]
        self.ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        self.label = label[self.order].astype(np.float64)

    def auc_ap_lift(self, weight: np.ndarray) -> tuple[float, float, float]:
        """AUC (trapezium rule), average precision (sum of precision × gain in recall), top decile's lift."""
        weight = weight[self.order]
        hits = np.cumsum(weight * self.label)[self.ends]
        taken = np.cumsum(weight)[self.ends]
        misses = taken - hits
        positives, negatives = hits[-1], misses[-1]
        if positives == 0 or negatives == 0:
            return np.nan, np.nan, np.nan
        gained = np.diff(hits, prepend=0.0)
        area = np.sum(np.diff(misses, prepend=0.0) * (hits - gained / 2)) / (positives * negatives)
        precision = np.sum(gained * hits / np.maximum(taken, 1e-300)) / positives
        decile = DECILE * taken[-1]
        lift = np.interp(decile, np.append(0.0, taken), np.append(0.0, hits)) / positives / DECILE
        return float(area), float(precision), float(lift)


class _Measured:
    """One predictor on the customers: `rank` orders them, `probability` (n,) is what it promises."""

    def __init__(self, rank: np.ndarray, probability: np.ndarray, label: np.ndarray) -> None:
        self.ranking = _Ranking(rank, label)
        self.probability = probability
        self.square = (probability - label) ** 2
        self.gap = probability - label
        self.bin = bins(probability)

    def metrics(self, weight: np.ndarray) -> np.ndarray:
        """The values of METRICS, in order, with `weight` (n,) copies of each row."""
        total = weight.sum()
        gaps = np.bincount(self.bin, weight * self.gap, minlength=BINS)
        return np.array([*self.ranking.auc_ap_lift(weight), (weight @ self.square) / total, np.abs(gaps).sum() / total])


def bins(probability: np.ndarray) -> np.ndarray:
    """The equal-count bin 0-9 of each probability (ties stay together)."""
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, probability, side="left")


def compare(
    model: np.ndarray,
    baseline: np.ndarray,
    label: np.ndarray,
    baseline_rank: np.ndarray | None = None,
    resamples: int = 400,
    seed: int = 0,
) -> Judgement:
    """Judge two predictors on the same rows (all arrays (n,)), resampling customers in pairs.

    `baseline_rank` orders customers where the baseline's probabilities have ties that its rule hasn't.
    Lift and AUC are of the order, Brier and ECE (ten equal-count bins) of the probabilities.
    """
    sides = [
        _Measured(model, model, label),
        _Measured(baseline if baseline_rank is None else baseline_rank, baseline, label),
    ]
    rows = len(label)
    rng = np.random.default_rng(seed)
    ones = np.ones(rows)
    value = np.array([side.metrics(ones) for side in sides])
    drawn = np.empty((resamples, 2, len(METRICS)))
    for at in range(resamples):
        weight = np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)
        drawn[at] = [side.metrics(weight) for side in sides]
    return Judgement(
        rows=rows,
        positives=int(label.sum()),
        model=_intervals(value[0], drawn[:, 0]),
        baseline=_intervals(value[1], drawn[:, 1]),
        difference=_intervals(value[0] - value[1], drawn[:, 0] - drawn[:, 1]),
    )


def _intervals(value: np.ndarray, drawn: np.ndarray) -> dict[str, Interval]:
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    return {name: Interval(float(value[at]), float(low[at]), float(high[at])) for at, name in enumerate(METRICS)}
