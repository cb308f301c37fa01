"""Contacts with what was offered: the customer's features, and of the offer its line, treatment and channel."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from psycopg2 import sql
from pyarrow import csv

from bankmart import db
from ml.data.columns import column_types
from ml.data.everyone import read_everyone
from ml.data.training import TrainingSet, read_training
from ml.errors import DataError
from ml.judging.groups import GroupedSet
from ml.spec import Spec

OFFER = ("product_line", "treatment", "channel")


@dataclass(frozen=True)
class Offer:
    """What can be offered: a product line by a treatment over a channel."""

    product_line: str
    treatment: str
    channel: str

    def flags(self) -> set[str]:
        """The names of the features that are 1 for it."""
        return {flag(kind, getattr(self, kind)) for kind in OFFER}


@dataclass(frozen=True)
class ContactSet(GroupedSet):
    """One row per contact: `features` are `base` (of the customer), the offered line's own, and flags of the offer.

    `contacts` (n,) are their numbers, `offers` (n,) index `known`; `everyone` (k, base) are the population's
    features as of the newest date, contacted or not.
    """

    base: tuple[str, ...]
    own: Mapping[str, Mapping[str, str]]
    contacts: np.ndarray
    offers: np.ndarray
    known: tuple[Offer, ...]
    everyone: np.ndarray

    def columns(self, names: tuple[str, ...]) -> np.ndarray:
        """As of any training set; the flag of an offer that these contacts never saw is 0."""
        if names == self.features:
            return self.numbers
        at = {name: place for place, name in enumerate(self.features)}
        if absent := [name for name in names if name not in at and not name.startswith("offer_")]:
            raise DataError(f"Build {self.build.build_id} has no values in {', '.join(absent)}, which is needed.")
        none = np.zeros(len(self.label))
        return np.column_stack([self.numbers[:, at[name]] if name in at else none for name in names])

    def of_customers(self) -> GroupedSet:
        """The same rows with the customers' features alone."""
        width = len(self.base)
        kept = {one.name: getattr(self, one.name) for one in fields(GroupedSet)}
        types = {name: self.types[name] for name in self.base}
        return GroupedSet(**kept | {"features": self.base, "numbers": self.numbers[:, :width], "types": types})


def flag(kind: str, value: str) -> str:
    """The feature that is 1 where the offer's `kind` has the value."""
    return f"offer_{kind}_{re.sub('[^0-9A-Za-z]+', '_', value)}"


def expanded(
    numbers: np.ndarray, base: Sequence[str], own: Mapping[str, Mapping[str, str]], flags: Sequence[str], offer: Offer
) -> np.ndarray:
    """Customers (n, len(base)) with the offer's own columns and flags behind (n, base + own + flags).

    `own`: feature → product line → the column of `base` that it is for an offer of that line; null without one.
    """
    at = {name: place for place, name in enumerate(base)}
    columns = [by_line.get(offer.product_line) for by_line in own.values()]
    empty = np.full(len(numbers), np.nan)
    picked = [numbers[:, at[column]] if column in at else empty for column in columns]
    raised = offer.flags()
    return np.column_stack([numbers, *picked, *(np.full(len(numbers), float(name in raised)) for name in flags)])


def own_columns(
    patterns: Sequence[Sequence[Any]], lines: Sequence[str], there: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Feature → line → column, for patterns like `view_{line}_count_90d`, as far as the columns are there."""
    found = {}
    for pattern, *_ in patterns:
        by_line = {line: pattern.format(line=line) for line in lines if pattern.format(line=line) in there}
        if by_line:
            found[own_name(pattern)] = by_line
    return found


def own_name(pattern: str) -> str:
    """`view_{line}_count_90d` → `own_view_count_90d`."""
    return "own_" + re.sub("_?{line}_?", "_", pattern).strip("_")


def read_contacts(spec: Spec, as_of: date, build_id: int | None = None) -> ContactSet:
    """The contacts known on `as_of`, with the features of the as-of date before each. Raises as `read_training`."""
    with db.connect("scorer") as link:
        there = column_types(link, (spec.features_table[0], spec.features_table[1]))
        lines = _lines(link, spec) if column_types(link, (spec.label_table[0], spec.label_table[1])) else []
    own = own_columns(spec.params["own_line"], lines, list(there))
    extra = [column for by_line in own.values() for column in by_line.values()]
    wanted = replace(spec, features=tuple(dict.fromkeys((*spec.features, *extra))))
    customers = read_training(wanted, as_of, build_id)
    with db.connect("scorer") as link:
        everyone = read_everyone(link, spec, customers.build.build_id, customers.features)
    made = _read_made(spec, customers.build.build_id)
    known = pd.MultiIndex.from_arrays([customers.day.astype(np.int64), customers.customers])
    first = ~known.duplicated()
    place = known[first].get_indexer(pd.MultiIndex.from_arrays([made["day"], made["customer_id"].str.encode("utf-8")]))
    made, rows = made[place >= 0], np.flatnonzero(first)[place[place >= 0]]
    return _together(customers, made, rows, own, spec.params.get("offer", OFFER), everyone)


def _together(
    customers: TrainingSet,
    made: pd.DataFrame,
    rows: np.ndarray,
    own: dict[str, dict[str, str]],
    looked_at: Sequence[str],
    everyone: np.ndarray,
) -> ContactSet:
    kinds = made[list(OFFER)].drop_duplicates().sort_values(list(OFFER))
    known = tuple(Offer(*row) for row in kinds.itertuples(index=False))
    code = {offer: at for at, offer in enumerate(known)}
    offers = np.array([code[Offer(*row)] for row in made[list(OFFER)].itertuples(index=False)], dtype=np.int64)
    flags = sorted({flag(kind, getattr(offer, kind)) for offer in known for kind in looked_at})
    base = customers.features
    numbers = np.empty((len(rows), len(base) + len(own) + len(flags)))
    for at, offer in enumerate(known):
        these = offers == at
        numbers[these] = expanded(customers.numbers[rows[these]], base, own, flags, offer)
    contacts = made["contact_id"].str.encode("utf-8").to_numpy().astype("S")
    digest = hashlib.sha256(customers.content_hash.encode())
    digest.update(contacts.tobytes() + offers.tobytes() + repr(known).encode())
    kept = {one.name: getattr(customers, one.name) for one in fields(TrainingSet)}
    features = (*base, *own, *flags)
    return ContactSet(
        **kept
        | {
            "customers": customers.customers[rows],
            "day": customers.day[rows],
            "numbers": numbers,
            "label": made["label"].to_numpy(np.int8),
            "features": features,
            "types": customers.types | dict.fromkeys(features[len(base) :], "double precision"),
            "content_hash": digest.hexdigest(),
        },
        base=base,
        own=own,
        contacts=contacts,
        offers=offers,
        known=known,
        everyone=everyone,
    )


def _lines(link: Any, spec: Spec) -> list[str]:
    with link.cursor() as cursor:
        cursor.execute(
            sql.SQL("select distinct product_line from {} where product_line is not null order by 1").format(
                sql.Identifier(*spec.label_table)
            )
        )
        return [line for (line,) in cursor.fetchall()]


def _read_made(spec: Spec, build_id: int) -> pd.DataFrame:
    query = sql.SQL(
        "copy (select as_of_date - date '1970-01-01' as day, customer_id, contact_id, {kinds}, {label}::int as label"
        " from {table} where build_id = {build} and {label} is not null"
        ' order by as_of_date, customer_id collate "C", contact_id collate "C") to stdout (format csv, header)'
    ).format(
        kinds=sql.SQL(", ").join(sql.SQL("coalesce({0}, '') as {0}").format(sql.Identifier(kind)) for kind in OFFER),
        label=sql.Identifier(spec.label),
        table=sql.Identifier(*spec.label_table),
        build=sql.Literal(build_id),
    )
    text = io.BytesIO()
    with db.connect("scorer") as link, link.cursor() as cursor:
        cursor.copy_expert(query, text)
    text.seek(0)
    kinds = dict.fromkeys(("customer_id", "contact_id", *OFFER), pa.string()) | {"day": pa.int64(), "label": pa.int64()}
    convert = csv.ConvertOptions(column_types=kinds, strings_can_be_null=False)
    made: pd.DataFrame = csv.read_csv(text, convert_options=convert).to_pandas()
    return made
