"""What value is learnt from: features as of past month ends and the margin of the months after them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql

from bankmart import db
from ml.data.build import Build, training_build
from ml.data.columns import as_number, column_types, refuse_infinite, require_numeric
from ml.data.leakage import compared_words, refuse_changed
from ml.data.split import Split, buckets
from ml.data.stream import read_whole
from ml.data.training import as_date, as_day
from ml.errors import DataError, LeakageFound
from ml.judging.groups import Grouped
from ml.judging.kinds.value import ranks
from ml.spec import Spec
from ml.techniques.two_part.months import HORIZONS, TRAIN_DATES, missing, month_of

if TYPE_CHECKING:
    from psycopg2.extensions import connection

# No feature alone may rank the coming margin's change like this: it would have been made from it.
UNBELIEVABLE_SPEARMAN = 0.97


@dataclass(frozen=True)
class ValueSet:
    """n rows by date and customer: `numbers` (n, features), `margin` and `income` (n,) of the `months` after.

    `margin` is discounted to the as-of date at `discount_rate`; `repeated` (n,) is that of the months before.
    """

    build: Build
    months: int
    discount_rate: float
    customers: np.ndarray
    day: np.ndarray
    numbers: np.ndarray
    margin: np.ndarray
    income: np.ndarray
    repeated: np.ndarray
    features: tuple[str, ...]
    empty: tuple[str, ...]
    types: dict[str, str]
    content_hash: str

    def columns(self, names: tuple[str, ...]) -> np.ndarray:
        """The numbers of the named features (n, len(names)). Raises DataError for one that has none."""
        if absent := [name for name in names if name not in self.features]:
            raise DataError(f"Build {self.build.build_id} has no values in {', '.join(absent)}, which is needed.")
        return self.numbers[:, [self.features.index(name) for name in names]]

    @property
    def rows(self) -> int:
        """n."""
        return len(self.margin)

    @property
    def positives(self) -> None:
        """The question has none."""
        return

    def dates(self) -> list[date]:
        """The as-of dates, oldest first."""
        return [as_date(day) for day in np.unique(self.day)]

    def on(self, day: date) -> np.ndarray:
        """The mask (n,) of a date's rows."""
        return np.asarray(self.day == as_day(day))


@dataclass(frozen=True)
class GroupedValues(Grouped, ValueSet):
    """Of the bank's own customers."""


def discounted_months(months: int, rate: float) -> float:
    """What one unit a month is worth: the sum of (1 + rate)^(-k/12) over its months k."""
    return float(sum((1 + rate) ** (-k / 12) for k in range(1, months + 1)))


def repeated_column(months: int) -> str:
    """The feature that holds the margin of as many months before."""
    return f"margin_{months}m_amount"


def located(link: connection, spec: Spec, names: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Feature → type, and feature → alias of the table that has it: f the first one, m the margins.

    Raises DataError where one is in neither, or isn't a number.
    """
    first = column_types(link, spec.features_table)
    own = tuple(name for name in names if name in first)
    types = require_numeric(link, spec.features_table, own)
    types |= require_numeric(link, spec.more_tables[0], tuple(name for name in names if name not in own))
    return types, {name: "f" if name in own else "m" for name in names}


def source_of(spec: Spec, build_id: int, types: dict[str, str], labels: sql.Composable | None = None) -> sql.Composed:
    """`from` the features of a build's population, with the margins beside them, and what else is joined."""
    return sql.SQL(
        "from {features} f left join {margins} m on m.build_id = f.build_id and m.as_of_date = f.as_of_date"
        " and m.customer_id = f.customer_id {labels} where f.build_id = {build} and {population} >= {least}"
    ).format(
        features=sql.Identifier(*spec.features_table),
        margins=sql.Identifier(*spec.more_tables[0]),
        labels=labels or sql.SQL(""),
        build=sql.Literal(build_id),
        population=as_number("f", spec.population.column, types[spec.population.column]),
        least=sql.Literal(spec.population.at_least),
    )


def horizon(days: np.ndarray, known: dict[int, np.ndarray]) -> int | None:
    """The longest horizon whose test date leaves enough older dates with their months over; None without any.

    `known[months]` (len(days),) says whether the label of those months is there on the date.
    """
    for months in HORIZONS:
        there = days[known[months]]
        if len(there) and sum(month_of(day) + months <= month_of(there[-1]) for day in there) >= TRAIN_DATES:
            return months
    return None


def divide(spec: Spec, data: ValueSet) -> Split:
    """Test is the newest date; learnt from are those whose months were over on it; a quarter of customers calibrate."""
    days = np.unique(data.day)
    usable = np.array([day for day in days if month_of(day) + data.months <= month_of(days[-1])])
    learn, test = np.isin(data.day, usable), data.day == days[-1]
    calibration = learn & (buckets(data.customers, 4, "calibration") == 0)
    stop = learn & ~calibration & (buckets(data.customers, 8, "stop") == 0)
    train = learn & ~calibration & ~stop
    least = {"train": spec.needs.train_positives, "calibration": spec.needs.calibration_positives}
    for name, mask in (("train", train), ("calibration", calibration), ("early stopping", stop), ("test", test)):
        if (count := int(mask.sum())) < least.get(name, spec.needs.test_positives):
            raise missing(
                spec,
                f"{name} has {count} customers, needed are {least.get(name, spec.needs.test_positives)}",
                None,
                days.tolist(),
                data.build,
                count,
            )
    learnt = [as_date(day).isoformat() for day in usable]
    rule = f"a gap of {data.months} months before test; calibrated on other customers, not later"
    periods = {"train": learnt, "calibration": learnt, "test": [as_date(days[-1]).isoformat()]}
    return Split(train, stop, calibration, test, rule, periods)


def again(spec: Spec, model: Any, as_of: date, build_id: int | None = None) -> ValueSet:
    """As `read`, with the model's own horizon."""
    return read(spec, as_of, build_id, model.plain.months)


def read(spec: Spec, as_of: date, build_id: int | None = None, months: int | None = None) -> ValueSet:
    """Read what was known on `as_of`, with the horizon of so many `months`, else the longest the history allows.

    Raises DataPrerequisite where tables, build or months aren't there yet; DataError where they are wrong.
    """
    names = tuple(dict.fromkeys(spec.features))
    with db.connect("scorer") as link:
        link.set_session(isolation_level="REPEATABLE READ", readonly=True)
        if tables := [table for table in spec.tables if not column_types(link, table)]:
            absent = ", ".join(".".join(table) for table in tables)
            raise missing(spec, f"{absent} aren't there (or the role scorer may not read them)", tables)
        build = training_build(link, as_of, build_id)
        if build is None:
            raise missing(spec, f"there is no training build that passed on or before {as_of}")
        types, _ = located(link, spec, (*names, spec.population.column))
        customers, numbers = _read_rows(link, spec, build, names)
    labels = {months: numbers[:, 2 + 2 * at : 4 + 2 * at] for at, months in enumerate(HORIZONS)}
    days = np.unique(numbers[:, 0])
    known = {
        months: np.array([not np.isnan(both[numbers[:, 0] == day, 0]).any() for day in days])
        for months, both in labels.items()
    }
    if months is not None and not known[months].any():
        raise missing(spec, f"no margin of {months} months after a month end is known yet", None, days.tolist(), build)
    months = months or horizon(days, known)
    if months is None:
        first, last = as_date(days[0]), as_date(days[-1])
        raise missing(
            spec,
            f"the margin after {len(days)} month ends from {first} to {last} is known, which doesn't leave"
            f" {TRAIN_DATES} of them {HORIZONS[-1]} months or more before the newest",
            None,
            days.tolist(),
            build,
            len(customers),
        )
    kept = ~np.isnan(labels[months][:, 0])
    newest = as_date(numbers[kept, 0].max())
    if newest + timedelta(days=28 * months) > build.business_date:
        raise DataError(
            f"{'.'.join(spec.label_table)} holds the margin of {months} months after {newest}, which weren't over on"
            f" {build.business_date}: such a label is a guess. Put the label's model right."
        )
    features = numbers[:, 2 + 2 * len(HORIZONS) :][kept]
    refuse_infinite(names, features, ".".join(spec.features_table))
    digest = hashlib.sha256(repr((names, months)).encode())
    digest.update(customers[kept].tobytes())
    digest.update(np.ascontiguousarray(numbers[kept]).data)
    is_empty = np.asarray(np.isnan(features).all(axis=0))
    before = features[:, names.index(repeated_column(months))]
    if np.isnan(before).all():
        reason = f"{repeated_column(months)} is null for everybody in build {build.build_id}"
        raise missing(spec, reason, None, days.tolist(), build)
    rate = float(numbers[kept, 1][0])
    return GroupedValues(
        build=build,
        months=months,
        discount_rate=rate,
        customers=customers[kept],
        day=numbers[kept, 0].astype(np.int32),
        numbers=np.ascontiguousarray(features[:, ~is_empty]),
        margin=labels[months][kept, 0],
        income=labels[months][kept, 1],
        repeated=np.nan_to_num(before) / months * discounted_months(months, rate),
        features=tuple(name for name, nothing in zip(names, is_empty, strict=True) if not nothing),
        empty=tuple(name for name, nothing in zip(names, is_empty, strict=True) if nothing),
        types=types,
        content_hash=digest.hexdigest(),
    )


def refuse_knowing(link: connection, spec: Spec, data: ValueSet) -> str:
    """Raise LeakageFound where a feature alone ranks the change against the months before; else what was looked at."""
    change = ranks(data.margin - data.repeated)
    found = {}
    for name, column in zip(data.features, data.numbers.T, strict=True):
        rank = ranks(np.nan_to_num(column, nan=-1e30))
        if rank.std() > 0 and abs(np.corrcoef(rank, change)[0, 1]) >= UNBELIEVABLE_SPEARMAN:
            found[name] = round(float(abs(np.corrcoef(rank, change)[0, 1])), 4)
    if found:
        listed = ", ".join(f"{name} (rank correlation {value})" for name, value in found.items())
        raise LeakageFound(
            f"{spec.name} isn't trained: {listed} alone tell how the margin changes. Such a feature was made from the"
            " outcome or from later data: put its as-of date right."
        )
    types, where = located(link, spec, data.features)
    compared = []
    for alias, table in (("f", spec.features_table), ("m", spec.more_tables[0])):
        if own := {name: types[name] for name in data.features if where[name] == alias}:
            compared.append(refuse_changed(link, spec, table, own, data.build.build_id, data.rows))
    # Proven only where all tables could be compared.
    return f"no feature alone ranks how the margin changes, in {data.rows} rows; {compared_words(min(compared))}"


def _read_rows(link: connection, spec: Spec, build: Build, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Customers (n,) and day, discount rate, margin and income of each horizon, features (n, …)."""
    types, where = located(link, spec, (*names, spec.population.column))
    wanted = [f"{what}_{months}m_amount" for months in HORIZONS for what in ("margin", "income")]
    label_types = require_numeric(link, spec.label_table, ("discount_rate", *wanted))
    labels = sql.SQL(
        "join {} l on l.build_id = f.build_id and l.as_of_date = f.as_of_date and l.customer_id = f.customer_id"
    ).format(sql.Identifier(*spec.label_table))
    source = source_of(spec, build.build_id, types, labels)
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("select count(*) ") + source)
        ((rows,),) = cursor.fetchall()
    if not rows:
        raise missing(spec, f"build {build.build_id} has no customer with features and a later margin")
    columns: list[sql.Composable] = [sql.SQL("(f.as_of_date - date '1970-01-01')::float8")]
    columns += [as_number("l", name, label_types[name]) for name in ("discount_rate", *wanted)]
    columns += [as_number(where[name], name, types[name]) for name in names]
    return read_whole(link, columns, source, rows, sql.SQL('order by f.as_of_date, f.customer_id collate "C"'))
