"""What contacting is worth: profit by the number of customers each branch calls, up to what it can call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.judging.judgement import Interval
from ml.spec import Economics

RESAMPLES = 200
POINTS = 60


@dataclass(frozen=True)
class CostCurve:
    """Profit (currency units) of calling each branch's first `contacts` customers by score.

    `profit_at_capacity` and `profit_at_random` are of the branches' capacity, the second by calling anybody;
    `best` is the number of contacts with the highest profit.
    """

    contacts: list[int]
    profit: list[float]
    low: list[float]
    high: list[float]
    branches: int
    capacity: int
    best: int
    profit_at_capacity: Interval
    profit_at_random: float

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and numbers, for JSON."""
        return asdict(self)


def cost_curve(
    score: np.ndarray, label: np.ndarray, branch: np.ndarray, economics: Economics, resamples: int = RESAMPLES, seed: int = 0
) -> CostCurve:
    """The curve of customers (arrays (n,)) that belong to branches; a branch calls its own, highest score first.

    A contact costs `contact_cost`, a positive among the contacted is worth `success_value`: what a contact wins on
    average, so the rate at which a contact changes the outcome belongs into it. Intervals resample customers.
    """
    _, at = np.unique(branch.astype(str), return_inverse=True)
    order = np.lexsort((-score, at))
    size = np.bincount(at)
    starts = np.repeat(np.cumsum(size) - size, size)
    rank = np.arange(len(score)) - starts + 1
    worth = economics.success_value * label[order].astype(np.float64) - economics.contact_cost
    capacity = min(economics.capacity, int(size.max()))
    contacts = np.unique(np.append(np.linspace(0, size.max(), POINTS).astype(int), capacity))
    place = np.searchsorted(contacts, rank)

    def profit(weight: np.ndarray) -> np.ndarray:
        return np.cumsum(np.bincount(place, weight * worth, minlength=len(contacts)))

    value = profit(np.ones(len(worth)))
    drawn = np.array([profit(weight) for weight in _weights(len(worth), resamples, seed)])
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    here = int(np.searchsorted(contacts, capacity))
    called = np.minimum(size, capacity).sum()
    return CostCurve(
        contacts=contacts.tolist(),
        profit=value.tolist(),
        low=low.tolist(),
        high=high.tolist(),
        branches=len(size),
        capacity=capacity,
        best=int(contacts[np.argmax(value)]),
        profit_at_capacity=Interval(float(value[here]), float(low[here]), float(high[here])),
        profit_at_random=float(called * (economics.success_value * label.mean() - economics.contact_cost)),
    )


def _weights(rows: int, count: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)
