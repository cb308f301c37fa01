"""Features that have gone silent: null for everybody, though training had values in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.errors import DataError

IMPROBABLE = 1e-9


class Silence:
    """Listens to rows chunk by chunk; `null_shares` are each feature's at training."""

    def __init__(self, names: Sequence[str], null_shares: Sequence[float]) -> None:
        self.names, self.null_shares = names, np.asarray(null_shares, dtype=float)
        self.silent, self.rows = np.arange(len(names)), 0

    def hear(self, numbers: np.ndarray) -> None:
        """A chunk of rows (n, len(names)), null as NaN."""
        self.silent = self.silent[np.isnan(numbers[:, self.silent]).all(axis=0)]
        self.rows += len(numbers)

    def refuse(self, where: str, build_id: int, whose: str = "customer") -> None:
        """Raise DataError naming what was null in every row, where training's share of nulls makes that no chance."""
        chance = self.null_shares**self.rows
        if gone := [self.names[at] for at in self.silent.tolist() if chance[at] < IMPROBABLE]:
            raise DataError(
                f"{where} is null for every {whose} of build {build_id} in {', '.join(gone)},"
                " which had values at training: a source is missing. Nothing was written. Load it, or train a"
                " version without it."
            )
