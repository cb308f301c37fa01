"""Isolation forest (Liu, Ting and Zhou 2008), kept as plain arrays: the fewer cuts isolate a customer, the stranger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_EULER = 0.5772156649015329
_ARRAYS = {"feature": np.int32, "cut": np.float64, "left": np.int32, "right": np.int32, "depth": np.float64}


@dataclass(frozen=True)
class Forest:
    """Trees as arrays (trees, nodes): cut feature (-1 in a leaf), cut, children, and the leaf's expected depth."""

    feature: np.ndarray
    cut: np.ndarray
    left: np.ndarray
    right: np.ndarray
    depth: np.ndarray
    sample: int

    def score(self, places: np.ndarray) -> np.ndarray:
        """Strangeness (n,) in 0..1 of customers (n, m): 2 ** -(mean depth / expected depth)."""
        rows = np.arange(len(places))
        total = np.zeros(len(places))
        for tree in range(len(self.feature)):
            node = np.zeros(len(places), dtype=np.int32)
            while True:
                feature = self.feature[tree, node]
                inner = feature >= 0
                if not inner.any():
                    break
                at = node[inner]
                goes_left = places[rows[inner], feature[inner]] < self.cut[tree, at]
                node[inner] = np.where(goes_left, self.left[tree, at], self.right[tree, at])
            total += self.depth[tree, node]
        return np.asarray(2.0 ** -(total / len(self.feature) / expected_depth(self.sample)))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name).tolist() for name in _ARRAYS} | {"sample": self.sample}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Forest:
        """What `as_dict` made. Raises ValueError where a child or a feature points nowhere."""
        arrays = {name: np.array(plain[name], dtype=kind) for name, kind in _ARRAYS.items()}
        made = cls(**arrays, sample=int(plain["sample"]))
        nodes = made.feature.shape[1]
        below = np.arange(nodes)[None, :]
        inner = made.feature >= 0
        for child in (made.left, made.right):
            # Children come after their parent, so every walk ends.
            if ((child <= below) & inner).any() or (child >= nodes).any():
                raise ValueError("a tree's nodes don't follow one another")
        return made


def expected_depth(rows: float) -> float:
    """The mean depth of an unsuccessful search in a binary tree of `rows` leaves."""
    if rows <= 1:
        return 0.0
    return 2 * (np.log(rows - 1) + _EULER) - 2 * (rows - 1) / rows if rows > 2 else 1.0


def grow(places: np.ndarray, trees: int, sample: int, seed: int) -> Forest:
    """Trees on samples without replacement of customers (n, m); cuts are drawn evenly between least and most."""
    rng = np.random.default_rng(seed)
    sample = min(sample, len(places))
    deepest = int(np.ceil(np.log2(max(sample, 2))))
    grown = [_tree(places[rng.choice(len(places), sample, replace=False)], deepest, rng) for _ in range(trees)]
    size = max(len(tree) for tree in grown)
    arrays = {name: np.full((trees, size), -1, dtype=kind) for name, kind in _ARRAYS.items()}
    for at, tree in enumerate(grown):
        for place, node in enumerate(tree):
            for name, value in zip(_ARRAYS, node, strict=True):
                arrays[name][at, place] = value
    return Forest(**arrays, sample=sample)


def _tree(places: np.ndarray, deepest: int, rng: np.random.Generator) -> list[tuple[int, float, int, int, float]]:
    nodes: list[tuple[int, float, int, int, float]] = [(-1, 0.0, -1, -1, 0.0)]
    waiting = [(0, np.arange(len(places)), 0)]
    while waiting:
        node, rows, depth = waiting.pop(0)
        low, high = places[rows].min(axis=0), places[rows].max(axis=0)
        wide = np.flatnonzero(high > low)
        if depth >= deepest or len(rows) <= 1 or not len(wide):
            nodes[node] = (-1, 0.0, -1, -1, depth + expected_depth(len(rows)))
            continue
        feature = int(rng.choice(wide))
        # Never the least value itself: one side would be empty.
        cut = float(max(rng.uniform(low[feature], high[feature]), np.nextafter(low[feature], np.inf)))
        is_left = places[rows, feature] < cut
        left = len(nodes)
        nodes += [(-1, 0.0, -1, -1, 0.0)] * 2
        nodes[node] = (feature, cut, left, left + 1, 0.0)
        waiting += [(left, rows[is_left], depth + 1), (left + 1, rows[~is_left], depth + 1)]
    return nodes
