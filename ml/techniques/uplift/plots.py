"""The plots of an uplift model's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ml.judging.kinds.uplift import Trial
from ml.judging.plots import importance

__all__ = ["importance", "promised_effects", "qini_curves", "together"]
BINS = 5


def qini_curves(offer: str, trial: Trial, scores: Mapping[str, np.ndarray]) -> Figure:
    """What an offer gains per customer of all, by the share that gets it, in each score's order and at random."""
    figure = Figure(figsize=(6.4, 5.0), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=f"Qini curve, {offer}", xlabel="share of customers contacted", ylabel="gained outcomes per customer")
    for name, score in scores.items():
        share, gained = trial.ordered(score).curve()
        axes.plot(share, gained, label=name)
    axes.plot([0, 1], [0, trial.effect], color="0.7", label="random")
    axes.legend(loc="lower right")
    return figure


def promised_effects(offer: str, trial: Trial, effect: np.ndarray) -> Figure:
    """Promised against observed effect in five equal-count bins, with 95 % intervals: is the scale right?"""
    figure = Figure(figsize=(6.4, 5.0), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=f"Promised effects, {offer}", xlabel="promised effect", ylabel="observed effect")
    edges = np.unique(np.quantile(effect, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, effect, side="left")
    promised, observed, error = [], [], []
    for at in np.unique(place):
        inside = place == at
        one, other = inside & trial.treated, inside & ~trial.treated
        if min(one.sum(), other.sum()) < 2:
            continue
        promised.append(effect[inside].mean())
        part = Trial(trial.outcome[inside], trial.treated[inside], trial.weight[inside])
        observed.append(part.effect)
        error.append(1.96 * np.sqrt(sum(trial.outcome[side].var() / side.sum() for side in (one, other))))
    axes.errorbar(promised, observed, yerr=error, fmt="o-", label="observed (95 %)")
    ends = [min([*promised, 0.0]), max([*promised, 0.0])]
    axes.plot(ends, ends, color="0.7", label="as promised")
    axes.legend()
    return figure


def together(trials: Sequence[tuple[Trial, np.ndarray]]) -> tuple[Trial, np.ndarray]:
    """All offers' trials as one, with the effects promised; a control counts once for every offer of its campaign."""
    parts = (np.concatenate([getattr(one, name) for one, _ in trials]) for name in ("outcome", "treated", "weight"))
    return Trial(*parts), np.concatenate([effects for _, effects in trials])
