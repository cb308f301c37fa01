"""What recommendations learn from: what customers held and looked at as of past dates, and what they took next."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

from bankmart import db
from ml.data.build import Build, training_build
from ml.data.columns import as_number, column_types, refuse_infinite, require_numeric
from ml.data.prerequisite import report
from ml.data.split import buckets
from ml.data.stream import stream
from ml.data.training import as_date, as_day
from ml.errors import DataError, DataPrerequisite
from ml.judging.groups import Grouped
from ml.spec import Spec
from ml.techniques.recommend.shelf import Shelf, read_shelves

if TYPE_CHECKING:
    from psycopg2.extensions import connection

AFFINITY = ("features", "ftr_product_affinity")
ELIGIBILITY = ("features", "ftr_eligibility")
# The last axis of every affinity cube.
KINDS = ("is_held", "was_held", "view_count_30d", "view_count_90d", "application_count_90d")
HELD, WAS_HELD, VIEWS_30, VIEWS_90, STEPS_90 = range(5)
PERSON = ("age_years", "risk_level", "is_assessment_valid", "has_marketing_consent")
ALS_CUSTOMERS = 200_000
# Products that a ranking takes.
RANKED = 2


@dataclass(frozen=True)
class OfferSet:
    """n rows: a customer and a date after which something was taken; P products.

    `numbers` (n, features) are of the customer, `cube` (n, P, 5) uint8 is what there was with each product, `taken`
    (n, P) what came next. `everyone` is the cube of all customers of a date (at most ALS_CUSTOMERS, by a hash).
    """

    build: Build
    shelves: dict[int, Shelf]
    customers: np.ndarray
    day: np.ndarray
    numbers: np.ndarray
    cube: np.ndarray
    taken: np.ndarray
    everyone: dict[int, np.ndarray]
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
        return len(self.customers)

    @property
    def positives(self) -> int:
        """How many products were taken."""
        return int(self.taken.sum())

    def dates(self) -> list[date]:
        """The as-of dates, oldest first."""
        return [as_date(day) for day in np.unique(self.day)]

    def on(self, day: date) -> np.ndarray:
        """The mask (n,) of a date's rows."""
        return np.asarray(self.day == as_day(day))


@dataclass(frozen=True)
class GroupedOffers(Grouped, OfferSet):
    """Of the bank's own customers."""


def read(spec: Spec, as_of: date, build_id: int | None = None) -> OfferSet:
    """Read what was known on `as_of`.

    Raises DataPrerequisite where tables, build, products or rows aren't there; DataError where they are wrong.
    """
    with db.connect("scorer") as link:
        link.set_session(isolation_level="REPEATABLE READ", readonly=True)
        if tables := [table for table in spec.tables if not column_types(link, table)]:
            absent = ", ".join(".".join(table) for table in tables)
            raise missing(spec, f"{absent} aren't there (or the role scorer may not read them)", tables)
        build = training_build(link, as_of, build_id)
        if build is None:
            raise missing(spec, f"there is no training build that passed on or before {as_of}")
        shelves = {as_day(day): shelf for day, shelf in read_shelves(link, build.build_id).items()}
        on_sale = max((int(shelf.on_sale.sum()) for shelf in shelves.values()), default=0)
        # A date of which nobody knows what was on sale teaches nothing.
        shelves = {day: shelf for day, shelf in shelves.items() if shelf.on_sale.sum() >= RANKED}
        if not shelves:
            raise missing(spec, f"build {build.build_id} knows {on_sale} products on sale, and a ranking needs two")
        ids = next(iter(shelves.values())).ids
        types = require_numeric(link, spec.features_table, (*spec.features, spec.population.column))
        keys, numbers = _profiles(link, spec, build, types, [as_date(day) for day in shelves])
        taken = _taken(link, spec, build, ids, keys)
        cube, everyone = _cubes(link, build, ids, keys)
    refuse_infinite(spec.features, numbers, ".".join(spec.features_table))
    is_empty = np.asarray(np.isnan(numbers).all(axis=0))
    digest = hashlib.sha256(repr((ids, spec.features)).encode())
    for part in (keys, numbers, taken, cube, *everyone.values(), *(shelf.taken for shelf in shelves.values())):
        digest.update(np.ascontiguousarray(part).tobytes())
    return GroupedOffers(
        build=build,
        shelves=shelves,
        customers=_tails(keys),
        day=np.array([int(key[:_DAY_BYTES]) for key in keys.tolist()], dtype=np.int32),
        numbers=np.ascontiguousarray(numbers[:, ~is_empty]),
        cube=cube,
        taken=taken,
        everyone=everyone,
        features=tuple(name for name, nothing in zip(spec.features, is_empty, strict=True) if not nothing),
        empty=tuple(name for name, nothing in zip(spec.features, is_empty, strict=True) if nothing),
        types=types,
        content_hash=digest.hexdigest(),
    )


def affinity(
    link: connection, build_id: int, ids: tuple[str, ...], as_of: date | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Day (n,), customer (n,), product's place in `ids` (n,) and KINDS (n, 5) uint8, by day and customer."""
    columns = [
        sql.SQL("(f.as_of_date - date '1970-01-01')::float8"),
        sql.SQL("(array_position({}, f.product_id) - 1)::float8").format(sql.Literal(list(ids))),
        sql.SQL("f.is_held::int::float8"),
        sql.SQL("f.was_held::int::float8"),
        *(sql.SQL("least(f.{}, 255)::float8").format(sql.Identifier(name)) for name in KINDS[2:]),
    ]
    source = sql.SQL("from {} f where f.build_id = {} and f.product_id = any({})").format(
        sql.Identifier(*AFFINITY), sql.Literal(build_id), sql.Literal(list(ids))
    )
    if as_of is not None:
        source += sql.SQL(" and f.as_of_date = {}").format(sql.Literal(as_of))
    order = sql.SQL('order by f.as_of_date, f.customer_id collate "C"')
    for chunk in stream(link, columns, source, order):
        day, product = chunk.numbers[:, 0].astype(np.int32), chunk.numbers[:, 1].astype(np.int16)
        yield day, chunk.customers, product, chunk.numbers[:, 2:].astype(np.uint8)


_DAY_BYTES = 6


def _keys(day: np.ndarray, customers: np.ndarray) -> np.ndarray:
    """Day and customer as one sortable text (n,)."""
    return np.char.add(np.char.zfill(day.astype(f"S{_DAY_BYTES}"), _DAY_BYTES), customers)


def _tails(keys: np.ndarray) -> np.ndarray:
    return np.array([key[_DAY_BYTES:] for key in keys.tolist()], dtype=f"S{max(1, keys.dtype.itemsize - _DAY_BYTES)}")


def _find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The place of each wanted key in the sorted `keys`, -1 where it isn't there."""
    if not len(keys):
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def _profiles(
    link: connection, spec: Spec, build: Build, types: dict[str, str], days: list[date]
) -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys (n,) and the customers' numbers (n, features), of those who took something after one of the days."""
    source = sql.SQL(
        "from {features} f where f.build_id = {build} and f.as_of_date = any({days}::date[])"
        " and {population} >= {least} and exists (select 1 from {labels} l"
        " where l.build_id = f.build_id and l.as_of_date = f.as_of_date and l.customer_id = f.customer_id)"
    ).format(
        features=sql.Identifier(*spec.features_table),
        labels=sql.Identifier(*spec.label_table),
        build=sql.Literal(build.build_id),
        population=as_number("f", spec.population.column, types[spec.population.column]),
        least=sql.Literal(spec.population.at_least),
        days=sql.Literal(days),
    )
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("select max(f.as_of_date) ") + source)
        ((newest,),) = cursor.fetchall()
    if newest is None:
        raise missing(spec, f"nobody took a product after the as-of dates of build {build.build_id}")
    if newest + timedelta(days=spec.horizon_days) > build.business_date:
        raise DataError(
            f"{'.'.join(spec.label_table)} holds labels as of {newest}, but their {spec.horizon_days} days"
            f" weren't over on {build.business_date}: such a label is a guess. Put the label's model right."
        )
    columns: list[sql.Composable] = [sql.SQL("(f.as_of_date - date '1970-01-01')::float8")]
    columns += [as_number("f", name, types[name]) for name in spec.features]
    order = sql.SQL('order by f.as_of_date, f.customer_id collate "C"')
    parts = [
        (_keys(chunk.numbers[:, 0].astype(np.int32), chunk.customers), chunk.numbers[:, 1:])
        for chunk in stream(link, columns, source, order)
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _taken(link: connection, spec: Spec, build: Build, ids: tuple[str, ...], keys: np.ndarray) -> np.ndarray:
    """What came next (n, products), for the keys."""
    columns = [
        sql.SQL("(f.as_of_date - date '1970-01-01')::float8"),
        sql.SQL("(array_position({}, f.product_id) - 1)::float8").format(sql.Literal(list(ids))),
    ]
    source = sql.SQL("from {} f where f.build_id = {} and f.product_id = any({})").format(
        sql.Identifier(*spec.label_table), sql.Literal(build.build_id), sql.Literal(list(ids))
    )
    taken = np.zeros((len(keys), len(ids)), dtype=bool)
    for chunk in stream(link, columns, source):
        row = _find(keys, _keys(chunk.numbers[:, 0].astype(np.int32), chunk.customers))
        taken[row[row >= 0], chunk.numbers[row >= 0, 1].astype(np.int64)] = True
    return taken


def _cubes(
    link: connection, build: Build, ids: tuple[str, ...], keys: np.ndarray
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """The cube of the keys (n, products, 5), and that of every customer of each of their dates."""
    cube = np.zeros((len(keys), len(ids), len(KINDS)), dtype=np.uint8)
    wanted = {int(key[:_DAY_BYTES]) for key in keys.tolist()}
    parts: dict[int, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {day: [] for day in sorted(wanted)}
    for day, customers, product, values in affinity(link, build.build_id, ids):
        row = _find(keys, _keys(day, customers))
        cube[row[row >= 0], product[row >= 0]] = values[row >= 0]
        for one in np.unique(day):
            if int(one) in parts:
                mine = day == one
                parts[int(one)].append((customers[mine], product[mine], values[mine]))
    everyone = {}
    for one, found in parts.items():
        customers = np.concatenate([part[0] for part in found]) if found else np.empty(0, "S1")
        names, row = np.unique(customers, return_inverse=True)
        share = -(-len(names) // ALS_CUSTOMERS)
        kept = buckets(names, share, "als") == 0 if share > 1 else np.ones(len(names), dtype=bool)
        place = np.where(kept, np.cumsum(kept) - 1, -1)[row]
        all_of_day = np.zeros((int(kept.sum()), len(ids), len(KINDS)), dtype=np.uint8)
        if found:
            product, values = (np.concatenate([part[at] for part in found]) for at in (1, 2))
            all_of_day[place[place >= 0], product[place >= 0]] = values[place >= 0]
        everyone[one] = all_of_day
    return cube, everyone


def missing(spec: Spec, reason: str, tables: list[tuple[str, ...]] | None = None) -> DataPrerequisite:
    """The report of a bank that hasn't the data (yet)."""
    return DataPrerequisite(f"{spec.name} is skipped: {reason}.", report(spec, tables or ()))
