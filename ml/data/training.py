"""The training set: features as of past dates with the labels that came after them, whole and hashed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql

from bankmart import db
from ml.data.build import Build, training_build
from ml.data.columns import as_number, column_types, in_population, refuse_infinite, require_numeric
from ml.data.prerequisite import report
from ml.data.stream import stream
from ml.errors import DataError, DataPrerequisite
from ml.spec import Spec

if TYPE_CHECKING:
    from psycopg2.extensions import connection

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class TrainingSet:
    """Rows by date and customer: `numbers` (n, features) float64, `label` (n,) 0/1, `day` (n,) since 1970.

    `features` are those in use; `empty` are those of the spec that are null in every row.
    """

    build: Build
    customers: np.ndarray
    day: np.ndarray
    numbers: np.ndarray
    label: np.ndarray
    features: tuple[str, ...]
    empty: tuple[str, ...]
    types: dict[str, str]
    content_hash: str

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.label)

    @property
    def positives(self) -> int:
        """How many of them have the label 1."""
        return int(self.label.sum())

    def dates(self) -> list[date]:
        """The as-of dates there are, oldest first."""
        return [as_date(day) for day in np.unique(self.day)]

    def on(self, day: date) -> np.ndarray:
        """The mask (n,) of an as-of date's rows."""
        return np.asarray(self.day == as_day(day))

    def columns(self, names: tuple[str, ...]) -> np.ndarray:
        """The numbers of the named features (n, len(names)). Raises DataError for one that has none."""
        if names == self.features:
            return self.numbers
        if absent := [name for name in names if name not in self.features]:
            raise DataError(f"Build {self.build.build_id} has no values in {', '.join(absent)}, which is needed.")
        return self.numbers[:, [self.features.index(name) for name in names]]


def as_date(day: float) -> date:
    """Days since 1970 as a date."""
    return EPOCH + timedelta(days=int(day))


def as_day(when: date) -> int:
    """A date as days since 1970."""
    return (when - EPOCH).days


def median_row(data: TrainingSet, split: Any) -> dict[str, float | None]:
    """An input example that is nobody: the median of each feature in the rows that are trained on."""
    numbers = data.numbers[split.train]
    middle = np.nanmedian(np.where(np.isnan(numbers).all(axis=0), 0.0, numbers), axis=0)
    return dict(zip(data.features, middle.tolist(), strict=True))


def read_training(spec: Spec, as_of: date, build_id: int | None = None) -> TrainingSet:
    """Read the training set that was known on `as_of`.

    Raises DataPrerequisite where tables, build or rows aren't there yet; DataError where they are wrong.
    """
    names = tuple(dict.fromkeys(spec.features))
    with db.connect("scorer") as link:
        link.set_session(isolation_level="REPEATABLE READ", readonly=True)
        tables = [table for table in spec.tables if not column_types(link, table)]
        if tables:
            absent = ", ".join(".".join(table) for table in tables)
            raise _missing(spec, f"{absent} aren't there (or the role scorer may not read them)", tables)
        build = training_build(link, as_of, build_id)
        if build is None:
            raise _missing(spec, f"there is no training build that passed on or before {as_of}", [])
        types = require_numeric(link, spec.features_table, (*names, spec.population.column))
        customers, day, label, features = _read_rows(link, spec, build, names, types)
    digest = hashlib.sha256(repr(names).encode())
    for part in (customers, day, label, features):
        digest.update(part.data)
    refuse_infinite(names, features, ".".join(spec.features_table))
    is_empty = np.asarray(np.isnan(features).all(axis=0))
    used = tuple(name for name, nothing in zip(names, is_empty, strict=True) if not nothing)
    if not used:
        raise _missing(spec, f"every feature is null in build {build.build_id}", [spec.features_table])
    return TrainingSet(
        build=build,
        customers=customers,
        day=day,
        numbers=features[:, ~is_empty] if is_empty.any() else features,
        label=label,
        features=used,
        empty=tuple(name for name in names if name not in used),
        types={name: types[name] for name in used},
        content_hash=digest.hexdigest(),
    )


def _read_rows(
    link: connection, spec: Spec, build: Build, names: tuple[str, ...], types: dict[str, str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Customers, as-of days, labels (all (n,)) and features (n, len(names)), by day and customer."""
    label = require_numeric(link, spec.label_table, (spec.label,))[spec.label]
    source = sql.SQL(
        "from {features} f join {labels} l using (as_of_date, build_id, customer_id)"
        " where f.build_id = {build} and {population} and l.{label} is not null"
    ).format(
        features=sql.Identifier(*spec.features_table),
        labels=sql.Identifier(*spec.label_table),
        build=sql.Literal(build.build_id),
        population=in_population("f", spec.population, types[spec.population.column]),
        label=sql.Identifier(spec.label),
    )
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("select count(*), max(as_of_date) ") + source)
        rows, newest = cursor.fetchall()[0]
    if not rows:
        raise _missing(spec, f"build {build.build_id} has no customer with features and a label", [])
    if newest + timedelta(days=spec.horizon_days) > build.business_date:
        raise DataError(
            f"{'.'.join(spec.label_table)} holds labels as of {newest}, but their {spec.horizon_days} days"
            f" weren't over on {build.business_date}: such a label is a guess. Put the label's model right."
        )
    columns = [
        sql.SQL("(as_of_date - date '1970-01-01')::float8"),
        as_number("l", spec.label, label),
        *(as_number("f", name, types[name]) for name in names),
    ]
    parts = []
    keys = np.empty((rows, 2), dtype=np.int32)
    numbers = np.empty((rows, len(names)))
    at = 0
    for chunk in stream(link, columns, source):
        to = at + len(chunk.customers)
        parts.append(chunk.customers)
        keys[at:to], numbers[at:to] = chunk.numbers[:, :2], chunk.numbers[:, 2:]
        at = to
    customers = np.concatenate(parts)
    # Here and not in Postgres, which would sort the whole wide rows on its disk.
    order = np.lexsort((customers, keys[:, 0]))
    return customers[order], keys[order, 0], keys[order, 1].astype(np.int8), numbers[order]


def _missing(spec: Spec, reason: str, tables: list[tuple[str, ...]]) -> DataPrerequisite:
    return DataPrerequisite(f"{spec.name} is skipped: {reason}.", report(spec, tables))
