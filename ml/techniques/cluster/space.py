"""The space in which customers are near or far: every feature made symmetric, centred, of one spread and bounded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# A single extreme value mustn't make a group of its own.
FURTHEST = 3.0


@dataclass(frozen=True)
class Space:
    """Per feature (m,): whether it is taken by signed log, its middle for nulls, its centre and its spread."""

    logged: np.ndarray
    middle: np.ndarray
    centre: np.ndarray
    spread: np.ndarray

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers (n, m), NaN for null, as places (n, m) within ±FURTHEST."""
        filled = np.where(np.isnan(numbers), self.middle, numbers)
        return np.asarray(np.clip((_bent(filled, self.logged) - self.centre) / self.spread, -FURTHEST, FURTHEST))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: values.tolist() for name, values in asdict(self).items()}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Space:
        """What `as_dict` made."""
        logged = np.array(plain["logged"], dtype=bool)
        return cls(logged, *(np.array(plain[name], dtype=np.float64) for name in ("middle", "centre", "spread")))


def fit_space(numbers: np.ndarray) -> Space:
    """From customers (n, m): logged where the upper half is three times as long as the lower one."""
    middle = np.nan_to_num(np.nanmedian(np.where(np.isnan(numbers).all(axis=0), 0.0, numbers), axis=0))
    filled = np.where(np.isnan(numbers), middle, numbers)
    low, half, high = np.percentile(filled, [5, 50, 95], axis=0)
    logged = np.asarray((high - half) > 3 * (half - low)) & (np.abs(filled).max(axis=0) > 10)
    bent = _bent(filled, logged)
    spread = bent.std(axis=0)
    return Space(logged, middle, bent.mean(axis=0), np.where(spread > 1e-12, spread, 1.0))


def _bent(numbers: np.ndarray, logged: np.ndarray) -> np.ndarray:
    return np.where(logged, np.sign(numbers) * np.log1p(np.abs(numbers)), numbers)
