"""Tags, watched: every build's mixes are counted, kept in governance.tag_monitor and judged for the layer's gate."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from psycopg2.extras import Json, execute_values

from bankmart import db, dbt
from bankmart.governance.build import Build
from bankmart.governance.catalogue.scored import scored
from bankmart.governance.tags import calendar, life, mixes, registry, verdict
from bankmart.governance.tags.mixes import Mix
from bankmart.governance.tags.registry import Tag
from bankmart.governance.tags.verdict import Verdict
from bankmart.results import Node

# A quarter of pay days and month ends, and what the same day of last month needs.
HISTORY_DAYS = 120
# A share of nothing has no logarithm: as if half a customer in ten thousand had the value.
LEAST_SHARE = 0.00005
STATUS = {verdict.PASS: "pass", verdict.UNJUDGED: "pass", verdict.WARN: "warn", verdict.STOP: "fail"}


def check(build: Build, layer: str) -> list[Node]:
    """Measure and judge the tags of a layer that is written; one check per tag, one review per model."""
    started = time.perf_counter()
    known = registry.tags(dbt.manifest())
    tags = [tag for tag in known if tag.status != "retired" and tag.relation.startswith(f"{layer}.")]
    if not tags:
        return []
    counted = mixes.count(build, tags)
    with db.connect("platform") as link, link.cursor() as cursor:
        past = mixes.history(cursor, build.business_date, HISTORY_DAYS)
        judged = judge(cursor, build, tags, counted, past)
        mixes.keep(cursor, build, counted)
        _keep(cursor, build, tags, counted, past, judged)
    seconds = (time.perf_counter() - started) / max(len(tags), 1)
    nodes = [_node(tag, counted[tag.column], judged[tag.column], seconds) for tag in tags]
    return nodes + life.reviews(tags, build.business_date)


def judge(
    cursor: Any, build: Build, tags: list[Tag], counted: dict[str, Mix], past: dict[str, list[Mix]]
) -> dict[str, Verdict]:
    """Column → verdict, by the build's calendar and without the dates of confirmed incidents."""
    days = {build.business_date} | {mix.day for found in past.values() for mix in found}
    known = calendar.complete(calendar.read(cursor, build), days)
    cursor.execute("select business_date, subject, is_right, confirmed_by from governance.incident")
    incidents = cursor.fetchall()
    found = {}
    for tag in tags:
        mix, own = counted[tag.column], [row for row in incidents if row[1] in ("*", tag.key, tag.column)]
        excluded = {day for day, _, is_right, _ in own if not is_right}
        judged = verdict.judge(mix, past.get(tag.column, ()), known, excluded)
        confirmed = [person for day, _, is_right, person in own if is_right and day == build.business_date]
        if judged.level == verdict.STOP and confirmed:
            judged = replace(judged, level=verdict.WARN, reason=f"{judged.reason}; right, says {confirmed[0]}")
        # A value that the tag doesn't declare is a fault of the tag: nobody can confirm it.
        found[tag.column] = _undeclared(tag, mix) or judged
    return found


def _undeclared(tag: Tag, mix: Mix) -> Verdict | None:
    number = mix.counts.get(mixes.OTHER, 0)
    if not number:
        return None
    declared = ", ".join(tag.known_values)
    return Verdict(verdict.STOP, f"a value is none of the declared ones ({declared})", share=number / mix.customers)


def psi(before: Mix, now: Mix) -> float:
    """The population stability index of two mixes: Σ (p − q) · ln(p / q) over the values; below 0.1 is stable."""
    values = sorted({*before.counts, *now.counts})
    pairs = zip(before.shares(values), now.shares(values), strict=True)
    floored = ((max(old, LEAST_SHARE), max(new, LEAST_SHARE)) for old, new in pairs)
    return sum((new - old) * math.log(new / old) for old, new in floored)


def month_before(day: date, past: Sequence[Mix]) -> Mix | None:
    """The mix of the published date nearest to the same day of last month, at most a week from it."""
    last = day.replace(day=1) - timedelta(days=1)
    wanted = last.replace(day=min(day.day, last.day))
    near = [mix for mix in past if abs((mix.day - wanted).days) <= 7]
    return min(near, key=lambda mix: (abs((mix.day - wanted).days), mix.day), default=None)


def unmoved_days(now: Mix, past: Sequence[Mix]) -> int | None:
    """Days since the mix last was another one; None where it never was, as far as is known."""
    since = now.day
    for mix in reversed(past):
        if mix.counts != now.counts:
            return (now.day - since).days
        since = mix.day
    return None


def refreshed(tag: Tag, came: Mapping[str, date]) -> date | None:
    """Up to which date all that a tag stands on has come: the oldest of the newest deliveries; None where none has.

    `came`: of each source table ("mobile.session"), and of each model that has scored, the newest date.
    """
    return min((came[name] for name in (*tag.sources, *tag.models) if name in came), default=None)


def _last_deliveries(cursor: Any, build: Build) -> dict[str, date]:
    # A file without rows is a delivery: nothing has changed, says the source.
    cursor.execute(
        "select system || '.' || table_name, max(business_date) from governance.load"
        " where status = 'loaded' and business_date <= %s group by 1",
        (build.business_date,),
    )
    return dict(cursor.fetchall())


def _keep(
    cursor: Any, build: Build, tags: list[Tag], counted: dict[str, Mix], past: dict[str, list[Mix]],
    judged: dict[str, Verdict],
) -> None:  # fmt: skip
    cursor.execute("select model, name, used_by from governance.dictionary where kind = 'tag'")
    users = {(model, name): used for model, name, used in cursor.fetchall()}
    came = _last_deliveries(cursor, build)
    judges = scored(build.build_id, build.business_date, {model for tag in tags for model in tag.models})
    rows = []
    for tag in tags:
        mix, before, found = counted[tag.column], past.get(tag.column, []), judged[tag.column]
        reference = month_before(build.business_date, before)
        used = users.get((tag.model, tag.column), {})
        rows.append((
            build.build_id, build.business_date, tag.column, mix.customers, mix.filled,
            mix.filled / mix.customers if mix.customers else None,
            psi(reference, mix) if reference and mix.customers else None, reference.day if reference else None,
            unmoved_days(mix, before), refreshed(tag, {**came, **dict.fromkeys(judges, build.business_date)}),
            sum(map(len, used.values())), Json(used), found.level, found.score, found.reason,
        ))  # fmt: skip
    cursor.execute(
        "delete from governance.tag_monitor where tag = any(%s) and (build_id = %s or business_date = %s"
        " and build_id not in (select build_id from governance.publication))",
        ([tag.column for tag in tags], build.build_id, build.business_date),
    )
    execute_values(
        cursor,
        "insert into governance.tag_monitor (build_id, business_date, tag, customer_count, filled_count, coverage_rate,"
        " psi, psi_date, unmoved_days, refreshed_date, user_count, users, verdict, score, reason) values %s",
        rows,
    )


def _node(tag: Tag, mix: Mix, found: Verdict, seconds: float) -> Node:
    prefix = "not judged: " if found.level == verdict.UNJUDGED else ""
    wrong = found.level in (verdict.WARN, verdict.STOP)
    remedy = (
        "; look at what its indicators were delivered; where it is right, say so by `bankmart incident`"
        if wrong
        else ""
    )
    return Node(
        node_id=f"tag_monitor.{tag.column}",
        name=f"mix_of_{tag.column}",
        resource_type="test",
        severity="error" if found.level == verdict.STOP else "warn",
        status=STATUS[found.level],
        rows=None,
        failures=round((found.share or 0.0) * mix.customers) if wrong else 0,
        seconds=seconds,
        message=f"{prefix}{found.reason}{remedy}",
        compiled=None,
        owner=tag.owner,
    )
