"""A CSV as an experiment: numbers, categories as codes, nulls, and which treatment is the control."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ml.errors import DataError
from ml.public.contacts import positive_value
from ml.public.table import days, numbers, read_cells, typed, without_nulls, words
from ml.techniques.uplift.experiment import Experiment, shares

FOLDS = 3
# Values that mean nobody did anything, most telling first; compared in lower case without spaces and signs.
NOTHING = (
    *("control", "none", "nothing", "notreatment", "nocontact", "noemail", "no", "n", "0", "00", "false", "placebo"),
    *("holdout", "baseline", "对照", "对照组", "无", "否"),
)
YES, NO = {"1", "yes", "y", "true", "t", "是"}, {"0", "no", "n", "false", "f", "否"}
MOST_CATEGORIES = 200
LEAST_CUSTOMERS = 20


@dataclass(frozen=True)
class Table:
    """n customers: `frame` has the features in order of `names`; those in `categories` are words.

    `left_out` says what isn't used and why, `positive` which word of the target is 1, `header` what the file has.
    """

    frame: pd.DataFrame
    names: list[str]
    categories: tuple[str, ...]
    treatment: np.ndarray
    target: np.ndarray
    propensity: np.ndarray | None
    left_out: dict[str, str] = field(default_factory=dict)
    positive: str | None = None
    header: tuple[str, ...] = ()

    def only(self, rows: np.ndarray) -> Table:
        """The same for some rows (mask)."""
        chance = None if self.propensity is None else self.propensity[rows]
        return replace(
            self,
            frame=self.frame[rows],
            treatment=self.treatment[rows],
            target=self.target[rows],
            propensity=chance,
        )


def read_table(
    path: Path,
    treatment: str,
    target: str,
    propensity: str | None = None,
    drop: Sequence[str] = (),
    like: Table | None = None,
) -> Table:
    """Read a CSV of any delimiter and encoding. `like` is the training table of a test file: its features are taken.

    Raises DataError where columns are missing, the target isn't a number and hasn't two values, or there is nothing to
    learn.
    """
    frame, _ = read_cells(path, (treatment, target))
    special = [name for name in (treatment, target, propensity) if name]
    if missing := [name for name in special if name not in frame]:
        raise DataError(f"{path.name} lacks {', '.join(missing)}; it has {', '.join(frame.columns)}.")
    outcome = without_nulls(frame[target])
    there = (frame[treatment].notna() & outcome.notna()).to_numpy()
    left_out = {"rows": f"{int((~there).sum())} without a treatment or target"} if not there.all() else {}
    frame, outcome = frame[there].reset_index(drop=True), outcome[there].reset_index(drop=True)
    if like is None:
        found = typed(frame, [str(name) for name in frame if name not in {*special, *drop}], path)
        kept = [str(name) for name in frame if name in found.numeric or name in found.categorical]
        features = pd.concat([found.numeric, found.categorical], axis=1)[kept]
        words_in = tuple(found.categorical.columns)
        left_out |= found.left_out
    else:
        kept, words_in = like.names, like.categories
        if missing := [name for name in kept if name not in frame]:
            raise DataError(f"{path.name} lacks {', '.join(missing)}, which the training file has.")
        features = pd.DataFrame({name: _alike(frame[name], name in words_in) for name in kept}, frame.index)
        lost = [name for name in kept if features[name].isna().all()]
        if other := [name for name in lost if without_nulls(frame[name].astype("str")).notna().any()]:
            raise DataError(f"{path.name} has words in {', '.join(other)}, which the training file has numbers in.")
    if not kept or frame.empty:
        raise DataError(f"{path.name} has no {'features' if len(frame) else 'customers'} to learn from.")
    chance = None
    if propensity:
        given = numbers(frame[propensity])
        chance = np.full(len(frame), np.nan) if given is None else given
        if not ((chance > 0) & (chance <= 1)).all():
            raise DataError(
                f"{propensity} holds values that aren't probabilities above 0: nobody can be weighted by them."
            )
    amounts, positive = _target(outcome, target, like.positive if like else None)
    said = _words(frame[treatment])
    return Table(features, kept, words_in, said, amounts, chance, left_out, positive, tuple(map(str, frame.columns)))


def treatments(table: Table, control: str | None) -> tuple[str, str]:
    """The control's value and by which rule: as given; else a name that means nothing; else the most frequent."""
    values, counts = np.unique(table.treatment, return_counts=True)
    if len(values) < 2:
        raise DataError(f"The treatment is {str(values[0])!r} for all customers: there is nothing to compare it with.")
    if small := [f"{value} ({count})" for value, count in zip(values, counts, strict=True) if count < LEAST_CUSTOMERS]:
        raise DataError(
            f"Of {len(values)} treatments {len(small)} have fewer than {LEAST_CUSTOMERS} customers:"
            f" {', '.join(small[:5])}. Leave their lines out, or is --treatment another column?"
        )
    if control is not None:
        found = _words(pd.Series([control]))[0]
        if found not in values:
            raise DataError(f"No customer's treatment is {control!r}; there are {', '.join(values)}.")
        return str(found), "given by --control"
    plain = {re.sub(r"[\W_]", "", value.lower()): value for value in values.tolist()}
    for word in NOTHING:
        if word in plain:
            return plain[word], f"a value that means no treatment ({plain[word]!r})"
    for name, value in plain.items():
        if re.match(r"no(?!v|r)|without|control|ctrl|untreated|holdout", name) or name.endswith(("control", "holdout")):
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
    matrix = np.column_stack(columns)
    if np.isinf(matrix).any():
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
        features=_plain_names(table.names),
        numbers=matrix,
        offers=offers,
        arm=arm,
        outcome=table.target,
        propensity=shares(arm, nothing) if table.propensity is None else table.propensity,
        stratum=nothing,
        fold=rng.integers(0, FOLDS, len(arm)),
        categorical=tuple(at for at, name in enumerate(table.names) if name in table.categories),
    )


def _plain_names(names: Sequence[str]) -> tuple[str, ...]:
    """LightGBM takes no JSON signs in names, and no name twice."""
    made: list[str] = []
    for at, name in enumerate(names):
        plain = re.sub(r"[^\w.-]", "_", name)
        made.append(f"{plain}_{at}" if plain in made else plain)
    return tuple(made)


def _alike(values: pd.Series, is_words: bool) -> np.ndarray:
    """A test file's column as the training file's: words, or numbers with NaN for what is none."""
    if is_words:
        return words(without_nulls(values.astype("str")))
    if not pd.api.types.is_numeric_dtype(values):
        values = without_nulls(values)
        if (when := days(values)) is not None:
            return when
    found = numbers(values)
    return pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan) if found is None else found


def _words(column: pd.Series) -> np.ndarray:
    """Treatments as text; a number without its decimal point (0.0 is 0)."""
    number = pd.to_numeric(column, errors="coerce")
    if number.notna().all() and (number % 1 == 0).all():
        column = number.astype("int64")
    return np.array([str(value).strip() for value in column.tolist()])


def _target(values: pd.Series, name: str, known: str | None) -> tuple[np.ndarray, str | None]:
    """The target as numbers, and of one in two words which is 1 (`known`: that of the training file)."""
    found = numbers(values)
    if found is None or np.isnan(found).any():
        if known is None and values.nunique() != 2 and not values.str.lower().isin(YES | NO).all():
            shown = ", ".join(sorted(set(values))[:5])
            raise DataError(f"The target {name} is neither a number nor yes or no: {shown}.")
        if values.str.lower().isin(YES | NO).all():
            return values.str.lower().isin(YES).to_numpy(np.float64), "yes"
        positive = known or positive_value(values, name)
        return (values == positive).to_numpy(np.float64), positive
    if not np.isfinite(found).all():
        raise DataError(f"The target {name} holds infinite values.")
    if known is None and len(np.unique(found)) < 2:
        raise DataError(f"The target {name} is {found[0]:g} for every customer: no effect can be learnt.")
    return found, None
