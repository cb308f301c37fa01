"""Any bank's CSV: its delimiter and encoding found, its columns as numbers, dates or categories.

Nothing here looks at a label. What can't be read any one way is refused with a sentence.
"""

from __future__ import annotations

import csv
import gzip
import re
import warnings
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.errors import DataError

NULLS = ("", "unknown", "nan", "na", "n/a", "#n/a", "nat", "null", "none", "?", "missing", "<na>", "\\n")
_CASES = sorted({form for word in NULLS for form in (word, word.upper(), word.title(), word.capitalize())})
NUMERIC_SHARE = 0.98
SAME = "the same in every row"
# Text with more levels than this, most of them in one row only, is a name or a number, not a category.
MOST_LEVELS, MOST_SHARE = 50, 0.5
LEAST_NUMBERED = 100
_NUMBERED = re.compile(r"(.*[^a-z])?(id|ids|uuid|guid|key|index|idx|row|rownum|nr|no|number|serial)", re.IGNORECASE)
_ENGLISH = r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_GERMAN = r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
# A day or a month (2024-05), in figures or with the month's English name.
_NAMED = rf"(?:\d{{1,2}}[-./ ]?)?{_MONTH}[-./, ]*\d{{2,4}}.*"
_DATE = rf"(?i:\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}.*|\d{{4}}[-/.]\d{{1,2}}|{_NAMED})"
_DAY_OR_MONTH = r"^(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}.*"
_DELIMITERS = ",;\t|"
_SNIFFED_BYTES, _SNIFFED_LINES = 262_144, 30


@dataclass(frozen=True)
class Typed:
    """Features (n, …): `numeric` float64, NaN for null; `categorical` text, None for null; what is left out and why."""

    numeric: pd.DataFrame
    categorical: pd.DataFrame
    left_out: dict[str, str]


def read_cells(path: Path, text: Collection[str] | None = None) -> tuple[pd.DataFrame, dict[str, str]]:
    """The file's columns, and the delimiter and encoding that were found.

    Those in `text` (None: all) stay the words that stand there, trimmed, null where blank. In the others NULLS are
    null, and columns of plain numbers come as numbers. Raises DataError where the file isn't there, is empty, has lines
    of another width than its header, or two columns of a name in `text`.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path.name}: give the path of a CSV with a header.")
    packed = _first_bytes(path, 2) == b"\x1f\x8b"
    head = _first_bytes(path, _SNIFFED_BYTES, packed)
    encoding = _encoding(head)
    lines = head.decode(encoding, "ignore").splitlines()
    if not lines or not lines[0].strip():
        raise DataError("The file is empty: give a CSV with a header.")
    delimiter = _delimiter(lines[:_SNIFFED_LINES])
    header, *rows = csv.reader(lines[:_SNIFFED_LINES], delimiter=delimiter, skipinitialspace=True)
    # A delimiter at the end of every line but the header's.
    if rows and all(len(row) == len(header) + 1 and not row[-1] for row in rows if row):
        header.append("")
    names = _names(header, path, text or ())
    words = names if text is None else [name for name in names if name in text]
    try:
        with warnings.catch_warnings():
            # Else a line with more fields than the header loses some without a word.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=delimiter,
                encoding=encoding,
                compression="gzip" if packed else None,
                header=0,
                names=names,
                index_col=False,
                dtype=dict.fromkeys(words, str),
                keep_default_na=False,
                na_values={name: [""] if name in words else _CASES for name in names},
                skipinitialspace=True,
                low_memory=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeError, OSError, ValueError) as error:
        raise DataError(f"{path.name} can't be read as CSV ({delimiter!r}, {encoding}): {error}") from error
    if frame.empty:
        raise DataError(f"{path.name} has a header and no line below it: there is nothing to learn from.")
    for name in names:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            trimmed = frame[name].astype("str").str.strip()
            frame[name] = trimmed.mask(frame[name].isna() | (trimmed == ""))
    return frame, {"delimiter": delimiter, "encoding": encoding}


def read_text(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """The file's cells as text (null for NULLS), and how it was read. Raises as `read_cells`."""
    frame, how = read_cells(path)
    return frame.apply(without_nulls), how


def without_nulls(values: pd.Series) -> pd.Series:
    """Words, null where they are one of NULLS in any case."""
    return values.mask(values.str.lower().isin(NULLS))


def typed(frame: pd.DataFrame, names: Sequence[str], path: Path) -> Typed:
    """The columns as features: numbers (also 1.234,5 and 12%), dates as days, else categories.

    Left out are columns without a value or with one only, numbers of rows or customers, and text that differs in most
    rows. Raises DataError where a number is infinite.
    """
    numeric: dict[str, np.ndarray] = {}
    categorical: dict[str, np.ndarray] = {}
    left_out: dict[str, str] = {}
    for name in names:
        values = frame[name]
        if not pd.api.types.is_numeric_dtype(values):
            values = without_nulls(values)
        number = numbers(values)
        if values.isna().all():
            left_out[name] = "null in every row"
        elif number is not None:
            if np.isinf(number).any():
                raise DataError(f"{path.name} has infinite values in {name}: leave them blank, or drop the column.")
            if (number == number[0]).all():
                left_out[name] = SAME
            elif _is_numbered(name, number):
                left_out[name] = "a number of the row or of the customer"
            else:
                numeric[name] = number
        elif (when := days(values)) is not None:
            numeric[name] = when
        elif (values == values.iloc[0]).all():
            left_out[name] = SAME
        elif values.nunique() > max(MOST_LEVELS, MOST_SHARE * values.notna().sum()):
            left_out[name] = "text that is different in most rows"
        else:
            categorical[name] = words(values)
    return Typed(pd.DataFrame(numeric, frame.index), pd.DataFrame(categorical, frame.index, dtype=object), left_out)


def words(values: pd.Series) -> np.ndarray:
    """Text (n,) as objects, None for null; equal words are one object."""
    code, levels = pd.factorize(values)
    known = np.full(len(levels) + 1, None, dtype=object)
    known[:-1] = levels
    return np.asarray(known[code])


def numbers(values: pd.Series) -> np.ndarray | None:
    """The values as float64 (n,), NaN for null and for what is none; None where too few of them are numbers."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(np.float64, na_value=np.nan)
    least = NUMERIC_SHARE * values.notna().sum()
    best = pd.to_numeric(values, errors="coerce").astype(np.float64)
    # Words are told from numbers by a few of them: most text columns are neither form of number anywhere.
    if best.notna().sum() < values.notna().sum() and values.str.contains(r"\d").mean() > 0:
        plain = values.str.replace(r"[\s%€$£¥]", "", regex=True)
        for form, thousands, point in ((_ENGLISH, ",", "."), (_GERMAN, ".", ",")):
            text = plain.where(plain.str.fullmatch(form).fillna(False).astype(bool))
            text = text.str.replace(thousands, "").str.replace(point, ".")
            found = pd.to_numeric(text, errors="coerce").astype(np.float64)
            best = found if found.notna().sum() > best.notna().sum() else best
    return best.to_numpy() if best.notna().sum() >= least else None


def days(values: pd.Series) -> np.ndarray | None:
    """Dates as days since 1970 with their fraction (n,), NaN for null; None where they aren't dates.

    Whether 02/03 is in March or February follows from the others, else from the reading in which the rows lie closer
    together.
    """
    known = values.dropna().astype("str")
    if known.empty or known.str.fullmatch(_DATE).mean() < NUMERIC_SHARE:
        return None
    parts = known.str.extract(_DAY_OR_MONTH)
    if parts[0].notna().mean() < NUMERIC_SHARE:
        return _parsed(values, {"format": "mixed"})
    first, second = parts[0].astype(float), parts[1].astype(float)
    readings = [{"dayfirst": day_first, "format": "mixed"} for day_first in (True, False)]
    if first.max() > 12 or second.max() > 12:
        return _parsed(values, readings[0] if first.max() > 12 else readings[1])
    found = [_parsed(values, reading) for reading in readings]
    return min(found, key=lambda one: float(np.abs(np.diff(one[~np.isnan(one)])).sum()))


def _parsed(values: pd.Series, reading: dict[str, Any]) -> np.ndarray:
    when = pd.to_datetime(values.astype(object), errors="coerce", utc=True, **reading)
    seconds = when.to_numpy("datetime64[us]").astype(np.float64) / 1e6
    return np.where(when.isna(), np.nan, seconds / 86_400)


def _is_numbered(name: str, number: np.ndarray) -> bool:
    """Whether whole numbers, none of them twice, count rows or customers: by their name or because they just count."""
    there = number[~np.isnan(number)]
    if len(there) < max(LEAST_NUMBERED, len(number)) or (there % 1 != 0).any() or len(np.unique(there)) < len(there):
        return False
    counts_rows = bool(np.ptp(there) == len(there) - 1 and (np.diff(there) == 1).all())
    return counts_rows or _NUMBERED.fullmatch(name) is not None


def _first_bytes(path: Path, count: int, packed: bool = False) -> bytes:
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            return bytes(file.read(count))
    except (OSError, EOFError) as error:
        raise DataError(f"{path.name} can't be read: {error}") from error


def _encoding(head: bytes) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    for name in ("utf-8-sig", "gb18030"):
        try:
            head.decode(name)
        except UnicodeDecodeError as error:
            # A character may be cut in two at the end of what was read.
            if error.start < len(head) - 8 or len(head) < _SNIFFED_BYTES:
                continue
        return name
    return "latin-1"


def _delimiter(lines: list[str]) -> str:
    """The one that divides the header, and most lines into as many fields; of several, that of most fields."""

    def divides(delimiter: str) -> tuple[bool, bool, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
        same = sum(width == widths[0] for width in widths) / len(widths)
        return widths[0] > 1, same >= 0.8, widths[0]

    return max(_DELIMITERS, key=divides)


def _names(header: list[str], path: Path, wanted: Collection[str]) -> list[str]:
    given = [name.strip() or f"column {at}" for at, name in enumerate(header, 1)]
    if twice := [name for name, count in Counter(given).items() if count > 1 and name in wanted]:
        raise DataError(f"{path.name} has more than one column {', '.join(twice)}: which is meant can't be said.")
    seen: Counter[str] = Counter()
    names = []
    for name in given:
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names
