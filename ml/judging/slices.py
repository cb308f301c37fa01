"""Where is the model good and where not? The metrics by group of customers, with intervals, small groups pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.judging.groups import SLICES, members
from ml.judging.judgement import Interval
from ml.judging.metrics import compare

RESAMPLES = 200
SHOWN = ("auc", "average_precision", "lift_top_decile", "ece")


@dataclass(frozen=True)
class Slice:
    """One group of customers and the model's metrics in it."""

    attribute: str
    group: str
    rows: int
    positives: int
    promised: float
    metrics: dict[str, Interval]

    @property
    def observed(self) -> float:
        """The rate of positives."""
        return self.positives / self.rows

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and numbers, for JSON."""
        return asdict(self) | {"observed": self.observed}


def slices(
    score: np.ndarray,
    label: np.ndarray,
    groups: Mapping[str, np.ndarray],
    names: Sequence[str] = SLICES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Slice]:
    """The metrics in every group of the named attributes (arrays (n,)); a group of one class is left out."""
    found = []
    for attribute, group, mask in members(groups, names, label):
        inside, promise = label[mask].astype(np.float64), score[mask]
        if not 0 < inside.sum() < len(inside):
            continue
        judged = compare(promise, promise, inside, resamples=resamples, seed=seed)
        metrics = {name: judged.model[name] for name in SHOWN}
        found.append(Slice(attribute, group, len(inside), int(inside.sum()), float(promise.mean()), metrics))
    return found
