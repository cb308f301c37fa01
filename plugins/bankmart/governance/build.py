"""Builds: one business date, one try. A build that readers see is never written to again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from bankmart import db, faults
from bankmart.errors import BankmartError
from bankmart.governance import audit

LAYERS = ("staging", "intermediate", "marts", "tags", "features", "profile")
# How many month ends ago a training build's dates are (0: the newest). With those beyond a year, a margin of 6 or 12
# months ahead can be learnt from two dates and judged on a later one whose months are over too.
TRAINING_MONTHS = (*range(14), 24, 25)
FEATURE_DAYS = 90
# A training build that has passed is what models are trained from; a daily one that has passed waits to be published.
UNFINISHED = {"daily": ["building", "failed", "passed"], "training": ["building", "failed"]}


class BuildError(BankmartError):
    """A build can't be opened or written to: says which date and what to do."""


@dataclass(frozen=True)
class Build:
    """What one run of dbt has to know."""

    build_id: int
    business_date: date
    kind: str
    base_build_id: int
    as_of_dates: tuple[date, ...]
    delivered: tuple[str, ...]
    # The build whose states this one may go on from, and its date; (0, None): everything is computed from deliveries.
    previous_build_id: int = 0
    previous_date: date | None = None


def first_before(business_date: date) -> str | None:
    """What has to be finished before this date can be built: a sentence, or None.

    A date stands on the one before: that has to be published, and no earlier one may be under construction.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select max(business_date) from governance.load where status = 'loaded' and business_date < %s",
            (business_date,),
        )
        (before,) = db.one(cursor)
        cursor.execute("select 1 from governance.publication where business_date = %s", (before,))
        if before is not None and not cursor.fetchone():
            return f"{before} was delivered before it and is not published"
        cursor.execute(
            "select build_id, business_date from governance.build"
            " where kind = 'daily' and status = 'building' and business_date < %s order by business_date limit 1",
            (business_date,),
        )
        if row := cursor.fetchone():
            return f"build {row[0]} of {row[1]} is not finished"
    return None


def open_build(business_date: date, run_id: str) -> Build:
    """Begin a daily build; an unfinished one of the same date is given up. The same run gets its build again.

    Raises BuildError where the date has not been loaded, or the delivered date before it is not published.
    """
    if reason := first_before(business_date):
        raise BuildError(
            f"{business_date} can't be built yet: {reason}. Let that date go through the line "
            "(ingest_daily, mart_daily, score_daily), then run this one again."
        )
    with db.connect("platform") as link, link.cursor() as cursor:
        _lock(cursor)
        _must_be_kept(cursor, business_date)
        if not _is_loaded(cursor, business_date):
            raise BuildError(
                f"{business_date} has not been loaded: no system delivered a file for it. "
                f"Run ingest_daily for {business_date} first."
            )
        cursor.execute(
            "select build_id from governance.build"
            " where business_date = %s and kind = 'daily' and run_id = %s and status = any(%s)",
            (business_date, run_id, UNFINISHED["daily"]),
        )
        if row := cursor.fetchone():
            (build_id,) = row
            cursor.execute("update governance.build set status = 'building', reason = null where build_id = %s", row)
        else:
            _give_up(cursor, business_date, "daily")
            build_id = _insert(cursor, business_date, "daily", run_id)
    faults.point("build.opened")
    return get(build_id)


def open_training_build(business_date: date, run_id: str) -> Build:
    """Begin a training build: features as of past month ends, from the published history up to this date.

    Raises BuildError where the date is not published.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        _lock(cursor)
        _published(cursor, business_date)
        _give_up(cursor, business_date, "training")
        build_id = _insert(cursor, business_date, "training", run_id)
    return get(build_id)


def get(build_id: int) -> Build:
    """One build, with what dbt has to know of its date."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select business_date, kind from governance.build where build_id = %s", (build_id,))
        row = cursor.fetchone()
        if row is None:
            raise BuildError(f"there is no build {build_id}: `bankmart builds` lists them")
        business_date, kind = row
        daily = kind == "daily"
        previous_build_id, previous_date = _previous(cursor, business_date) if daily else (0, None)
        return Build(
            build_id=build_id,
            business_date=business_date,
            kind=kind,
            base_build_id=build_id if daily else _published(cursor, business_date),
            as_of_dates=(business_date,) if daily else _month_ends(cursor, business_date),
            delivered=delivered(cursor, business_date),
            previous_build_id=previous_build_id,
            previous_date=previous_date,
        )


def unfinished(business_date: date) -> Build:
    """The daily build of a date that still may be written to.

    Raises BuildError where there is none: a published build is never changed, a new one takes its place.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select build_id from governance.build"
            " where business_date = %s and kind = 'daily' and status = any(%s) order by build_id desc limit 1",
            (business_date, UNFINISHED["daily"]),
        )
        row = cursor.fetchone()
    if row is None:
        raise BuildError(
            f"{business_date} has no unfinished build: what is published is never written to again. "
            f"Run mart_daily for {business_date} to begin a new one; readers keep the old one until it has passed."
        )
    return get(row[0])


def writable(build_id: int) -> Build:
    """A build that its own run may go on writing to.

    Raises BuildError where it is published or a newer run of its date has taken over.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "update governance.build set status = 'building', reason = null, finished_at = null"
            " where build_id = %s and status in ('building', 'failed', 'passed') returning build_id",
            (build_id,),
        )
        if not cursor.fetchone():
            cursor.execute("select status, reason from governance.build where build_id = %s", (build_id,))
            status, reason = cursor.fetchone() or ("unknown", None)
            raise BuildError(
                f"build {build_id} is {status}{f' ({reason})' if reason else ''}: it is never written to again. "
                "Run mart_daily for the date to begin a new build; readers keep what they have until it has passed."
            )
    return get(build_id)


def is_open(build_id: int) -> bool:
    """Whether a build may still be written to: readers don't see it, and no other has taken over."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select status from governance.build where build_id = %s", (build_id,))
        return (cursor.fetchone() or (None,))[0] in ("building", "failed", "passed")


def finish(build_id: int, status: str, reason: str | None = None) -> None:
    """Say how a build ended, in the audit too: passed or failed (with the reason, which quotes no row)."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "update governance.build set status = %s, reason = %s, finished_at = clock_timestamp()"
            " where build_id = %s and status in ('building', 'failed', 'passed') returning business_date",
            (status, reason, build_id),
        )
        if row := cursor.fetchone():
            facts = {"build_id": build_id, "reason": reason}
            audit.append(link, f"build_{status}", "bankmart", str(row[0]), facts)


def _must_be_kept(cursor: Any, business_date: date) -> None:
    cursor.execute(
        "select table_name, removed_before from governance.retention"
        " where schema_name = 'sources' and removed_before > %s order by 2 desc limit 1",
        (business_date,),
    )
    if row := cursor.fetchone():
        raise BuildError(
            f"{business_date} can't be built again: what {row[0]} delivered before {row[1]} was past its time and is "
            "removed (`bankmart retention --rules`). Readers keep what they have."
        )


def _lock(cursor: Any) -> None:
    cursor.execute("select pg_advisory_xact_lock(hashtext('bankmart build'))")


def _insert(cursor: Any, business_date: date, kind: str, run_id: str) -> int:
    cursor.execute(
        "insert into governance.build (business_date, kind, status, run_id)"
        " values (%s, %s, 'building', %s) returning build_id",
        (business_date, kind, run_id),
    )
    (build_id,) = db.one(cursor)
    audit.append(cursor.connection, "build", run_id, str(business_date), {"build_id": build_id, "kind": kind})
    return int(build_id)


def _give_up(cursor: Any, business_date: date, kind: str) -> None:
    cursor.execute(
        "update governance.build set status = 'superseded', finished_at = clock_timestamp(),"
        " reason = 'a newer run of the date took over'"
        " where business_date = %s and kind = %s and status = any(%s)",
        (business_date, kind, UNFINISHED[kind]),
    )


def _published(cursor: Any, business_date: date) -> int:
    cursor.execute("select build_id from governance.publication where business_date = %s", (business_date,))
    row = cursor.fetchone()
    if row is None:
        raise BuildError(
            f"{business_date} is not published: models train on published dates only. `bankmart builds` lists them."
        )
    return int(row[0])


def _previous(cursor: Any, business_date: date) -> tuple[int, date | None]:
    # A state is not gone on from where a date before it was built again since: it knows nothing of that.
    cursor.execute(
        """
        select before.build_id, before.business_date
        from governance.publication as before
        where
            before.business_date = (select max(business_date) from governance.publication where business_date < %(day)s)
            and not exists (
                select 1
                from governance.publication as older
                where older.business_date < before.business_date and older.build_id > before.build_id
            )
        """,
        {"day": business_date},
    )
    found: tuple[int, date | None] = cursor.fetchone() or (0, None)
    return found


def _is_loaded(cursor: Any, business_date: date) -> bool:
    cursor.execute(
        "select 1 from governance.load where status = 'loaded' and business_date = %s limit 1", (business_date,)
    )
    return cursor.fetchone() is not None


def delivered(cursor: Any, business_date: date) -> tuple[str, ...]:
    """The source tables that have brought a row up to a date, as `system.table`."""
    cursor.execute(
        "select distinct system || '.' || table_name from governance.load"
        " where status = 'loaded' and accepted_count > 0 and business_date <= %s order by 1",
        (business_date,),
    )
    return tuple(table for (table,) in cursor.fetchall())


def _month_ends(cursor: Any, business_date: date) -> tuple[date, ...]:
    cursor.execute(
        "select min(transaction_date) from marts.fct_transaction"
        " where build_id in (select build_id from governance.publication where business_date <= %s)",
        (business_date,),
    )
    (first,) = db.one(cursor)
    return month_ends(first, business_date) if first else ()


def month_ends(first: date, business_date: date) -> tuple[date, ...]:
    """The month ends up to a date that are learnt from, oldest first; `first` is the bank's first day."""
    months = business_date.year * 12 + business_date.month - 1 + ((business_date + timedelta(days=1)).day == 1)
    days = (date((months - ago) // 12, (months - ago) % 12 + 1, 1) - timedelta(days=1) for ago in TRAINING_MONTHS)
    return tuple(sorted(day for day in days if day >= first + timedelta(days=FEATURE_DAYS)))
