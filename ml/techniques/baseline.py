"""What a model must beat: what a bank does without one (rank customers by one number), or a logistic regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from ml.data.training import TrainingSet
from ml.errors import DataError
from ml.judging.metrics import auc
from ml.spec import Spec
from ml.techniques.calibration import Calibration, choose, fit_isotonic

_FAR = 1e30


@dataclass(frozen=True)
class Rule:
    """Rank by `column`, up or down; a null ranks first (+) or last (-). `calibration` makes it a rate."""

    column: str
    direction: int
    null: float
    train_auc: float
    calibration: Calibration

    @property
    def columns(self) -> tuple[str, ...]:
        """The features it reads."""
        return (self.column,)

    def rank(self, numbers: np.ndarray) -> np.ndarray:
        """The rule's order for the column's values (n, 1): more is riskier."""
        return _ordered(numbers[:, 0], self.direction, self.null)

    def __str__(self) -> str:
        return f"{'highest' if self.direction > 0 else 'lowest'} {self.column} first"


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on signed logarithms, standardised; a null is the mean, and a sign of its own.

    `weights` are of the columns, then of their nulls, then the intercept. `calibration` makes it a rate.
    """

    columns: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    calibration: Calibration

    def rank(self, numbers: np.ndarray) -> np.ndarray:
        """Log-odds (n,) for the columns' values (n, len(columns))."""
        return _design(numbers, np.array(self.mean), np.array(self.scale)) @ np.array(self.weights)

    def __str__(self) -> str:
        return f"logistic regression on {len(self.columns)} features"


Baseline = Rule | Logistic


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


def fit_logistic(data: TrainingSet, learn: np.ndarray, calibration: np.ndarray, fold: np.ndarray) -> Logistic:
    """Fitted on the rows `learn`, its rates from the rows `calibration` (masks) in folds (rows of calibration,)."""
    numbers = _signed_log(data.numbers[learn])
    # A column that is null in all of these rows has no mean: it stays at 0, and its null tells nothing.
    there = ~np.isnan(numbers)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, numbers, 0.0).sum(axis=0) / count
    scale = np.sqrt(np.where(there, (numbers - mean) ** 2, 0.0).sum(axis=0) / count)
    scale = np.where(scale > 0, scale, 1.0)
    design = _design(data.numbers[learn], mean, scale)[:, :-1]
    fitted = LogisticRegression(C=0.1, max_iter=500).fit(design, data.label[learn])
    weights = (*fitted.coef_[0].tolist(), float(fitted.intercept_[0]))
    rank = _design(data.numbers[calibration], mean, scale) @ np.array(weights)
    return Logistic(
        data.features,
        tuple(mean.tolist()),
        tuple(scale.tolist()),
        weights,
        choose(rank, data.label[calibration], fold),
    )


def as_plain(baseline: Baseline) -> dict[str, Any]:
    """The baseline as plain numbers and words."""
    return {"kind": "rule" if isinstance(baseline, Rule) else "logistic", **asdict(baseline)}


def from_plain(plain: Mapping[str, Any]) -> Baseline:
    """The baseline that `as_plain` made. Raises KeyError or TypeError where it isn't one."""
    said = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    kind, calibration = said.pop("kind"), plain["calibration"]
    said["calibration"] = Calibration(calibration["kind"], tuple(calibration["x"]), tuple(calibration["y"]))
    return {"rule": Rule, "logistic": Logistic}[kind](**said)


def _ordered(values: np.ndarray, direction: int, null: float) -> np.ndarray:
    return np.where(np.isnan(values), null, direction * values)


def _signed_log(numbers: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(numbers) * np.log1p(np.abs(numbers)))


def _design(numbers: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Standardised columns, their nulls and a one (n, 2 × columns + 1)."""
    standard = (_signed_log(numbers) - mean) / scale
    is_null = np.isnan(standard)
    return np.column_stack([np.where(is_null, 0.0, np.clip(standard, -8, 8)), is_null, np.ones(len(numbers))])
