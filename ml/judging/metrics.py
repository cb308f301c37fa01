"""Metrics of a probability against what happened, with bootstrap intervals, alone and in pairs."""

from __future__ import annotations

import numpy as np

from ml.judging.judgement import Judgement, judgement

DECILE = 0.1
BINS = 10
# The names in the order of every report, with whether more is better.
METRICS = {
    "auc": True,
    "average_precision": True,
    "lift_top_decile": True,
    "gain_area": True,
    "brier": False,
    "ece": False,
}


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """The area under the ROC curve; ties count half. NaN where there is one class only."""
    return _Ranking(score, label).of_order(np.ones(len(label)))[0]


class _Ranking:
    """Scores sorted once, so that a resample costs a few cumulative sums (weights in place of drawn rows)."""

    def __init__(self, score: np.ndarray, label: np.ndarray) -> None:
        self.order = np.argsort(-score, kind="stable")
        ranked = score[self.order]
        self.ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        self.label = label[self.order].astype(np.float64)

    def of_order(self, weight: np.ndarray) -> tuple[float, float, float, float]:
        """AUC (trapezium rule), average precision (sum of precision × gain in recall), top decile's lift, gain's area.

        The last is the area under the cumulative gain curve (the share of positives among the best x of all): with rate
        of positives r it is r / 2 + (1 - r) × AUC.
        """
        weight = weight[self.order]
        hits = np.cumsum(weight * self.label)[self.ends]
        taken = np.cumsum(weight)[self.ends]
        misses = taken - hits
        positives, negatives = hits[-1], misses[-1]
        if positives == 0 or negatives == 0:
            return np.nan, np.nan, np.nan, np.nan
        gained = np.diff(hits, prepend=0.0)
        area = np.sum(np.diff(misses, prepend=0.0) * (hits - gained / 2)) / (positives * negatives)
        precision = np.sum(gained * hits / np.maximum(taken, 1e-300)) / positives
        decile = DECILE * taken[-1]
        lift = np.interp(decile, np.append(0.0, taken), np.append(0.0, hits)) / positives / DECILE
        rate = positives / taken[-1]
        return float(area), float(precision), float(lift), float(rate / 2 + (1 - rate) * area)


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
        return np.array([*self.ranking.of_order(weight), (weight @ self.square) / total, np.abs(gaps).sum() / total])


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
    return judgement(rows, int(label.sum()), METRICS, value, drawn)
