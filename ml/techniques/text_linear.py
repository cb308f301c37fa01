"""One linear model per class on a text's n-grams, each a logistic regression of this class against the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression


@dataclass(frozen=True)
class Linear:
    """`weights` (classes, m), `bias` (classes,), and `prior` (classes,): the shares at training."""

    weights: np.ndarray
    bias: np.ndarray
    prior: np.ndarray

    def decide(self, rows: csr_matrix) -> np.ndarray:
        """Log-odds of each class (n, classes)."""
        return np.asarray(rows @ self.weights.T) + self.bias

    def chances(self, rows: csr_matrix) -> np.ndarray:
        """Shares of the classes' own probabilities (n, classes); a text that says nothing has the prior's."""
        chance = 1 / (1 + np.exp(-np.clip(self.decide(rows), -500, 500)))
        chance /= chance.sum(axis=1, keepdims=True)
        return np.where((rows.getnnz(axis=1) == 0)[:, None], self.prior, chance)


def fit_linear(rows: csr_matrix, label: np.ndarray, classes: int, strength: float, balance: float) -> Linear:
    """Fit on labels (n,) 0..classes-1.

    `strength` is the inverse of the ridge penalty; a class weighs (most frequent / own count) ** `balance`:
    0 leaves the classes as frequent as they are, 1 makes them equal. Deterministic.
    """
    count = np.bincount(label, minlength=classes)
    weight = (count.max() / np.maximum(count, 1)) ** balance
    weights, bias = np.zeros((classes, rows.shape[1])), np.full(classes, -30.0)
    for one in range(classes):
        if count[one] == 0:
            continue
        if count[one] == len(label):
            bias[one] = 30.0
            continue
        fitted = LogisticRegression(C=strength, solver="liblinear", random_state=0, max_iter=200)
        fitted.fit(rows, label == one, sample_weight=weight[label])
        weights[one], bias[one] = fitted.coef_[0], fitted.intercept_[0]
    return Linear(weights, bias, count / len(label))
