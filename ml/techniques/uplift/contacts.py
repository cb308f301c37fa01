"""The bank's own campaign history as an experiment: contacts, whom they were drawn for, and what came of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql

from bankmart import db
from ml.data.build import Build, training_build
from ml.data.columns import as_number, column_of, column_types, refuse_infinite, require_numeric
from ml.data.everyone import read_everyone
from ml.data.prerequisite import report
from ml.data.split import buckets
from ml.data.stream import stream
from ml.data.training import as_date, as_day
from ml.errors import DataError, DataPrerequisite
from ml.judging.groups import Grouped
from ml.spec import Spec
from ml.techniques.uplift.experiment import Experiment, shares

if TYPE_CHECKING:
    from psycopg2.extensions import connection

CONTROL_NAME = "control"
FOLDS = 3
_MEASURED = ("contact_date", "is_bought", "propensity", "margin_amount", "cost_amount")


@dataclass(frozen=True)
class ContactSet:
    """n contacts by as-of date and contact: features before it, treatment, outcome after it; days since 1970.

    `propensity` (n,) is that of what the customer got; `is_given` (n,) whether the bank said it, else it is the
    treatment's share of the campaign. `margin` and `cost` (n,) are in currency. `everyone` (k, features) are the
    population's features as of the newest date, contacted or not.
    """

    build: Build
    contacts: np.ndarray
    customers: np.ndarray
    day: np.ndarray
    contact_day: np.ndarray
    numbers: np.ndarray
    treatment: np.ndarray
    campaign: np.ndarray
    label: np.ndarray
    propensity: np.ndarray
    is_given: np.ndarray
    margin: np.ndarray
    cost: np.ndarray
    features: tuple[str, ...]
    empty: tuple[str, ...]
    types: dict[str, str]
    content_hash: str
    everyone: np.ndarray

    @property
    def rows(self) -> int:
        """How many contacts there are."""
        return len(self.label)

    @property
    def positives(self) -> int:
        """How many of them ended with a purchase."""
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

    def offers(self) -> tuple[str, ...]:
        """The treatments that aren't the control, in alphabetical order."""
        return tuple(name for name in np.unique(self.treatment).tolist() if name != CONTROL_NAME)

    def campaigns(self) -> tuple[str, ...]:
        """The campaigns, in alphabetical order; `Experiment.stratum` are their places."""
        return tuple(np.unique(self.campaign).tolist())

    def experiment(self, features: tuple[str, ...], offers: Sequence[str]) -> Experiment:
        """All rows; those with a treatment beyond `offers` have arm -1 and count nowhere."""
        arm = np.full(self.rows, -1)
        for at, name in enumerate((CONTROL_NAME, *offers)):
            arm[self.treatment == name] = at
        return Experiment(
            features=features,
            numbers=self.columns(features),
            offers=tuple(offers),
            arm=arm,
            outcome=self.label,
            propensity=self.propensity,
            stratum=np.unique(self.campaign, return_inverse=True)[1],
            fold=buckets(self.customers, FOLDS, "uplift"),
        )


@dataclass(frozen=True)
class GroupedContacts(Grouped, ContactSet):
    """Of the bank's own customers."""


def read_contacts(spec: Spec, as_of: date, build_id: int | None = None) -> ContactSet:
    """Read the contacts whose outcome was known on `as_of` and whose treatment was drawn, or has a propensity.

    Raises DataPrerequisite where tables, build or such contacts aren't there yet; DataError where they are wrong.
    """
    names = tuple(dict.fromkeys(spec.features))
    with db.connect("scorer") as link:
        link.set_session(isolation_level="REPEATABLE READ", readonly=True)
        if absent := [table for table in spec.tables if not column_types(link, (table[0], table[1]))]:
            said = ", ".join(".".join(table) for table in absent)
            raise _missing(spec, f"{said} aren't there (or the role scorer may not read them)", absent)
        build = training_build(link, as_of, build_id)
        if build is None:
            raise _missing(spec, f"there is no training build that passed on or before {as_of}")
        types = require_numeric(link, (spec.features_table[0], spec.features_table[1]), names)
        words, numbers = _rows(link, spec, build, names, types)
        everyone = read_everyone(link, spec, build.build_id, names)
    contacts, customers, treatment, campaign = words
    digest = hashlib.sha256(repr(names).encode())
    for part in (contacts, customers, treatment, campaign, np.ascontiguousarray(numbers)):
        digest.update(part.tobytes())
    features = numbers[:, 1 + len(_MEASURED) :]
    refuse_infinite(names, features, ".".join(spec.features_table))
    is_empty = np.asarray(np.isnan(features).all(axis=0))
    used = tuple(name for name, nothing in zip(names, is_empty, strict=True) if not nothing)
    if not used:
        raise _missing(spec, f"every feature is null in build {build.build_id}", [spec.features_table])
    given = numbers[:, 3]
    if ((given <= 0) | (given > 1)).any():
        raise DataError(
            "fct_contact has propensities outside 0 to 1 (0 can't have happened): effects can't be weighted by them."
            " Put the campaign's extract right."
        )
    _, arm = np.unique(treatment, return_inverse=True)
    return GroupedContacts(
        build=build,
        contacts=contacts,
        customers=customers,
        day=numbers[:, 0].astype(np.int32),
        contact_day=numbers[:, 1].astype(np.int32),
        numbers=np.ascontiguousarray(features[:, ~is_empty]),
        treatment=treatment,
        campaign=campaign,
        label=numbers[:, 2].astype(np.int8),
        propensity=np.where(np.isnan(given), shares(arm, campaign), given),
        is_given=~np.isnan(given),
        margin=np.nan_to_num(numbers[:, 4]),
        cost=np.nan_to_num(numbers[:, 5]),
        features=used,
        empty=tuple(name for name in names if name not in used),
        types={name: types[name] for name in used},
        content_hash=digest.hexdigest(),
        everyone=everyone[:, ~is_empty],
    )


def _rows(
    link: connection, spec: Spec, build: Build, names: tuple[str, ...], types: dict[str, str]
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Contact, customer, treatment, campaign; and the as-of day, what was measured and the features, row by row."""
    source = sql.SQL(
        "from (select l.contact_id as customer_id, l.customer_id as person, l.as_of_date, l.treatment, l.campaign_id,"
        " {measured}, {features} from {labels} l join {table} x using (as_of_date, build_id, customer_id)"
        " where l.build_id = {build} and (l.is_randomised or l.propensity is not null)) f"
    ).format(
        measured=sql.SQL(", ").join(sql.Identifier("l", name) for name in _MEASURED),
        features=sql.SQL(", ").join(sql.Identifier("x", name) for name in dict.fromkeys(map(column_of, names))),
        labels=sql.Identifier(*spec.label_table),
        table=sql.Identifier(*spec.features_table),
        build=sql.Literal(build.build_id),
    )
    order = sql.SQL(' order by as_of_date, f.customer_id collate "C"')
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("select f.customer_id, person, treatment, campaign_id ") + source + order)
        found = cursor.fetchall()
        cursor.execute(sql.SQL("select max(as_of_date) ") + source)
        ((newest,),) = cursor.fetchall()
    if not found or all(row[2] == CONTROL_NAME for row in found) or all(row[2] != CONTROL_NAME for row in found):
        reason = "has no contacts of which some were drawn for an offer and some for the control group"
        raise _missing(spec, f"build {build.build_id} {reason}")
    if newest + timedelta(days=spec.horizon_days) > build.business_date:
        raise DataError(
            f"{'.'.join(spec.label_table)} holds outcomes as of {newest}, but their {spec.horizon_days} days"
            f" weren't over on {build.business_date}: such an outcome is a guess. Put the label's model right."
        )
    columns = [
        sql.SQL("(as_of_date - date '1970-01-01')::float8"),
        sql.SQL("(contact_date - date '1970-01-01')::float8"),
        as_number("f", "is_bought", "boolean"),
        *(sql.SQL("{}::float8").format(sql.Identifier("f", name)) for name in _MEASURED[2:]),
        *(as_number("f", name, types[name]) for name in names),
    ]
    words = [np.array([str(row[at]).encode() for row in found]) for at in range(2)]
    words += [np.array([row[at] for row in found]) for at in (2, 3)]
    chunks = list(stream(link, columns, source, order))
    numbers = np.concatenate([chunk.numbers for chunk in chunks])
    if not np.array_equal(np.concatenate([chunk.customers for chunk in chunks]), words[0]):
        raise DataError("The contacts were read twice and differ: a build was written to meanwhile. Train again.")
    return tuple(words), numbers


def _missing(spec: Spec, reason: str, tables: Sequence[tuple[str, ...]] = ()) -> DataPrerequisite:
    return DataPrerequisite(f"{spec.name} is skipped: {reason}.", report(spec, tables))
