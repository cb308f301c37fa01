"""Any bank's campaign contacts as numbers: a CSV read as it comes, in the order in which the contacts were made.

Nothing here looks at a label except to say which of its two values is the positive one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ml.errors import DataError
from ml.public.table import days, numbers, read_cells, typed, without_nulls

YES = ("1", "yes", "y", "true", "t", "positive", "pos", "bought", "buy", "subscribed", "accepted", "是", "有")


@dataclass(frozen=True)
class Contacts:
    """Contacts, oldest first: `moment` (n,) is the same number for contacts of one moment and grows with time.

    `numeric` (n, …) are float64 with NaN for null, `categorical` text with None for null; `label` (n,) is 0/1.
    """

    moment: np.ndarray
    label: np.ndarray
    numeric: pd.DataFrame
    categorical: pd.DataFrame
    positive: str
    left_out: dict[str, str]

    def __len__(self) -> int:
        """The number of contacts."""
        return len(self.label)


def read_contacts(
    path: Path, target: str, order: str, drop: tuple[str, ...] = (), positive: str | None = None
) -> tuple[Contacts, dict[str, str]]:
    """Contacts of a CSV in time order, and how it was read.

    `order` is a column (number or date) or `rows`: the file's own order, each line a moment of its own. The
    positive label is `positive`, else the affirmative one of the two values (YES), else the rarer. Raises
    DataError for a column that isn't there, a label that hasn't exactly two values, an order that can't be
    read, or an infinite number.
    """
    known = (target,) if order == "rows" else (target, order)
    frame, how = read_cells(path, known)
    wanted = [*known, *drop]
    if absent := [name for name in wanted if name not in frame.columns]:
        raise DataError(f"{path.name} has no column {', '.join(absent)}. It has: {', '.join(frame.columns)}.")
    outcome = _plain(without_nulls(frame[target]))
    unlabelled = outcome.isna()
    frame, outcome = frame.loc[~unlabelled].reset_index(drop=True), outcome[~unlabelled].reset_index(drop=True)
    left_out = dict.fromkeys(drop, "as asked")
    if unlabelled.any():
        left_out["rows"] = f"{int(unlabelled.sum())} without a label"
    yes = positive_value(outcome, target, _plain(pd.Series([positive], dtype="str"))[0] if positive else None)
    moment = np.arange(len(frame)) if order == "rows" else _moments(frame[order], path)
    by_time = np.argsort(moment, kind="stable")
    frame, moment, outcome = frame.iloc[by_time].reset_index(drop=True), moment[by_time], outcome.iloc[by_time]
    features = typed(frame, [name for name in frame.columns if name not in wanted], path)
    if features.numeric.empty and features.categorical.empty:
        raise DataError(f"{path.name} has no usable column besides {', '.join(wanted)}.")
    label = (outcome == yes).to_numpy(np.int8)
    left_out |= features.left_out
    return Contacts(moment, label, features.numeric, features.categorical, yes, left_out), how


def positive_value(values: pd.Series, target: str, positive: str | None = None) -> str:
    """Which of a label's two values is the positive one. Raises DataError where there aren't two."""
    counts = values.value_counts()
    if len(counts) != 2:
        found = ", ".join(map(str, counts.index[:5]))
        raise DataError(f"{target} has {len(counts)} values ({found}): a yes-or-no question has two.")
    if positive is not None:
        if positive not in counts.index:
            raise DataError(f"{target} is never {positive!r}: its values are {', '.join(sorted(counts.index))}.")
        return positive
    affirmative = [value for value in counts.index if str(value).lower() in YES]
    return str(affirmative[0] if len(affirmative) == 1 else min(sorted(counts.index), key=lambda one: counts[one]))


def _plain(values: pd.Series) -> pd.Series:
    """Words; where all are numbers, as these are written: 1.0 is 1."""
    number = pd.to_numeric(values, errors="coerce")
    if values.notna().any() and number.notna().sum() == values.notna().sum():
        return number.map(lambda one: f"{one:g}", na_action="ignore").astype("str")
    return values


def _moments(values: pd.Series, path: Path) -> np.ndarray:
    """Time as numbers of any scale; equal where the column says the same."""
    values = without_nulls(values)
    if values.isna().any():
        raise DataError(
            f"{path.name} has {int(values.isna().sum())} rows without {values.name}: their time is unknown."
        )
    for reading in (numbers, days):
        found = reading(values)
        if found is not None and np.isfinite(found).all():
            return found
    raise DataError(
        f"{path.name}: {values.name} is neither a number nor a date in every row ({values.iloc[0]!r}). If the lines"
        " stand in time order, use --order rows."
    )
