"""Would the model have been as good before? Its fit at earlier origins, each judged on its own later date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from ml.data.split import Split, buckets, split_by_time
from ml.data.training import TrainingSet, as_date
from ml.errors import DataPrerequisite
from ml.judging.metrics import compare
from ml.spec import Spec

# Rows by date and customer: `day`, `customers` and `rows` are there, and every array with a row each is cut.
Data = TypeVar("Data", bound=Any)
# An origin is for comparison: more rows than these (customers are drawn whole) only cost time.
ROWS = 100_000
# With fewer positives the interval would hide any change.
POSITIVES = 150


def enough_positives(data: TrainingSet, split: Split) -> bool:
    """Whether a yes-or-no question can be judged on the split's test rows."""
    return bool(data.label[split.test].sum() >= POSITIVES)


def origins(
    spec: Spec,
    data: Data,
    most: int,
    divide: Callable[[Spec, Data], Split] = split_by_time,
    is_enough: Callable[[Data, Split], bool] = enough_positives,
) -> Iterator[tuple[Data, Split]]:
    """Up to `most` data sets that end on earlier as-of dates, the newest first, each with its own split by time.

    `divide` is the technique's own way to split; an origin that isn't enough to judge on is left out.
    """
    share = max(1, -(-data.rows // ROWS))
    drawn = buckets(data.customers, share, "origin") == 0 if share > 1 else np.ones(data.rows, dtype=bool)
    found = 0
    for day in np.unique(data.day)[-2::-1]:
        until = subset(data, drawn & (data.day <= day))
        try:
            split = divide(spec, until)
        except DataPrerequisite:
            return
        if not is_enough(until, split):
            continue
        yield until, split
        found += 1
        if found == most:
            return


def subset(data: Data, rows: np.ndarray) -> Data:
    """The rows of the mask (n,), everything else as it is."""
    per_row = {
        field.name: value[rows]
        for field in fields(data)
        if isinstance(value := getattr(data, field.name), np.ndarray) and len(value) == len(rows)
    }
    return replace(data, **per_row)


def rolling(
    spec: Spec, data: TrainingSet, most: int, score: Callable[[TrainingSet, Split], np.ndarray]
) -> list[dict[str, Any]]:
    """AUC with its 95 % interval at each earlier origin; `score` trains and gives the test rows' scores."""
    found = []
    for until, split in origins(spec, data, most):
        label = until.label[split.test].astype(np.float64)
        made = score(until, split)
        auc = compare(made, made, label, resamples=200, seed=spec.seed).model["auc"]
        found.append(
            {
                "test": as_date(until.day[split.test][0]).isoformat(),
                "rows": len(label),
                "positives": int(label.sum()),
                "auc": [auc.value, auc.low, auc.high],
            }
        )
    return found
