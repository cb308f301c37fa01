"""Which build of the warehouse a verb works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from psycopg2 import sql

from ml.errors import DataError

if TYPE_CHECKING:
    from psycopg2.extensions import connection


@dataclass(frozen=True)
class Build:
    """A build of the feature tables, as governance recorded it."""

    build_id: int
    business_date: date
    kind: str
    status: str
    dbt_invocation_id: str | None


USABLE = {"training": ("passed",), "daily": ("building", "passed", "published")}
_COLUMNS = "select build_id, business_date, kind, status, dbt_invocation_id from governance.build "


def training_build(link: connection, as_of: date, build_id: int | None = None) -> Build | None:
    """The training build to use: the one asked for, else the newest passed one not after `as_of`, else None.

    Raises DataError where the build asked for can't be used.
    """
    if build_id is not None:
        return _checked(link, build_id, "training", as_of)
    return _newest(
        link,
        _COLUMNS + "where kind = 'training' and status = 'passed' and business_date <= %s"
        " order by business_date desc, build_id desc limit 1",
        as_of,
    )


def daily_build(link: connection, as_of: date, build_id: int | None = None) -> Build:
    """The daily build to score: the one asked for, else the newest of that date that hasn't failed.

    Raises DataError where there is none, or the one asked for can't be used.
    """
    if build_id is not None:
        return _checked(link, build_id, "daily", as_of)
    found = _newest(
        link,
        _COLUMNS + "where kind = 'daily' and status in ('building', 'passed', 'published')"
        " and business_date = %s order by build_id desc limit 1",
        as_of,
    )
    if found is None:
        raise DataError(f"There is no daily build of {as_of} to score: build the features of that date first.")
    return found


def published_build(link: connection, as_of: date) -> Build | None:
    """The newest daily build published on or before `as_of`, or None."""
    return _newest(
        link,
        _COLUMNS + "where kind = 'daily' and status = 'published' and business_date <= %s"
        " order by business_date desc, build_id desc limit 1",
        as_of,
    )


def shown_build(link: connection, as_of: date) -> int | None:
    """The build that readers see of the date, or None."""
    with link.cursor() as cursor:
        cursor.execute("select build_id from governance.publication where business_date = %s", (as_of,))
        row = cursor.fetchone()
    return int(row[0]) if row else None


def champion_of(link: connection, build_id: int, as_of: date, model: str, tables: Sequence[str]) -> int | None:
    """The version whose scores of `model` a build has as its champion's, in any of the score tables; None without."""
    for table in tables:
        with link.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "select model_version from {} where as_of_date = %s and build_id = %s and model = %s"
                    " and is_champion limit 1"
                ).format(sql.Identifier("scores", table)),
                (as_of, build_id, model),
            )
            if row := cursor.fetchone():
                return int(row[0])
    return None


def _checked(link: connection, build_id: int, kind: str, as_of: date) -> Build:
    build = _newest(link, _COLUMNS + "where build_id = %s", build_id)
    if build is None:
        raise DataError(f"There is no build {build_id} in governance.build.")
    right_date = build.business_date == as_of if kind == "daily" else build.business_date <= as_of
    if build.kind != kind or build.status not in USABLE[kind] or not right_date:
        raise DataError(
            f"Build {build_id} is a {build.kind} build of {build.business_date} with status {build.status}:"
            f" needed is a {kind} build {'of' if kind == 'daily' else 'not after'} {as_of}"
            f" with status {' or '.join(USABLE[kind])}."
        )
    return build


def _newest(link: connection, query: str, value: date | int) -> Build | None:
    with link.cursor() as cursor:
        cursor.execute(query, (value,))
        row = cursor.fetchone()
    return Build(*row) if row else None
