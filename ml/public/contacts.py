"""Any bank's campaign contacts as numbers: a CSV read as it comes, in the order in which the contacts were made.

Nothing here looks at a label except to say which of its two values is the positive one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ml.errors import DataError

NULLS = ("", "unknown", "nan", "na", "n/a", "null", "none", "?")
YES = ("1", "1.0", "yes", "y", "true", "t", "positive", "pos", "bought", "buy")
NUMERIC_SHARE = 0.98
# Text with more levels than this, most of them in one row only, is a name or a number, not a category.
MOST_LEVELS, MOST_SHARE = 50, 0.5
_ENCODINGS = ("utf-8-sig", "gb18030", "latin-1")
_SNIFFED_BYTES = 65_536


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


def read_text(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """The file's cells as text (null for NULLS), and the delimiter and encoding that were found.

    Raises DataError where the file isn't there, is empty, or has lines of another width than its header.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path.name}: give the path of a CSV of contacts, a line a contact.")
    raw = path.read_bytes()[: _SNIFFED_BYTES * 4]
    encoding = next(name for name in _ENCODINGS if _decodes(raw, name))
    head = raw.decode(encoding, "ignore")
    delimiter = _delimiter(head)
    try:
        frame = pd.read_csv(
            path, sep=delimiter, encoding=encoding, dtype=str, keep_default_na=False, skipinitialspace=True
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} can't be read as CSV ({delimiter!r}, {encoding}): {error}") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    frame = frame.astype(object).apply(lambda column: column.str.strip())
    if frame.empty:
        raise DataError(f"{path.name} has a header and no line below it: there is nothing to learn from.")
    return frame.mask(frame.apply(lambda column: column.str.lower().isin(NULLS))), {
        "delimiter": delimiter,
        "encoding": encoding,
    }


def read_contacts(
    path: Path, target: str, order: str, drop: tuple[str, ...] = (), positive: str | None = None
) -> tuple[Contacts, dict[str, str]]:
    """Contacts of a CSV in time order, and how it was read.

    `order` is a column (number or date) or `rows`: the file's own order, each line a moment of its own. The
    positive label is `positive`, else the affirmative one of the two values (YES), else the rarer. Raises
    DataError for a column that isn't there, a label that hasn't exactly two values, an order that can't be
    read, or an infinite number.
    """
    frame, how = read_text(path)
    wanted = [target, *drop] + ([] if order == "rows" else [order])
    if absent := [name for name in wanted if name not in frame.columns]:
        raise DataError(f"{path.name} has no column {', '.join(absent)}. It has: {', '.join(frame.columns)}.")
    unlabelled = frame[target].isna()
    frame = frame.loc[~unlabelled].reset_index(drop=True)
    left_out = dict.fromkeys(drop, "as asked")
    if unlabelled.any():
        left_out["rows"] = f"{int(unlabelled.sum())} without a label"
    moment = np.arange(len(frame)) if order == "rows" else _moments(frame[order], path)
    by_time = np.argsort(moment, kind="stable")
    frame, moment = frame.iloc[by_time].reset_index(drop=True), moment[by_time]
    yes = positive_value(frame[target], target, positive)
    features = frame.drop(columns=[*dict.fromkeys(wanted)])
    numeric, categorical = {}, {}
    for name in features.columns:
        values = features[name]
        number = pd.to_numeric(values, errors="coerce")
        if values.isna().all():
            left_out[name] = "null in every row"
        elif number.notna().sum() >= NUMERIC_SHARE * values.notna().sum():
            if np.isinf(number).any():
                raise DataError(f"{path.name} has infinite values in {name}: leave them blank, or drop the column.")
            numeric[name] = number.astype(np.float64)
        elif values.nunique() > max(MOST_LEVELS, MOST_SHARE * values.notna().sum()):
            left_out[name] = "text that is different in most rows"
        else:
            categorical[name] = values.astype(object).where(values.notna(), None)
    if not numeric and not categorical:
        raise DataError(f"{path.name} has no usable column besides {', '.join(wanted)}.")
    index = frame.index
    label = (frame[target] == yes).to_numpy(np.int8)
    made = Contacts(moment, label, pd.DataFrame(numeric, index), pd.DataFrame(categorical, index), yes, left_out)
    return made, how


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


def _moments(values: pd.Series, path: Path) -> np.ndarray:
    """Time as numbers of any scale; equal where the column says the same."""
    if values.isna().any():
        raise DataError(
            f"{path.name} has {int(values.isna().sum())} rows without {values.name}: their time is unknown."
        )
    number = pd.to_numeric(values, errors="coerce")
    if number.notna().all():
        return number.to_numpy(np.float64)
    when = pd.to_datetime(values, errors="coerce", utc=True, format="mixed")
    if when.isna().any():
        wrong = values[when.isna()].iloc[0]
        raise DataError(f"{path.name}: {values.name} is neither a number nor a date ({wrong!r}). Use --order rows.")
    return when.to_numpy("datetime64[us]").astype(np.int64).astype(np.float64)


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        # A character may be cut in two at the end of what was read.
        raw[: max(0, len(raw) - 4)].decode(encoding) if len(raw) >= _SNIFFED_BYTES * 4 else raw.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start > len(raw) - 8 and len(raw) >= _SNIFFED_BYTES * 4
    return True


def _delimiter(head: str) -> str:
    first = head.splitlines()[0] if head.strip() else ""
    if not first.strip():
        raise DataError("The file is empty: give a CSV with a header.")
    try:
        return csv.Sniffer().sniff("\n".join(head.splitlines()[:50]), delimiters=",;\t|").delimiter
    except csv.Error:
        return max(",;\t|", key=first.count)
