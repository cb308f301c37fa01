"""Customers of whom some got an offer and some, drawn at random, got none: what uplift is learnt from and judged on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ml.judging.kinds.uplift import Trial

CONTROL = 0


@dataclass(frozen=True)
class Experiment:
    """n customers; all arrays by them.

    `numbers` (n, len(features)) float64, null as NaN, those at `categorical` being codes. `arm` is 0 for the control
    or 1 + the offer's place in `offers`; `propensity` the probability with which it was drawn; `stratum` the draw
    that it was part of (a campaign); `fold` divides customers for cross-fitting.
    """

    features: tuple[str, ...]
    numbers: np.ndarray
    offers: tuple[str, ...]
    arm: np.ndarray
    outcome: np.ndarray
    propensity: np.ndarray
    stratum: np.ndarray
    fold: np.ndarray
    categorical: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.arm)

    def only(self, rows: np.ndarray) -> Experiment:
        """The same for some rows (mask or places)."""
        parts = ("numbers", "arm", "outcome", "propensity", "stratum", "fold")
        return replace(self, **{part: getattr(self, part)[rows] for part in parts})

    def places(self, offer: int) -> np.ndarray:
        """Where the rows are that tell of an offer (its place in `offers`): its own and the control of its draws."""
        own = self.arm == offer + 1
        return np.flatnonzero(own | ((self.arm == CONTROL) & np.isin(self.stratum, np.unique(self.stratum[own]))))

    def allowed(self) -> np.ndarray:
        """Which offers (n, offers) each customer could have been drawn for."""
        return np.column_stack(
            [np.isin(self.stratum, np.unique(self.stratum[self.arm == at + 1])) for at in range(len(self.offers))]
        )

    def trial(self, places: np.ndarray) -> Trial:
        """These rows of one offer and its control."""
        return Trial(self.outcome[places].astype(np.float64), self.arm[places] != CONTROL, 1 / self.propensity[places])

    def is_binary(self) -> bool:
        """Whether the outcome is yes or no."""
        return bool(np.isin(self.outcome, (0, 1)).all())


def shares(arm: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Propensities (n,) of a draw with equal chances for everybody: each arm's share of its stratum."""
    _, key = np.unique(stratum, return_inverse=True)
    cell = key * (arm.max() + 1) + arm
    drawn: np.ndarray = np.bincount(cell)[cell] / np.bincount(key)[key]
    return drawn
