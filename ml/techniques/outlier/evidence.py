"""How far a customer's month is from his own and from his peers', in robust spreads, feature by feature."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

FURTHEST = 12.0
# Where most customers have the same value the median deviation is 0, and the standard deviation stands in.
LEAST_SPREAD = 0.05
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Evidence:
    """`recent` (p,) features and, where there is one, `usual` (p,): what is usual for the same customer ("" if none).

    Middles and spreads are of log(1 + value): (p,) of the recent values (`peer_…`) and of their distance from the
    customer's own usual value (`own_…`).
    """

    recent: tuple[str, ...]
    usual: tuple[str, ...]
    peer_middle: np.ndarray
    peer_spread: np.ndarray
    own_middle: np.ndarray
    own_spread: np.ndarray

    @property
    def features(self) -> tuple[str, ...]:
        """All columns that are read, without repeats."""
        return tuple(dict.fromkeys((*self.recent, *(name for name in self.usual if name))))

    def places(self, numbers: np.ndarray, features: tuple[str, ...]) -> np.ndarray:
        """Peer and own distances (n, 2 p) in spreads, ±FURTHEST; a null is no evidence (0)."""
        recent, change = _values(numbers, features, self.recent, self.usual)
        peer = (recent - self.peer_middle) / self.peer_spread
        own = (change - self.own_middle) / self.own_spread
        return np.asarray(np.clip(np.nan_to_num(np.column_stack([peer, own])), -FURTHEST, FURTHEST))

    def weighed(self, places: np.ndarray) -> np.ndarray:
        """Per feature (n, p): how much it is above both peers and own custom, whichever is less; 0 where it isn't."""
        half = len(self.recent)
        return np.asarray(np.maximum(np.minimum(places[:, :half], places[:, half:]), 0.0))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value.tolist() for name, value in asdict(self).items()
        }

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Evidence:
        """What `as_dict` made."""
        middles = ("peer_middle", "peer_spread", "own_middle", "own_spread")
        return cls(
            tuple(plain["recent"]),
            tuple(plain["usual"]),
            *(np.array(plain[name], dtype=np.float64) for name in middles),
        )


def fit_evidence(numbers: np.ndarray, features: tuple[str, ...]) -> Evidence:
    """From customers (n, m). `usual_X_90d` is what is usual for `X_30d`; other columns are compared with peers only."""
    recent = tuple(name for name in features if not name.startswith("usual_"))
    usual = tuple(name if (name := _usual(one)) in features else "" for one in recent)
    values, change = _values(numbers, features, recent, usual)
    return Evidence(recent, usual, *_middle(values), *_middle(change))


def strength(weighed: np.ndarray, most: int = 3) -> np.ndarray:
    """The length (n,) of the `most` strongest pieces of evidence (n, p) taken together."""
    top = np.sort(weighed, axis=1)[:, -most:]
    return np.asarray(np.sqrt((top**2).sum(axis=1)))


def _usual(name: str) -> str:
    return f"usual_{name.removesuffix('_30d')}_90d"


def _values(
    numbers: np.ndarray, features: tuple[str, ...], recent: tuple[str, ...], usual: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    bent = np.log1p(np.maximum(numbers, 0.0))
    own = bent[:, [features.index(name) for name in recent]]
    # Without a value of one's own the change is the value itself: then only the peers speak.
    before = np.column_stack([bent[:, features.index(name)] if name else np.zeros(len(numbers)) for name in usual])
    return own, own - before


def _middle(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    there = np.where(np.isnan(values).all(axis=0), 0.0, values)
    middle = np.nanmedian(there, axis=0)
    deviation = _MAD_TO_SIGMA * np.nanmedian(np.abs(there - middle), axis=0)
    spread = np.where(deviation > LEAST_SPREAD, deviation, np.nanstd(there, axis=0))
    return middle, np.maximum(spread, LEAST_SPREAD)
