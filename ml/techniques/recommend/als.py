"""Collaborative filtering for implicit feedback by alternating least squares (Hu, Koren and Volinsky 2008)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CHUNK_USERS = 20_000


@dataclass(frozen=True)
class Factors:
    """What is learnt: a vector per item (items, f). Users follow from what they did, by one exact solve."""

    items: np.ndarray
    alpha: float
    regularisation: float

    def users(self, strength: np.ndarray) -> np.ndarray:
        """User vectors (n, f) for strengths (n, items), 0 where there is nothing, in chunks of bounded memory.

        Solves (YᵀY + Yᵀ(Cᵘ - I)Y + λI) x = YᵀCᵘp, with c = 1 + alpha · strength and p = 1 where there is any.
        """
        found = np.empty((len(strength), self.items.shape[1]))
        for at in range(0, len(strength), CHUNK_USERS):
            part = np.asarray(strength[at : at + CHUNK_USERS], dtype=np.float64)
            found[at : at + len(part)] = _solve(self.items, self.alpha * part, self.regularisation)
        return found

    def scores(self, strength: np.ndarray) -> np.ndarray:
        """How much each user would like each item (n, items)."""
        return np.asarray(self.users(strength) @ self.items.T)


def fit(
    strength: np.ndarray,
    factors: int = 8,
    alpha: float = 10.0,
    regularisation: float = 10.0,
    sweeps: int = 12,
    seed: int = 0,
) -> Factors:
    """Learn from strengths (users, items), a row per user: 0 where nothing was seen.

    A sweep solves users chunk by chunk and adds up what the items' equations need, so that no more than a chunk
    of user vectors is ever in memory.
    """
    count = strength.shape[1]
    rng = np.random.default_rng(seed)
    items = rng.normal(0, 0.1, (count, factors))
    for _ in range(sweeps):
        gram = np.zeros((factors, factors))
        weighted = np.zeros((count, factors * factors))
        right = np.zeros((count, factors))
        for extra, users in _users(strength, items, alpha, regularisation):
            outer = (users[:, :, None] * users[:, None, :]).reshape(len(users), -1)
            gram += users.T @ users
            weighted += extra.T @ outer
            right += (extra + (extra > 0)).T @ users
        left = gram + weighted.reshape(count, factors, factors) + regularisation * np.eye(factors)
        items = np.linalg.solve(left, right[:, :, None])[:, :, 0].astype(np.float64, copy=False)
    return Factors(items, alpha, regularisation)


def loss(learnt: Factors, strength: np.ndarray) -> float:
    """What is minimised, with the users solved for: Σ c (p - xᵀy)² + λ (Σ‖x‖² + Σ‖y‖²)."""
    users = learnt.users(strength)
    error = (strength > 0) - users @ learnt.items.T
    weight = 1 + learnt.alpha * strength
    penalty = learnt.regularisation * ((users**2).sum() + (learnt.items**2).sum())
    return float((weight * error**2).sum() + penalty)


def _users(
    strength: np.ndarray, items: np.ndarray, alpha: float, regularisation: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Chunk by chunk: confidences less 1 (n, items) and the users solved for (n, f)."""
    for at in range(0, len(strength), CHUNK_USERS):
        extra = alpha * np.asarray(strength[at : at + CHUNK_USERS], dtype=np.float64)
        yield extra, _solve(items, extra, regularisation)


def _solve(items: np.ndarray, extra: np.ndarray, regularisation: float) -> np.ndarray:
    """The users (n, f) for confidences less 1 (n, items): all their equations made by two matrix products."""
    factors = items.shape[1]
    outer = (items[:, :, None] * items[:, None, :]).reshape(len(items), -1)
    left = (items.T @ items + regularisation * np.eye(factors)) + (extra @ outer).reshape(-1, factors, factors)
    right = (extra + (extra > 0)) @ items
    return np.linalg.solve(left, right[:, :, None])[:, :, 0]
