"""Features as of past dates without a label, for questions whose answer nobody ever wrote down."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

from bankmart import db
from ml.data.build import Build, training_build
from ml.data.columns import as_number, column_types, refuse_infinite, require_numeric
from ml.data.leakage import compared_words, refuse_changed
from ml.data.prerequisite import report
from ml.data.split import buckets
from ml.data.stream import read_whole
from ml.data.training import as_date, as_day
from ml.errors import DataError, DataPrerequisite
from ml.judging.groups import Grouped
from ml.spec import Spec

if TYPE_CHECKING:
    from psycopg2.extensions import connection


@dataclass(frozen=True)
class Unlabelled:
    """Rows by date and customer: `numbers` (n, features) float64 with NaN for null, `day` (n,) since 1970."""

    build: Build
    customers: np.ndarray
    day: np.ndarray
    numbers: np.ndarray
    features: tuple[str, ...]
    empty: tuple[str, ...]
    types: dict[str, str]
    content_hash: str
    positives: int | None = None

    @property
    def rows(self) -> int:
        """n."""
        return len(self.day)

    def dates(self) -> list[date]:
        """The as-of dates, oldest first."""
        return [as_date(day) for day in np.unique(self.day)]

    def on(self, day: date) -> np.ndarray:
        """The mask (n,) of a date's rows."""
        return np.asarray(self.day == as_day(day))

    def columns(self, names: tuple[str, ...]) -> np.ndarray:
        """The numbers of the named features (n, len(names)). Raises DataError for one that has none."""
        if names == self.features:
            return self.numbers
        if absent := [name for name in names if name not in self.features]:
            raise DataError(f"Build {self.build.build_id} has no values in {', '.join(absent)}, which is needed.")
        return self.numbers[:, [self.features.index(name) for name in names]]


@dataclass(frozen=True)
class GroupedRows(Grouped, Unlabelled):
    """Of the bank's own customers."""


@dataclass(frozen=True)
class DateSplit:
    """Row masks (n,): what is learnt from, and the newest date, which is judged on."""

    train: np.ndarray
    test: np.ndarray
    rule: str
    periods: dict[str, list[str]]

    def newest_learnt(self) -> date:
        """The newest as-of date that anything was learnt from."""
        return date.fromisoformat(self.periods["train"][-1])


def read_unlabelled(spec: Spec, as_of: date, build_id: int | None = None) -> Unlabelled:
    """Read the population's features of the training build known on `as_of`.

    Raises DataPrerequisite where tables, build or rows aren't there yet; DataError where they are wrong.
    """
    names = tuple(dict.fromkeys(spec.features))
    with db.connect("scorer") as link:
        link.set_session(isolation_level="REPEATABLE READ", readonly=True)
        if absent := [".".join(table) for table in spec.tables if not column_types(link, table)]:
            raise missing(spec, f"{', '.join(absent)} aren't there (or the role scorer may not read them)", 0)
        build = training_build(link, as_of, build_id)
        if build is None:
            raise missing(spec, f"there is no training build that passed on or before {as_of}", 0)
        types = require_numeric(link, spec.features_table, (*names, spec.population.column))
        customers, numbers = _read(link, spec, build, names, types)
    digest = hashlib.sha256(repr(names).encode())
    digest.update(customers.tobytes())
    digest.update(numbers.data)
    features = numbers[:, 1:]
    refuse_infinite(names, features, ".".join(spec.features_table))
    is_empty = np.asarray(np.isnan(features).all(axis=0))
    used = tuple(name for name, nothing in zip(names, is_empty, strict=True) if not nothing)
    if not used:
        raise missing(spec, f"every feature is null in build {build.build_id}", len(customers))
    return GroupedRows(
        build=build,
        customers=customers,
        day=numbers[:, 0].astype(np.int32),
        numbers=np.ascontiguousarray(features[:, ~is_empty]),
        features=used,
        empty=tuple(name for name in names if name not in used),
        types={name: types[name] for name in used},
        content_hash=digest.hexdigest(),
    )


def split_newest(spec: Spec, data: Unlabelled) -> DateSplit:
    """The newest date tests, earlier ones are learnt from; of a single date, a quarter of the customers test.

    Raises DataPrerequisite where either has fewer rows than the gates' minimum.
    """
    dates = data.dates()
    test = data.on(dates[-1])
    rule, learnt = "the newest as-of date tests, earlier ones are learnt from", dates[:-1]
    if len(dates) == 1:
        test = buckets(data.customers, 4, "test") == 0
        rule, learnt = "one as-of date only: a quarter of the customers test", dates
    least = min(int(test.sum()), int((~test).sum()))
    if least < spec.gates.minimum_rows:
        raise missing(spec, f"there are {least} customers to learn from or to judge on", least, dates)
    periods = {
        "train": [day.isoformat() for day in learnt],
        "calibration": [],
        "test": [dates[-1].isoformat()],
    }
    return DateSplit(~test, test, rule, periods)


def check_unlabelled(link: connection, spec: Spec, data: Unlabelled) -> str:
    """Raise LeakageFound where a feature was changed after its date; there is no label that it could know."""
    types = {name: data.types[name] for name in data.features}
    compared = refuse_changed(link, spec, spec.features_table, types, data.build.build_id, data.rows)
    return f"there is no label that a feature could know; {compared_words(compared)}"


def missing(spec: Spec, reason: str, rows: int, dates: Sequence[date] = ()) -> DataPrerequisite:
    """The report of what the model needs and what is there. Nobody is positive: there is no label."""
    found = report(spec, (), dates, history_days_needed=0, positives=None)
    # One date will do: then other customers of the same date judge.
    found |= {"as_of_dates_needed": 1, "rows_needed": spec.gates.minimum_rows, "rows": rows}
    needed = f"needed are {spec.gates.minimum_rows} customers of the population ({spec.population.statement})"
    had = f" as of one date to learn from and as many to judge on; there are {len(dates)} dates"
    return DataPrerequisite(f"{spec.name} is skipped: {reason}; {needed}{had}.", found)


def _read(
    link: connection, spec: Spec, build: Build, names: tuple[str, ...], types: dict[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    source = sql.SQL("from {features} f where f.build_id = {build} and {population} >= {least}").format(
        features=sql.Identifier(*spec.features_table),
        build=sql.Literal(build.build_id),
        population=as_number("f", spec.population.column, types[spec.population.column]),
        least=sql.Literal(spec.population.at_least),
    )
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("select count(*) ") + source)
        ((rows,),) = cursor.fetchall()
    if not rows:
        raise missing(spec, f"build {build.build_id} has no customer with features", 0)
    columns = [
        sql.SQL("(as_of_date - date '1970-01-01')::float8"),
        *(as_number("f", name, types[name]) for name in names),
    ]
    return read_whole(link, columns, source, rows, sql.SQL('order by as_of_date, f.customer_id collate "C"'))
