"""A bank's own feedback as a training set: texts, with the stars that the customer gave beside them as the label."""

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
from ml.data.columns import column_types
from ml.data.prerequisite import report
from ml.data.training import as_date, as_day
from ml.errors import DataError, DataPrerequisite
from ml.judging.groups import Grouped, group_days, read_groups
from ml.spec import Spec
from ml.techniques.text.terms import CHUNK_TEXTS, MOST_CHARACTERS

if TYPE_CHECKING:
    from psycopg2.extensions import connection

CLASSES = ("negative", "neutral", "positive")
_WANTED = ("feedback_id", "customer_id", "feedback_date", "feedback_text", "score")
# The newest months that hold this share of the texts are the test.
TEST_SHARE = 0.2
MONTHS_NEEDED = 2


@dataclass(frozen=True)
class FeedbackSet:
    """Texts in order of date and number; `label` (n,) is the index in CLASSES, `day` (n,) the month's last day.

    `customers` (n,) are who wrote them: a model is judged by them and never told.
    """

    build: Build
    texts: list[str]
    customers: np.ndarray
    label: np.ndarray
    day: np.ndarray
    content_hash: str
    features: tuple[str, ...] = ("feedback_text",)
    empty: tuple[str, ...] = ()
    positives: int | None = None

    @property
    def types(self) -> dict[str, str]:
        """Feature → type."""
        return dict.fromkeys(self.features, "text")

    @property
    def rows(self) -> int:
        """How many texts there are."""
        return len(self.texts)

    def dates(self) -> list[date]:
        """The last days of the months, oldest first."""
        return [as_date(day) for day in np.unique(self.day)]

    def on(self, day: date) -> np.ndarray:
        """The mask (n,) of a month's texts."""
        return np.asarray(self.day == as_day(day))

    def at(self, rows: np.ndarray) -> list[str]:
        """The texts of a mask (n,)."""
        return [self.texts[row] for row in np.flatnonzero(rows)]


@dataclass(frozen=True)
class GroupedFeedback(Grouped, FeedbackSet):
    """Of the bank's own customers."""

    def groups(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """As of the month's last day, or of the newest date before it that the build has."""
        with db.connect("scorer") as link:
            known = group_days(link, self.build.build_id)
            place = np.searchsorted(known, self.day[rows], side="right") - 1
            day = known[np.maximum(place, 0)] if len(known) else self.day[rows]
            return read_groups(link, self.build.build_id, self.customers[rows], day)


@dataclass(frozen=True)
class MonthSplit:
    """Row masks (n,): earlier months are learnt from, the newest are judged on."""

    train: np.ndarray
    test: np.ndarray
    rule: str
    periods: dict[str, list[str]]

    def newest_learnt(self) -> date:
        """The last day of the newest month that was learnt from."""
        return date.fromisoformat(self.periods["train"][-1])


def label_of(stars: int) -> int:
    """One or two stars are negative, three neutral, four or five positive."""
    return 0 if stars <= 2 else 1 if stars == 3 else 2


def read_feedback(spec: Spec, as_of: date, build_id: int | None = None) -> FeedbackSet:
    """All texts with stars of the training build. Raises DataPrerequisite where there are none, else DataError."""
    with db.connect("scorer") as link:
        link.set_session(isolation_level="REPEATABLE READ", readonly=True)
        require_columns(link, spec)
        build = training_build(link, as_of, build_id)
        if build is None:
            raise _missing(spec, f"there is no training build that passed on or before {as_of}")
        rows = [row for chunk in stream_feedback(link, spec, build.build_id) for row in chunk if row[4] is not None]
    if not rows:
        raise _missing(spec, f"build {build.build_id} has no feedback with stars")
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(row).encode())
    return GroupedFeedback(
        build=build,
        texts=[row[3] for row in rows],
        customers=np.array([row[1].encode() for row in rows]),
        label=np.array([label_of(row[4] or 0) for row in rows]),
        day=np.array([as_day(_month_end(row[2])) for row in rows], dtype=np.int32),
        content_hash=digest.hexdigest(),
    )


def require_columns(link: connection, spec: Spec) -> None:
    """Raise DataPrerequisite where the table isn't there, DataError where it lacks a column."""
    columns = column_types(link, spec.features_table)
    where = ".".join(spec.features_table)
    if not columns:
        raise _missing(spec, f"{where} isn't there (or the role scorer may not read it)")
    if absent := [name for name in _WANTED if name not in columns]:
        raise DataError(f"{where} lacks {', '.join(absent)}, which {spec.name} reads by name. Build it again.")


def stream_feedback(
    link: connection, spec: Spec, build_id: int
) -> Iterator[list[tuple[str, str, date, str, int | None]]]:
    """Chunks of (feedback, customer, date, text, stars) of a build; a text is cut before it is sent."""
    query = sql.SQL(
        "select feedback_id, customer_id, feedback_date, left(feedback_text, {most}), score from {table}"
        ' where build_id = {build} order by feedback_date, feedback_id collate "C"'
    ).format(
        most=sql.Literal(2 * MOST_CHARACTERS),
        table=sql.Identifier(*spec.features_table),
        build=sql.Literal(build_id),
    )
    with link.cursor(name="feedback") as cursor:
        cursor.itersize = CHUNK_TEXTS
        cursor.execute(query)
        while chunk := cursor.fetchmany(CHUNK_TEXTS):
            yield chunk


def split_by_month(spec: Spec, data: FeedbackSet) -> MonthSplit:
    """The newest whole months with a fifth of the texts test. Raises DataPrerequisite where a class is too rare."""
    months = np.unique(data.day)
    counts = np.array([(data.day == month).sum() for month in months])
    tested = np.cumsum(counts[::-1])[::-1] - counts < TEST_SHARE * data.rows
    if len(months) < MONTHS_NEEDED:
        raise _missing(spec, "all feedback is of one month, so nothing later could judge it", data)
    tested[0] = False
    test = np.isin(data.day, months[tested])
    for name, mask, needed in (("train", ~test, spec.needs.train_positives), ("test", test, spec.needs.test_positives)):
        count = np.bincount(data.label[mask], minlength=len(CLASSES))
        if count.min() < needed:
            rare = CLASSES[int(count.argmin())]
            raise _missing(spec, f"{name} has {count.min()} {rare} texts, needed are {needed}", data)
    periods = {
        "train": [as_date(day).isoformat() for day in months[~tested]],
        "calibration": [],
        "test": [as_date(day).isoformat() for day in months[tested]],
    }
    return MonthSplit(~test, test, f"the newest months with {TEST_SHARE:.0%} of the texts test", periods)


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _missing(spec: Spec, reason: str, data: FeedbackSet | None = None) -> DataPrerequisite:
    """The report of what the model needs and what is there; the positives are those of its rarest class."""
    by_class = np.bincount(data.label, minlength=len(CLASSES)).tolist() if data else [0] * len(CLASSES)
    dates = data.dates() if data else []
    found = report(
        spec,
        () if data else [spec.features_table],
        dates,
        history_days_needed=MONTHS_NEEDED * 31,
        # Stars come with the text: a month's end is all that is waited for.
        horizon_days=31,
        positives=min(by_class),
        texts_needed_by_class={"train": spec.needs.train_positives, "test": spec.needs.test_positives},
        texts=dict(zip(CLASSES, by_class, strict=True)),
        months_needed=MONTHS_NEEDED,
        months=len(dates),
    )
    had = f"There are {sum(by_class)} texts with stars of {len(dates)} months; needed are {MONTHS_NEEDED} months"
    return DataPrerequisite(
        f"{spec.name} is skipped: {reason}. {had} with {spec.needs.train_positives} texts of each class to learn from.",
        found,
    )
