"""Categories as numbers, learnt without a look at any label, and the memory of a running campaign.

Encoding stands beside the techniques, not in them: they take numbers and know NaN as null.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

MOST_COLUMNS = 30
LEAST_SHARE = 0.002
RATE_WINDOWS = (50, 200, 1000)
PRIOR_CONTACTS = 5.0


@dataclass(frozen=True)
class Encoding:
    """What was learnt of each categorical column: the levels that get a column of their own, and all counts."""

    levels: dict[str, tuple[str, ...]]
    shares: dict[str, dict[str, float]]

    def names(self) -> tuple[str, ...]:
        """The encoded columns' names."""
        own = [f"{name} is {level}" for name, levels in self.levels.items() for level in levels]
        return (*own, *(f"share of {name}" for name in self.levels))

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        """Text columns as numbers (n, len(names())): 1 where the level is the column's own, 0 where it is another.

        A null is NaN throughout. A level that wasn't there at fitting is 0 throughout, its share too.
        """
        own, share = [], []
        for name, levels in self.levels.items():
            values = frame[name]
            null = values.isna().to_numpy()
            place = pd.Index(levels, dtype=object).get_indexer(pd.Index(values, dtype=object))
            own += [np.where(null, np.nan, (place == at).astype(np.float64)) for at in range(len(levels))]
            known = values.map(self.shares[name]).astype(np.float64).fillna(0.0).to_numpy()
            share.append(np.where(null, np.nan, known))
        return np.column_stack([*own, *share]) if self.levels else np.empty((len(frame), 0))


def fit_encoding(frame: pd.DataFrame) -> Encoding:
    """Levels by frequency (ties by name): at most MOST_COLUMNS, each in at least LEAST_SHARE of the rows."""
    levels: dict[str, tuple[str, ...]] = {}
    shares: dict[str, dict[str, float]] = {}
    for name in frame.columns:
        counts = frame[name].value_counts()
        order = [level for _, level in sorted((-int(count), str(level)) for level, count in counts.items())]
        levels[name] = tuple(str(one) for one in order if counts[one] >= LEAST_SHARE * len(frame))[:MOST_COLUMNS]
        shares[name] = {str(level): float(counts[level] / len(frame)) for level in order}
    return Encoding(levels, shares)


def past_rates(
    values: pd.Series, moment: np.ndarray, label: np.ndarray, known: np.ndarray, prior: float = 20.0
) -> np.ndarray:
    """What came of earlier contacts with the same level, as a rate (n,); of a level never seen the rate of all.

    `moment` (n,) grows. A contact sees outcomes of earlier moments only, and only those in `known` (mask (n,)). A rate
    is drawn towards that of all known ones as if `prior` more contacts had been made.
    """
    code = pd.factorize(values, use_na_sentinel=False)[0]
    hit, made = np.where(known, label, 0).astype(np.float64), known.astype(np.float64)
    # Within a level in time order; a contact looks back to before its own moment.
    order = np.lexsort((np.arange(len(code)), code))
    hits, counts = (np.append(0.0, np.cumsum(one[order])) for one in (hit, made))
    key = np.stack([code[order], moment[order]])
    first = np.flatnonzero(np.append(True, (np.diff(key) != 0).any(axis=0)))
    begin = np.append(True, np.diff(key[0]) != 0)
    start = np.maximum.accumulate(np.where(begin, np.arange(len(order)), 0))
    own = np.zeros(len(order), dtype=np.int64)
    own[first] = first
    own = np.maximum.accumulate(own)
    earlier_hits, earlier_counts = hits[own] - hits[start], counts[own] - counts[start]
    all_hits, all_counts = np.append(0.0, np.cumsum(hit)), np.append(0.0, np.cumsum(made))
    before = np.searchsorted(moment, moment, side="left")
    overall = (all_hits[before] + 1) / (all_counts[before] + 2)
    rate = np.empty(len(order))
    rate[order] = (earlier_hits + prior * overall[order]) / (earlier_counts + prior)
    return rate


def memory_names() -> tuple[str, ...]:
    """The columns of `memory`."""
    return ("contact number", *(f"response rate of the last {window} contacts" for window in RATE_WINDOWS))


def memory(moment: np.ndarray, label: np.ndarray, delay: int = 0) -> np.ndarray:
    """What a campaign knew of itself when each contact was made (n, len(memory_names())).

    `moment` (n,) grows; contacts of one moment don't see each other's outcome, and nobody sees those of the
    last `delay` contacts before his. Rates are of the last so many known outcomes, drawn towards the rate of
    all of them as if PRIOR_CONTACTS more had been made.
    """
    row = np.arange(len(label))
    known = np.maximum(0, np.minimum(np.searchsorted(moment, moment, side="left"), row - delay))
    total = np.append(0.0, np.cumsum(label, dtype=np.float64))
    overall = (total[known] + 1) / (known + 2)
    rates = []
    for window in RATE_WINDOWS:
        first = np.maximum(0, known - window)
        rates.append((total[known] - total[first] + PRIOR_CONTACTS * overall) / (known - first + PRIOR_CONTACTS))
    return np.column_stack([row.astype(np.float64), *rates])
