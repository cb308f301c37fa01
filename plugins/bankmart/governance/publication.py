"""Publication: readers see whole, gated business dates, through views that ask one small table which build counts.

Publishing and rolling back change one row of that table, in one transaction; no reader waits and none sees a mix.
"""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import psycopg2

from bankmart import db, dbt, faults
from bankmart.errors import BankmartError
from bankmart.governance import audit, gate, retention, stops, views
from bankmart.governance.access import probe, verify
from bankmart.governance.audit import anchor, changes
from bankmart.governance.build import LAYERS, Build, finish
from bankmart.governance.catalogue.refresh import refresh
from bankmart.governance.quality import results

# A changed view waits for who reads it, and makes later readers wait behind it: no longer than this, but several times.
PATIENCE, PAUSE, TRIES = "1s", 2.0, 5
ALONE = "select pg_advisory_xact_lock(hashtext('bankmart publication'))"


class PublicationError(BankmartError):
    """A date can't be published or taken back: says why and what to do."""


def publish(build: Build, actor: str, approved_by: str | None = None, against: int | None = None) -> date:
    """Publish a build whose gates have all passed; publishing it again changes nothing.

    `approved_by`: who has agreed that a date which is published shows something else from now on; kept in the audit.
    `against`: the build that readers of the date saw when this one was compared with it, 0 for none; without it nobody
    looks.

    Raises GateStopped where a gate is red or was never passed, PublicationError where the build's time is over, or
    where readers of the date see another build than `against` by now.
    """
    audit.attempt("platform", "publish", actor, str(build.business_date), {"build_id": build.build_id})
    try:
        return _publish(build, actor, approved_by, against)
    except PublicationError as error:
        # After the transaction that found it out; what is over already stays what it is.
        finish(build.build_id, "failed", str(error).splitlines()[0])
        raise


def _publish(build: Build, actor: str, approved_by: str | None, against: int | None) -> date:
    with db.connect("platform") as link, link.cursor() as cursor:
        # Before anything is written; it counts behind the lock only.
        _must_be_as_compared(cursor, build, against)
    for layer in LAYERS:
        gate.judge(layer, build)
    faults.point("publish.gated")
    manifest = dbt.manifest()
    refresh(manifest, build)
    faults.point("publish.catalogue")
    results.record(build, manifest)
    faults.point("publish.quality")
    for left in reversed(range(TRIES)):
        try:
            _show(build, manifest, actor, approved_by, against)
        except psycopg2.errors.LockNotAvailable:
            if not left:
                raise
            time.sleep(PAUSE)
        except gate.GateStopped as stopped:
            # Only now: the transaction that judged held the build's row, and has undone itself.
            stops.keep(stopped.layer, build, list(stopped.red), 0)
            stopped.is_told = True
            raise
        else:
            break
    faults.point("publish.done")
    anchor.write_after(f"publish {build.business_date}")
    faults.point("publish.anchored")
    return build.business_date


def _show(build: Build, manifest: dict[str, Any], actor: str, approved_by: str | None, against: int | None) -> None:
    """Views, gates of what they show, and the switch: one transaction."""
    shown = views.published(manifest)
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, true)", (PATIENCE,))
        cursor.execute("select status from governance.build where build_id = %s for update", (build.build_id,))
        (status,) = db.one(cursor)
        if status in ("superseded", "tidied"):
            raise PublicationError(
                f"build {build.build_id} of {build.business_date} is {status}: a newer one took over, or it was rolled "
                f"back. Readers keep what they have; run mart_daily for {build.business_date} to begin a new build."
            )
        views.refresh(cursor, shown)
        faults.point("publish.views")
        # A gate of its own, in the transaction that shows the date: what it finds has never been seen by anybody.
        verify.judge(cursor, shown)
        faults.point("publish.verified")
        probe.judge(cursor, manifest, build)
        faults.point("publish.probed")
        changes.record(link, actor, shown)
        cursor.execute(ALONE)
        _must_be_as_compared(cursor, build, against)
        _switch(cursor, "publish", build.business_date, build.build_id, actor, approved_by)
        faults.point("publish.commit")


def _must_be_as_compared(cursor: Any, build: Build, against: int | None) -> None:
    """Raise where readers of the date see another build than the one that this was compared with."""
    now = _shown(cursor, build.business_date)
    if against is None or now in (against or None, build.build_id):
        return
    day, seen = build.business_date, f"build {now}" if now else "nothing"
    raise PublicationError(
        f"readers of {day} see {seen} now, and build {build.build_id} was compared with {against or 'nothing'}: the "
        "date was published or rolled back meanwhile.\n"
        f"What would change is not what was looked at or agreed to, so nothing is published: readers keep {seen}.\n"
        f"Compare again: in Airflow clear `compare` of score_daily, which asks anew where it has to; by hand `bankmart "
        f"compare {build.build_id}`, then `bankmart publish --date {day}`. Or leave it: what readers see is whole."
    )


def rollback(business_date: date, actor: str, *, once: bool = False) -> int | None:
    """Put a date back to the build that readers saw before; without one, the date is taken back from them.

    `once`: where this actor has rolled the date back already nothing happens (a task that is tried again). Returns the
    build that readers see now. Raises PublicationError for a date that is not published, or that a later published
    date stands on.
    """
    audit.attempt("platform", "rollback", actor, business_date.isoformat())
    faults.point("rollback.begun")
    with db.connect("platform") as link, link.cursor() as cursor:
        # Before anything is looked at: who was overtaken by a twin of the same run sees what that has done.
        cursor.execute(ALONE)
        is_done = once and _is_rolled_back(cursor, business_date, actor)
        now = _shown(cursor, business_date) if is_done else _step_back(cursor, business_date, actor)
        faults.point("rollback.commit")
    faults.point("rollback.done")
    # Also of one that was done before: it may have been killed before the head was written down.
    anchor.write_after(f"rollback {business_date}")
    return now


def _step_back(cursor: Any, business_date: date, actor: str) -> int | None:
    cursor.execute("select max(business_date) from governance.publication where business_date > %s", (business_date,))
    (later,) = db.one(cursor)
    current = _shown(cursor, business_date)
    if current is None:
        raise PublicationError(f"{business_date} is not published: `bankmart builds` lists what is")
    cursor.execute(
        "select event.previous_build_id from governance.publication_event as event"
        " where event.business_date = %s and event.build_id = %s and event.event = 'publish'"
        " order by event.event_id desc limit 1",
        (business_date, current),
    )
    previous: int | None
    (previous,) = cursor.fetchone() or (None,)
    if previous is None and later is not None:
        raise PublicationError(
            f"{business_date} has no earlier build, and {later} stands on it: roll back {later} first"
        )
    cursor.execute("select 1 from governance.build where build_id = %s and status = 'tidied'", (previous,))
    if cursor.fetchone():
        raise PublicationError(
            f"the build before, {previous}, is tidied up: its rows are gone. One step back is as far as it goes. "
            f"Build {business_date} again by mart_daily instead."
        )
    _switch(cursor, "rollback", business_date, previous, actor)
    cursor.execute("select business_date, build_id from governance.publication order by business_date desc limit 1")
    newest = cursor.fetchone()
    if newest and not retention.has_states(cursor, newest[1]):
        raise PublicationError(
            f"readers would be back at {newest[0]}, whose profile, tags and indicators are no longer kept. Nothing "
            f"is changed. Build {newest[0]} again by mart_daily, then roll back {business_date}."
        )
    return previous


def _shown(cursor: Any, business_date: date) -> int | None:
    cursor.execute("select build_id from governance.publication where business_date = %s", (business_date,))
    (found,) = cursor.fetchone() or (None,)
    return found


def _is_rolled_back(cursor: Any, business_date: date, actor: str) -> bool:
    cursor.execute(
        "select 1 from governance.publication_event where event = 'rollback' and business_date = %s and actor = %s",
        (business_date, actor),
    )
    return cursor.fetchone() is not None


def _switch(
    cursor: Any, event: str, business_date: date, build_id: int | None, actor: str, approved_by: str | None = None
) -> None:
    cursor.execute(ALONE)
    previous = _shown(cursor, business_date)
    if previous == build_id:
        return
    if build_id is None:
        cursor.execute("delete from governance.publication where business_date = %s", (business_date,))
    else:
        cursor.execute(
            "insert into governance.publication (business_date, build_id) values (%s, %s)"
            " on conflict (business_date) do update"
            " set build_id = excluded.build_id, published_at = clock_timestamp()",
            (business_date, build_id),
        )
    cursor.execute(
        "update governance.build set status = 'superseded' where build_id = %s and status = 'published'", (previous,)
    )
    cursor.execute(
        "update governance.build set status = 'published', reason = null,"
        " finished_at = coalesce(finished_at, clock_timestamp()) where build_id = %s",
        (build_id,),
    )
    cursor.execute(
        "insert into governance.publication_event (event, business_date, build_id, previous_build_id, actor)"
        " values (%s, %s, %s, %s, %s)",
        (event, business_date, build_id, previous, actor),
    )
    facts: dict[str, Any] = {"build_id": build_id, "previous_build_id": previous}
    if approved_by:
        facts["approved_by"] = approved_by
    audit.append(cursor.connection, event, actor, business_date.isoformat(), facts)
