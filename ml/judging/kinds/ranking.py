"""Metrics of ranked offers against what customers took, per customer, with intervals over customers, in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ml.judging.fairness import Measured, ratio
from ml.judging.judgement import Judgement, judgement

# In the order of every report; more is better in all of them.
METRICS = {"ndcg_3": True, "ndcg_7": True, "map": True, "recall_3": True, "recall_7": True}
RESAMPLES = 400


def places(scores: np.ndarray) -> np.ndarray:
    """Each item's place, from 0, by falling scores (n, items); ties in the order of the items, -inf last."""
    order = np.argsort(-scores, axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(scores.shape[1])[None, :], axis=1)
    return place


def per_row(scores: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The METRICS of every row (n, 5); `scores` (n, items), -inf for what isn't a candidate, `taken` (n, items) bool.

    NDCG with gain 1 and discount log2(place + 2), ideal at the row's own number of taken items (Järvelin and
    Kekäläinen 2002); average precision over the whole ranking; recall is the share of the taken items. Rows
    without a taken item are NaN; a taken item that isn't a candidate counts as missed.
    """
    items = scores.shape[1]
    # What is no candidate has no place that any k reaches.
    place = np.where(np.isneginf(scores), items + 7, places(scores))
    count = taken.sum(axis=1)
    found = np.full((len(scores), len(METRICS)), np.nan)
    gain = np.where(taken & (place < items), 1 / np.log2(place + 2), 0.0)
    best = np.append(0.0, np.cumsum(1 / np.log2(np.arange(items) + 2)))
    # Places of the taken items, in order; what is no candidate lies at infinity.
    ranked = np.sort(np.where(taken & (place < items), place, np.inf), axis=1)
    precision = np.where(np.isinf(ranked), 0.0, np.arange(1, items + 1) / (ranked + 1))
    some = count > 0
    safe = np.maximum(count, 1)
    for at, k in ((0, 3), (1, 7)):
        found[:, at] = np.where(place < k, gain, 0.0).sum(axis=1) / np.maximum(best[np.minimum(count, k)], 1e-300)
        found[:, 3 + at] = (taken & (place < k)).sum(axis=1) / safe
    found[:, 2] = precision.sum(axis=1) / safe
    found[~some] = np.nan
    return found


def coverage(scores: np.ndarray, k: int = 3) -> float:
    """The share of the items that are in somebody's first `k`, of those that are anybody's candidates."""
    candidate = ~np.isneginf(scores)
    shown = ((places(scores) < k) & candidate).any(axis=0)
    return float(shown.sum() / max(1, candidate.any(axis=0).sum()))


def shown_by_group(scores: np.ndarray, taken: np.ndarray, lines: Sequence[str], k: int = 3) -> Measured:
    """Whether a group's customers find what they took among the first `k`, and what they are shown there.

    `scores` and `taken` are (n, items), `lines` the items' product lines. Exposure is a line's share of all first `k`.
    """
    shown = (places(scores) < k) & ~np.isneginf(scores)
    named = sorted(set(lines))
    of_line = np.array([[line == one for one in named] for line in lines], dtype=np.float64)
    parts = np.column_stack([np.ones(len(scores)), (shown & taken).any(axis=1), shown.sum(axis=1), shown @ of_line])

    def measure(sums: np.ndarray) -> np.ndarray:
        rows, hits, filled = sums[..., 0], sums[..., 1], sums[..., 2:3]
        exposure = ratio(sums[..., 3:], np.broadcast_to(filled, sums[..., 3:].shape))
        return np.concatenate([ratio(hits, rows)[..., None], exposure], axis=-1)

    return Measured(
        names=(f"hit_rate_{k}", *(f"exposure_{line}" for line in named)),
        parts=parts,
        measure=measure,
        cases=np.ones(len(scores)),
        says=f"The hit rate is the share of customers who took one of their first {k}; exposure is a product line's"
        f" share of what is shown in the first {k} places, before the rules of who may be offered what.",
    )


def compare(
    model: np.ndarray, baseline: np.ndarray, taken: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> Judgement:
    """Judge two rankings (n, items) of the same rows, resampling rows in pairs; rows with nothing taken don't count."""
    some = taken.any(axis=1)
    sides = np.stack([per_row(scores[some], taken[some]) for scores in (model, baseline)], axis=1)
    rows = len(sides)
    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples, 2, len(METRICS)))
    for at in range(resamples):
        weight = np.bincount(rng.integers(0, rows, rows), minlength=rows)
        drawn[at] = np.tensordot(weight, sides, axes=1) / rows
    return judgement(rows, int(taken[some].sum()), METRICS, sides.mean(axis=0), drawn)


def table(title: str, judged: Mapping[str, Judgement], shown: Mapping[str, float]) -> str:
    """Markdown: the model against each rival, and the coverage of each. Rival → its judgement, name → coverage."""
    first = next(iter(judged.values()))
    lines = [f"## {title}", "", "| ranking | NDCG@3 | MAP | recall@3 | recall@7 | model's NDCG@3 less its | coverage |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    wanted = ("ndcg_3", "map", "recall_3", "recall_7")
    ours = " | ".join(f"{first.model[name].value:.4f}" for name in wanted)
    lines.append(f"| model | {ours} | | {shown['model']:.0%} |")
    for name, one in judged.items():
        theirs = " | ".join(f"{one.baseline[metric].value:.4f}" for metric in wanted)
        lines.append(f"| {name} | {theirs} | {one.difference['ndcg_3']} | {shown[name]:.0%} |")
    return "\n".join(lines)


def gain_plot(rankings: Mapping[str, np.ndarray], taken: np.ndarray) -> Figure:
    """Share of everything taken that lies among each customer's first k, by ranking (name → (n, items)), and k."""
    figure = Figure(figsize=(6.4, 5.0), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    items = taken.shape[1]
    for name, scores in rankings.items():
        found = places(scores)[taken & ~np.isneginf(scores)]
        reached = np.cumsum(np.bincount(found, minlength=items)) / max(1, taken.sum())
        axes.plot(np.arange(1, items + 1), reached, label=name)
    axes.set(title="Cumulative gain", xlabel="products shown to each customer", ylabel="share of what was taken")
    axes.set_ylim(0, 1.05)
    axes.legend(loc="lower right")
    return figure
