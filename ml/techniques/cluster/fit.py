"""K-means, the choice of k by silhouette and stability, and numbers that stay the same from training to training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_samples
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

SILHOUETTE_ROWS = 1_500
STABILITY_ROWS = 4_000
RESAMPLES = 10
# A group of the champion's is the same group when at least this share of either is in both (Jaccard).
SAME_SHARE = 0.3


@dataclass(frozen=True)
class Tried:
    """What was found for one k: mean silhouette, and the mean adjusted Rand index over bootstrap refits."""

    k: int
    silhouette: float
    stability: float


def centroids(places: np.ndarray, k: int, seed: int) -> np.ndarray:
    """K-means (Lloyd 1982; k-means++, four starts) of places (n, m): (k, m). One thread, so always the same."""
    with threadpool_limits(limits=1):
        return np.asarray(KMeans(k, n_init=4, random_state=seed, max_iter=100).fit(places).cluster_centers_)


def distances(places: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, k)."""
    square = (places**2).sum(axis=1)[:, None] - 2 * places @ centres.T + (centres**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def nearest(places: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The place (n,) of the nearest centre."""
    return np.asarray(distances(places, centres).argmin(axis=1))


def silhouettes(places: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Rousseeuw's (1987) silhouette of each row (n,); zeros where there is one group only."""
    if len(np.unique(group)) < 2 or len(np.unique(group)) >= len(group):
        return np.zeros(len(group))
    with threadpool_limits(limits=1):
        return np.asarray(silhouette_samples(places, group))


def rand_indices(places: np.ndarray, group: np.ndarray, k: int, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """Adjusted Rand index (Hubert and Arabie 1985) of `group` (n,) and refits on bootstrap samples (resamples,)."""
    rng = np.random.default_rng([seed, k])
    found = []
    for at in range(resamples):
        drawn = places[rng.integers(0, len(places), len(places))]
        found.append(adjusted_rand_score(group, nearest(places, centroids(drawn, k, seed + at))))
    return np.array(found)


def kept_shares(
    part: np.ndarray, places: np.ndarray, own: np.ndarray, centres: np.ndarray, seed: int, resamples: int = 5
) -> np.ndarray:
    """The share of refits (n,) that put each customer at `places` (n, m) into the group `own` (n,) again.

    A refit learns from a resample of `part`; its groups take the places of those in `centres` that they are closest to
    in all (Kuhn 1955).
    """
    rng = np.random.default_rng(seed)
    kept = np.zeros(len(places))
    for at in range(resamples):
        anew = centroids(part[rng.integers(0, len(part), len(part))], len(centres), seed + at)
        refit, mine = linear_sum_assignment(distances(anew, centres))
        kept += mine[np.argsort(refit)][nearest(places, anew)] == own
    return kept / resamples


def choose(places: np.ndarray, candidates: tuple[int, ...], stable: float, seed: int) -> tuple[int, list[Tried]]:
    """The k with the best silhouette among those with a stability of at least `stable`, else the stablest."""
    rng = np.random.default_rng(seed)
    part = places[np.sort(rng.choice(len(places), min(STABILITY_ROWS, len(places)), replace=False))]
    few = part[np.sort(rng.choice(len(part), min(SILHOUETTE_ROWS, len(part)), replace=False))]
    tried = []
    for k in candidates:
        centres = centroids(part, k, seed)
        width = float(silhouettes(few, nearest(few, centres)).mean())
        tried.append(Tried(k, width, float(rand_indices(part, nearest(part, centres), k, seed, resamples=5).mean())))
    good = [one for one in tried if one.stability >= stable]
    best = max(good, key=lambda one: one.silhouette) if good else max(tried, key=lambda one: one.stability)
    return best.k, tried


def numbered(
    group: np.ndarray, k: int, earlier: np.ndarray | None, keys: tuple[str, ...], highest: int
) -> tuple[str, ...]:
    """A key for each of k groups: that of the champion's group with the same customers, else a new one.

    `group` (n,) are the new groups and `earlier` (n,) the champion's of the same customers, as places in `keys`;
    `highest` is the highest number ever given. Matched so that the shares in common are greatest in all (Kuhn
    1955). Without a champion, by size.
    """
    if earlier is None:
        order = np.argsort(-np.bincount(group, minlength=k), kind="stable").tolist()
        return tuple(f"s{order.index(at) + 1}" for at in range(k))
    both = np.zeros((k, len(keys)))
    np.add.at(both, (group, earlier), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
    share = both / np.maximum(either, 1)
    rows, columns = linear_sum_assignment(-share)
    made: dict[int, str] = {
        int(row): keys[column] for row, column in zip(rows, columns, strict=True) if share[row, column] >= SAME_SHARE
    }
    new = highest
    for at in range(k):
        if at not in made:
            new += 1
            made[at] = f"s{new}"
    return tuple(made[at] for at in range(k))


def tried_text(tried: list[Tried]) -> list[dict[str, Any]]:
    """What was tried, for the model's facts."""
    return [{"k": one.k, "silhouette": round(one.silhouette, 4), "stability": round(one.stability, 4)} for one in tried]
