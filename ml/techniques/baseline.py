"""What a bank does without a model: rank customers by one number. A model must beat the best such rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.data.training import TrainingSet
from ml.errors import DataError
from ml.judging.metrics import auc
from ml.spec import Spec
from ml.techniques.calibration import Calibration, fit_isotonic

_FAR = 1e30


@dataclass(frozen=True)
class Rule:
    """Rank by `column`, up or down; a null ranks first (+) or last (-). `calibration` makes it a rate."""

    column: str
    direction: int
    null: float
    train_auc: float
    calibration: Calibration

    def rank(self, values: np.ndarray) -> np.ndarray:
        """The rule's order for the column's values (n,): more is riskier."""
        return _ordered(values, self.direction, self.null)

    def __str__(self) -> str:
        return f"{'highest' if self.direction > 0 else 'lowest'} {self.column} first"


def best_rule(spec: Spec, data: TrainingSet, learn: np.ndarray, calibration: np.ndarray) -> Rule:
    """The rule with the best AUC on the rows `learn`, its rates from the rows `calibration` (masks)."""
    label = data.label[learn]
    found: list[tuple[float, str, int, float]] = []
    for name in spec.baseline_columns:
        if name not in data.features:
            continue
        values = data.columns((name,))[learn, 0]
        for direction in (1, -1):
            for null in (_FAR, -_FAR):
                found.append((auc(_ordered(values, direction, null), label), name, direction, null))
    if not found:
        raise DataError(f"All baseline columns of {spec.name} are empty: a model can't be judged against nothing.")
    best, name, direction, null = max(found, key=lambda one: one[0])
    rank = _ordered(data.columns((name,))[calibration, 0], direction, null)
    return Rule(name, direction, null, best, fit_isotonic(rank, data.label[calibration]))


def _ordered(values: np.ndarray, direction: int, null: float) -> np.ndarray:
    return np.where(np.isnan(values), null, direction * values)
