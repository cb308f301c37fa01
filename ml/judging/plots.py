"""The plots of a model's report. Figures without pyplot: no display, no global state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.judging.cost import CostCurve
from ml.judging.metrics import BINS, bins


def reliability(score: np.ndarray, label: np.ndarray) -> Figure:
    """Promised against observed rate in ten equal-count bins (arrays (n,))."""
    place = bins(score)
    count = np.bincount(place, minlength=BINS)
    there = count > 0
    promised = np.bincount(place, score, minlength=BINS)[there] / count[there]
    observed = np.bincount(place, label, minlength=BINS)[there] / count[there]
    error = 1.96 * np.sqrt(observed * (1 - observed) / count[there])
    figure, axes = _figure("Reliability", "promised probability", "observed rate")
    top = 1.05 * max(promised.max(), (observed + error).max(), 1e-6)
    axes.plot([0, top], [0, top], color="0.7", label="perfect")
    axes.errorbar(promised, observed, yerr=error, fmt="o-", label="model (95 %)")
    axes.legend()
    return figure


def gain(
    score: np.ndarray,
    rule: np.ndarray,
    label: np.ndarray,
    rule_name: str,
    of: str = "positives",
    subject: str = "customers",
) -> Figure:
    """Share of positives reached by contacting the first x per cent, by model and by rule (arrays (n,)).

    `label` may be an amount, `of` says of what: then it is the share of the whole sum.
    """
    figure, axes = _figure("Cumulative gain", f"share of {subject}, the highest first", f"share of {of} reached")
    share = np.arange(1, len(label) + 1) / len(label)
    for values, name in ((score, "model"), (rule, f"rule: {rule_name}")):
        reached = np.cumsum(label[np.argsort(-values, kind="stable")]) / (abs(label.sum()) or 1)
        lift = reached[max(0, len(label) // 10 - 1)] * 10
        axes.plot(share, reached, label=f"{name} (top decile {lift:.1f} ×)")
    axes.plot([0, 1], [0, 1], color="0.7", label="random")
    axes.legend(loc="lower right")
    return figure


def importance(names: Sequence[str], shap: np.ndarray, unit: str, subject: str = "customers", most: int = 20) -> Figure:
    """Mean absolute SHAP value of the strongest features; `shap` is (sample of `subject`, len(names)) in `unit`."""
    strength = np.abs(shap).mean(axis=0)
    order = np.argsort(-strength, kind="stable")[:most][::-1]
    figure, axes = _figure(f"SHAP on {len(shap)} {subject}", f"mean |contribution|, {unit}", "")
    axes.barh([names[at] for at in order], strength[order])
    return figure


def _figure(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 5.0), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=across, ylabel=up)
    return figure, axes


def cost(curve: CostCurve) -> Figure:
    """Profit by the number of customers that each branch contacts, with the capacity as a line."""
    figure, axes = _figure("Profit by contacts", "customers contacted by each branch", "profit, currency units")
    axes.fill_between(curve.contacts, curve.low, curve.high, alpha=0.2, label="95 %")
    axes.plot(curve.contacts, curve.profit, label="by score")
    axes.axvline(curve.capacity, color="0.4", linestyle="--", label=f"capacity: {curve.capacity}")
    axes.axhline(0, color="0.7")
    axes.legend()
    return figure


def lift(score: np.ndarray, label: np.ndarray, of: str = "rate") -> Figure:
    """Mean label in each decile by score against everybody's (arrays (n,)), the best decile first; `of`: what it is."""
    deciles = np.array_split(label[np.argsort(-score, kind="stable")], 10)
    figure, axes = _figure("Lift by decile", "decile of the score, the highest first", f"{of} against everybody's")
    axes.bar(range(1, 11), [part.mean() / (abs(label.mean()) or 1) if len(part) else 0 for part in deciles])
    axes.axhline(1, color="0.7")
    return figure
