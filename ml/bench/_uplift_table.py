"""A CSV as an experiment: numbers, categories as codes, nulls, and which treatment is the control."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ml.errors import DataError
from ml.techniques.uplift.experiment import Experiment, shares

FOLDS = 3
# Values that mean nobody did anything, most telling first; compared in lower case without spaces and signs.
NOTHING = ("control", "none", "nothing", "notreatment", "nocontact", "noemail", "no", "0", "00", "false", "placebo")
YES, NO = {"1", "yes", "y", "true", "t"}, {"0", "no", "n", "false", "f"}
MOST_CATEGORIES = 200


@dataclass(frozen=True)
class Table:
    """n customers: `frame` has the features in order of `names`; those in `categories` are words."""

    frame: pd.DataFrame
    names: list[str]
    categories: tuple[str, ...]
    treatment: np.ndarray
    target: np.ndarray
    propensity: np.ndarray | None

    def only(self, rows: np.ndarray) -> Table:
        """The same for some rows (mask)."""
        chance = None if self.propensity is None else self.propensity[rows]
        return Table(self.frame[rows], self.names, self.categories, self.treatment[rows], self.target[rows], chance)


def read_table(
    path: Path,
    treatment: str,
    target: str,
    propensity: str | None = None,
    drop: Sequence[str] = (),
    like: Table | None = None,
) -> Table:
    """Read a CSV (comma, semicolon or tab). `like` is the training table of a test file: its features are taken.

    Raises DataError where columns are missing, the target isn't a number or yes and no, or there is nothing to learn.
    """
    try:
        frame = pd.read_csv(path, sep=_delimiter(path), low_memory=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} can't be read as CSV: {error}") from error
    special = [name for name in (treatment, target, propensity) if name]
    if missing := [name for name in special if name not in frame]:
        raise DataError(f"{path.name} lacks {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}.")
    frame = frame[frame[treatment].notna() & frame[target].notna()].reset_index(drop=True)
    if like is None:
        names = [str(name) for name in frame if name not in {*special, *drop} and frame[name].notna().any()]
        words = tuple(name for name in names if not _is_number(frame[name]))
    else:
        names, words = like.names, like.categories
        if missing := [name for name in names if name not in frame]:
            raise DataError(f"{path.name} lacks {', '.join(missing)}, which the training file has.")
    if not names or frame.empty:
        raise DataError(f"{path.name} has no {'features' if len(frame) else 'customers'} to learn from.")
    chance = None
    if propensity:
        chance = pd.to_numeric(frame[propensity], errors="coerce").to_numpy(np.float64)
        if not ((chance > 0) & (chance <= 1)).all():
            raise DataError(
                f"{propensity} holds values that aren't probabilities above 0: nobody can be weighted by them."
            )
    return Table(frame[names], names, words, _words(frame[treatment]), _target(frame[target], target), chance)


def treatments(table: Table, control: str | None) -> tuple[str, str]:
    """The control's value and by which rule: as given; else a name that means nothing; else the most frequent."""
    values, counts = np.unique(table.treatment, return_counts=True)
    if len(values) < 2:
        raise DataError(f"The treatment is {values[0]!r} for all customers: there is nothing to compare it with.")
    if control is not None:
        found = _words(pd.Series([control]))[0]
        if found not in values:
            raise DataError(f"No customer's treatment is {control!r}; there are {', '.join(values)}.")
        return str(found), "given by --control"
    plain = {re.sub(r"[^a-z0-9]", "", value.lower()): value for value in values.tolist()}
    for word in NOTHING:
        if word in plain:
            return plain[word], f"a value that means no treatment ({plain[word]!r})"
    for name, value in plain.items():
        if re.match(r"no(?!v|r)|without|control|ctrl|untreated", name):
            return value, f"a value that means no treatment ({value!r})"
    most = str(values[counts.argmax()])
    return most, f"no value means no treatment, so the most frequent ({most!r}); --control says otherwise"


def encoded(table: Table, learnt: Table, offers: tuple[str, ...], control: str, seed: int) -> Experiment:
    """The table as an experiment: categories are numbered as in `learnt`; unseen ones and nulls are null."""
    columns = []
    for name in table.names:
        if name not in table.categories:
            columns.append(pd.to_numeric(table.frame[name], errors="coerce").to_numpy(np.float64))
            continue
        known = learnt.frame[name].dropna().astype(str).value_counts(sort=False)
        kept = sorted(known.sort_values(ascending=False, kind="stable").index[:MOST_CATEGORIES])
        codes = {value: float(at) for at, value in enumerate(kept)}
        columns.append(table.frame[name].astype("string").map(codes).to_numpy(np.float64, na_value=np.nan))
    numbers = np.column_stack(columns)
    if np.isinf(numbers).any():
        raise DataError("The file holds infinite values: make them null or leave their columns out (--drop).")
    arm = np.full(len(table.treatment), -1)
    for at, name in enumerate((control, *offers)):
        arm[table.treatment == name] = at
    if (arm < 0).any():
        unknown = sorted(set(table.treatment[arm < 0].tolist()))
        raise DataError(f"The test file has treatments that the training file hasn't: {', '.join(unknown)}.")
    rng = np.random.default_rng([seed, 1])
    nothing = np.zeros(len(arm), dtype=int)
    return Experiment(
        # LightGBM takes no JSON signs in names.
        features=tuple(re.sub(r"[^\w.-]", "_", str(name)) for name in table.names),
        numbers=numbers,
        offers=offers,
        arm=arm,
        outcome=table.target,
        propensity=shares(arm, nothing) if table.propensity is None else table.propensity,
        stratum=nothing,
        fold=rng.integers(0, FOLDS, len(arm)),
        categorical=tuple(at for at, name in enumerate(table.names) if name in table.categories),
    )


def _delimiter(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = file.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} can't be read: {error}") from error
    return max(",;\t", key=head.count)


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _words(column: pd.Series) -> np.ndarray:
    """Treatments as text; a number without its decimal point (0.0 is 0)."""
    if _is_number(column) and not pd.api.types.is_bool_dtype(column) and (column % 1 == 0).all():
        column = column.astype("int64")
    return np.array([str(value).strip() for value in column.tolist()])


def _target(column: pd.Series, name: str) -> np.ndarray:
    if not _is_number(column) or pd.api.types.is_bool_dtype(column):
        low = column.astype(str).str.strip().str.lower()
        if not low.isin(YES | NO).all():
            raise DataError(f"The target {name} is neither a number nor yes or no: {', '.join(sorted(set(low))[:5])}.")
        return low.isin(YES).to_numpy(np.float64)
    values = column.to_numpy(np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"The target {name} holds infinite values.")
    if len(np.unique(values)) < 2:
        raise DataError(f"The target {name} is {values[0]:g} for every customer: no effect can be learnt.")
    return values
