"""One linear model per class on a text's n-grams, each a logistic regression of this class against the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from ml.judging.kinds.classes import class_metrics

FOLDS, LEAST_TEXTS = 4, 8
SMOOTHING = 0.01
MOVES = tuple(np.arange(-4.0, 4.01, 0.2).round(1).tolist())
NEVER = -30.0


@dataclass(frozen=True)
class Linear:
    """`weights` (classes, m), `bias` (classes,), and `prior` (classes,): the shares at training."""

    weights: np.ndarray
    bias: np.ndarray
    prior: np.ndarray

    def decide(self, rows: csr_matrix) -> np.ndarray:
        """Log-odds of each class (n, classes)."""
        return np.asarray(rows @ self.weights.T + self.bias)

    def chances(self, rows: csr_matrix) -> np.ndarray:
        """Shares of the classes' own probabilities (n, classes); a text that says nothing has the prior's."""
        return np.where((rows.getnnz(axis=1) == 0)[:, None], self.prior, shares(self.decide(rows)))


def shares(decided: np.ndarray) -> np.ndarray:
    """Log-odds of each class (n, classes) as shares of the classes' own probabilities."""
    chance = 1 / (1 + np.exp(-np.clip(decided, -500, 500)))
    return np.asarray(chance / chance.sum(axis=1, keepdims=True))


def fit_linear(
    rows: csr_matrix, label: np.ndarray, classes: int, params: Mapping[str, Any], seed: int = 0
) -> tuple[Linear, np.ndarray]:
    """Fit on labels (n,) 0..classes-1; beside it the log-odds (n, classes) of each text as one that wasn't learnt.

    Deterministic given the seed.

    Two regressions are added up, which stay one linear model: on the n-grams as they are, and on n-grams weighed by
    how much more often they are in the class (log-count ratios: Wang and Manning 2012). `strength` is the inverse
    of the ridge penalty; a class weighs (most frequent / own count) ** `balance`. Since the rarer classes matter as
    much as the frequent one, the biases are moved to the best macro F1 on texts that the weights haven't seen (each
    is read once, in folds); then the weights are learnt from all of them.
    """
    count = np.bincount(label, minlength=classes)
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(label))
    move, decided = np.zeros(classes), np.zeros((len(label), classes))
    if count.min() >= LEAST_TEXTS:
        for held in (fold == at for at in range(FOLDS)):
            weights, bias = _weights(rows[~held], label[~held], classes, params)
            decided[held] = np.asarray(rows[held] @ weights.T) + bias
        move = _best_move(decided, label, classes)
    weights, bias = _weights(rows, label, classes, params)
    made = Linear(weights, bias + move, count / len(label))
    return made, decided + move if count.min() >= LEAST_TEXTS else made.decide(rows)


def _weights(
    rows: csr_matrix, label: np.ndarray, classes: int, params: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    count = np.bincount(label, minlength=classes)
    weight = (count.max() / np.maximum(count, 1)) ** params["balance"]
    weights, bias = np.zeros((classes, rows.shape[1])), np.full(classes, NEVER)
    for one in range(classes):
        if count[one] in (0, len(label)):
            bias[one] = NEVER if count[one] == 0 else -NEVER
            continue
        own = label == one
        ratio = _ratio(rows, own)
        bias[one] = 0.0
        for scale, share in ((np.ones(rows.shape[1]), params["plain_share"]), (ratio, 1 - params["plain_share"])):
            fitted = LogisticRegression(
                C=params["strength"], solver="liblinear", dual=True, random_state=0, max_iter=300
            )
            fitted.fit(rows.multiply(scale).tocsr(), own, sample_weight=weight[label])
            weights[one] += share * scale * fitted.coef_[0]
            bias[one] += share * float(fitted.intercept_[0])
    return weights, bias


def _ratio(rows: csr_matrix, own: np.ndarray) -> np.ndarray:
    inside, outside = (np.asarray(rows[part].sum(axis=0)).ravel() + SMOOTHING for part in (own, ~own))
    return np.asarray(np.log((inside / inside.sum()) / (outside / outside.sum())))


def _best_move(decided: np.ndarray, label: np.ndarray, classes: int) -> np.ndarray:
    """What to add to each class's log-odds (classes,): class by class the best macro F1, three times round."""
    move = np.zeros(classes)
    for one in list(range(classes)) * 3:
        tried = []
        for step in MOVES:
            moved = move.copy()
            moved[one] = step
            found = (decided + moved).argmax(axis=1)
            confusion = np.bincount(label * classes + found, minlength=classes**2).reshape(classes, classes)
            tried.append((float(class_metrics(confusion * 1.0)[0]), -abs(step), step))
        move[one] = max(tried)[2]
    return move
