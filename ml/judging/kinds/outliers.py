"""How many of the unusual are found among the first k that somebody would look at; with intervals."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ml.judging.fairness import Measured, ratio
from ml.judging.judgement import Judgement, judgement
from ml.judging.metrics import auc

METRICS = {"precision_at_k": True, "recall_at_5k": True, "auc": True}
RESAMPLES = 300


def found_at(score: np.ndarray, unusual: np.ndarray, k: int) -> float:
    """How many of `unusual` (n,) are among the k highest scores (n,); ties count by their share."""
    if k >= len(score):
        return float(unusual.sum())
    limit = np.partition(score, len(score) - k)[len(score) - k]
    above, level = score > limit, score == limit
    share = (k - above.sum()) / max(level.sum(), 1)
    return float(unusual[above].sum() + share * unusual[level].sum())


def compare_search(
    model: np.ndarray, baseline: np.ndarray, unusual: np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> Judgement:
    """Judge two scores (n,) by the truth `unusual` (mask (n,)); k is how many there are, in every resample."""
    rng = np.random.default_rng(seed)

    def measured(rows: np.ndarray) -> list[list[float]]:
        truth = unusual[rows]
        k = int(truth.sum())
        if k in (0, len(truth)):
            return [[np.nan] * len(METRICS)] * 2
        return [
            [
                found_at(side[rows], truth, k) / k,
                found_at(side[rows], truth, 5 * k) / k,
                auc(side[rows], truth.astype(np.float64)),
            ]
            for side in (model, baseline)
        ]

    value = np.array(measured(np.arange(len(unusual))))
    drawn = np.array([measured(rng.integers(0, len(unusual), len(unusual))) for _ in range(resamples)])
    return judgement(len(unusual), int(unusual.sum()), METRICS, value, drawn)


def alerts_by_group(is_alert: np.ndarray, unusual: np.ndarray) -> Measured:
    """How often a group's customers are looked at for nothing planted, and how many of the planted are; masks (n,)."""
    parts = np.column_stack([~unusual, ~unusual & is_alert, unusual, unusual & is_alert])

    def measure(sums: np.ndarray) -> np.ndarray:
        usual, alerts, planted, found = np.moveaxis(sums, -1, 0)
        return np.stack([ratio(alerts, usual), ratio(found, planted)], axis=-1)

    return Measured(
        names=("alert_rate", "found_rate"),
        parts=parts,
        measure=measure,
        cases=np.ones(len(unusual)),
        says="The alert rate is the share of the customers as they are that somebody would look at; the found rate"
        " that of the planted cases.",
    )


def search_plot(model: np.ndarray, baseline: np.ndarray, unusual: np.ndarray, rule: str) -> Figure:
    """Share of the planted found by looking at the first x customers (arrays (n,))."""
    figure = Figure(figsize=(6.4, 5.0), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    looked = np.arange(1, len(unusual) + 1)
    for side, name in ((model, "model"), (baseline, rule)):
        found = np.cumsum(unusual[np.argsort(-side, kind="stable")]) / max(1, unusual.sum())
        axes.plot(looked, found, label=name)
    axes.set(title="Planted cases found", xlabel="customers looked at", ylabel="share found", xscale="log")
    axes.legend()
    return figure
