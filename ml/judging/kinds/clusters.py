"""How natural groups are: how far apart, how stable, how much they explain; with intervals, against tiers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ml.judging.fairness import Measured, ratio
from ml.judging.judgement import Judgement, judgement

METRICS = {"silhouette": True, "explained": True, "stability": True, "smallest_share": True}
RESAMPLES = 200


def compare_groups(
    places: np.ndarray,
    sides: tuple[np.ndarray, np.ndarray],
    widths: tuple[np.ndarray, np.ndarray],
    sample: np.ndarray,
    stability: tuple[np.ndarray, np.ndarray],
    seed: int,
) -> Judgement:
    """Judge two divisions (n,) of the same customers at `places` (n, m).

    `widths` are the silhouettes of the rows `sample`; `stability` the adjusted Rand indices with refits, whose
    spread is its interval. Explained is the share of the squared distances to the mean that lies between the
    groups. The other intervals are bootstraps over customers.
    """
    rng = np.random.default_rng(seed)
    everybody = np.ones(len(places))
    value = np.empty((2, len(METRICS)))
    for side in range(2):
        explained, smallest = _spread(places, sides[side], everybody)
        value[side] = widths[side].mean(), explained, stability[side].mean(), smallest
    drawn = np.empty((RESAMPLES, 2, len(METRICS)))
    for at in range(RESAMPLES):
        few = rng.integers(0, len(sample), len(sample))
        weight = np.bincount(rng.integers(0, len(places), len(places)), minlength=len(places)).astype(np.float64)
        for side in range(2):
            explained, smallest = _spread(places, sides[side], weight)
            rand = stability[side][at % len(stability[side])]
            drawn[at, side] = widths[side][few].mean(), explained, rand, smallest
    return judgement(len(places), None, METRICS, value, drawn)


def shares_by_group(own: np.ndarray, keys: tuple[str, ...], kept: np.ndarray) -> Measured:
    """The share of each natural group among a group's customers, and how many keep theirs when it is learnt anew.

    `own` (n,) are places in `keys`, `kept` (n,) the share of the refits in which a customer stays with his group.
    """

    def measure(sums: np.ndarray) -> np.ndarray:
        return ratio(sums[..., 1:], np.broadcast_to(sums[..., :1], sums[..., 1:].shape))

    return Measured(
        names=(*(f"share_{key}" for key in keys), "kept"),
        parts=np.column_stack([np.ones(len(own)), np.eye(len(keys))[own], kept]),
        measure=measure,
        cases=np.ones(len(own)),
        says="Shares of the segments; kept is the share of customers who stay in theirs when it is learnt anew.",
    )


def _spread(places: np.ndarray, group: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Share explained, and the smallest group's share of the customers."""
    count = np.bincount(group, weight)
    total = weight.sum()
    mean = weight @ places / total
    around = float(weight @ ((places - mean) ** 2).sum(axis=1))
    between = 0.0
    for column in range(places.shape[1]):
        own = np.bincount(group, weight * places[:, column]) / np.maximum(count, 1e-300)
        between += float(count @ (own - mean[column]) ** 2)
    return between / max(around, 1e-300), float(count[count > 0].min() / total)


def profile_plot(table: np.ndarray, keys: tuple[str, ...], names: tuple[str, ...]) -> Figure:
    """Each group's mean per feature, in spreads from everybody's (groups, features)."""
    figure = Figure(figsize=(7.0, 1.5 + 0.24 * len(names)), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(table.T, cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
    axes.set(title="What tells the groups apart (spreads from the mean)", xlabel="", ylabel="")
    axes.set_xticks(range(len(keys)), list(keys))
    axes.set_yticks(range(len(names)), list(names))
    figure.colorbar(shown)
    return figure
