"""Deliveries, watched: each date's are measured, kept and compared with comparable dates', for the staging gate."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from psycopg2.extras import execute_values

from bankmart import db
from bankmart.governance.build import Build
from bankmart.governance.gate import EXAMPLES
from bankmart.governance.quality import profile
from bankmart.governance.quality.anomaly import Point, judge
from bankmart.governance.quality.profile import Key, Load
from bankmart.governance.tags import calendar
from bankmart.governance.tags.calendar import Day
from bankmart.governance.tags.verdict import PASS, STOP, UNJUDGED, WARN, Verdict
from bankmart.results import Node
from bankmart.sources import contract

DIMENSIONS = {"rows": "completeness", "rejected": "validity", "null": "completeness", "share": "consistency",
              "size": "consistency", "lag": "timeliness"}  # fmt: skip
STATUS = {PASS: "pass", UNJUDGED: "pass", WARN: "warn", STOP: "fail"}
OWNER = "data-platform"
# Delivered on so many earlier dates of the window a table is expected to come every day.
EXPECTED_DATES = 10
LATEST = """
select load_id, system, table_name, business_date, read_count, rejected_count
from governance.load
where
    business_date = %s and status = 'loaded'
    -- What a table brought first is its whole past: no measure for a day.
    and exists (
        select from governance.load as earlier
        where
            earlier.system = load.system and earlier.table_name = load.table_name and earlier.status = 'loaded'
            and earlier.business_date < load.business_date
    )
order by system, table_name
"""
ABSENT = """
select system || '.' || table_name, count(distinct business_date)
from governance.load
where status = 'loaded' and business_date >= %(day)s::date - 20
group by system, table_name
having count(*) filter (where business_date = %(day)s) = 0 and count(distinct business_date) >= %(dates)s
"""
Found = dict[Key, Verdict]


def check(build: Build) -> list[Node]:
    """Measure and judge what was delivered for the build's date; one check per table, the worst of its measures."""
    started = time.perf_counter()
    found: dict[str, Found] = {}
    with db.connect("platform") as link, link.cursor() as cursor:
        loads = _loads(cursor, build.business_date)
        past = profile.history(cursor, build.business_date)
        days = {build.business_date} | {point.day for keys in past.values() for own in keys.values() for point in own}
        known = calendar.complete(calendar.published(cursor), days)
        cursor.execute("select business_date, subject, is_right, confirmed_by from governance.incident")
        incidents = cursor.fetchall()
        for load in loads:
            name = f"{load.table.system}.{load.table.name}"
            measured = profile.measure(cursor, load)
            profile.keep(cursor, load, measured)
            own = [row for row in incidents if row[1] in ("*", name, load.table.system)]
            found[name] = judged(measured, past.get(name, {}), known, {day for day, _, right, _ in own if not right})
            if confirmed := [person for day, _, right, person in own if right and day == build.business_date]:
                found[name] = {key: _confirmed(each, confirmed[0]) for key, each in found[name].items()}
        cursor.execute(ABSENT, {"day": build.business_date, "dates": EXPECTED_DATES})
        for name, dates in cursor.fetchall():
            reason = f"nothing was delivered, on {dates} of the 20 days before something was"
            found[name] = {("lag", "", ""): Verdict(WARN, reason)}
        _keep(cursor, build, found)
    seconds = (time.perf_counter() - started) / max(len(found), 1)
    return [_node(name, verdicts, seconds) for name, verdicts in found.items()]


def judged(
    measured: Mapping[Key, Point],
    past: Mapping[Key, list[Point]],
    known: Mapping[date, Day],
    excluded: Collection[date],
) -> Found:
    """The verdict on each measure of one table."""
    return {key: judge(*key, point, past.get(key, ()), known, excluded) for key, point in measured.items()}


def worst(verdicts: Mapping[Key, Verdict]) -> tuple[Key, Verdict]:
    """The measure that is farthest from what is usual."""
    order = (UNJUDGED, PASS, WARN, STOP)
    return max(verdicts.items(), key=lambda item: (order.index(item[1].level), item[1].score or 0.0))


def _confirmed(found: Verdict, person: str) -> Verdict:
    if found.level != STOP:
        return found
    return Verdict(WARN, f"{found.reason}; right, says {person}", found.score, found.share)


def _loads(cursor: Any, day: date) -> list[Load]:
    cursor.execute(LATEST, (day,))
    systems = contract.load()
    return [
        Load(load_id, systems[system][table], at, read, rejected)
        for load_id, system, table, at, read, rejected in cursor.fetchall()
        if table in systems.get(system, {})
    ]


def _keep(cursor: Any, build: Build, found: Mapping[str, Found]) -> None:
    cursor.execute(
        "delete from governance.quality_result where build_id = %s and rule like 'usual %%'", (build.build_id,)
    )
    rows = [
        (
            build.build_id, build.business_date, name, column, DIMENSIONS[measure],
            f"usual {measure}{f' of {value}' if value else ''}", "stop" if each.level == STOP else "warn", each.level,
            None if each.level == UNJUDGED else float(each.level == PASS), each.reason,
        )
        for name, verdicts in found.items()
        for (measure, column, value), each in verdicts.items()
    ]  # fmt: skip
    execute_values(
        cursor,
        "insert into governance.quality_result (build_id, business_date, table_name, column_name, dimension, rule,"
        " severity, verdict, score, reason) values %s",
        rows,
        page_size=1000,
    )


def _node(name: str, verdicts: Found, seconds: float) -> Node:
    (measure, column, _), found = worst(verdicts)
    prefix = "not judged: " if found.level == UNJUDGED else ""
    unusual = sorted(
        (item for item in verdicts.items() if item[1].level in (WARN, STOP)), key=lambda item: -(item[1].score or 0)
    )
    odd = len(unusual)
    remedy = (
        f"; {odd} of {len(verdicts)} measures are unusual. Ask the sender; where it is right, say so by "
        f"`bankmart incident --right`"
        if odd
        else ""
    )
    return Node(
        node_id=f"delivery.{name}",
        name=f"usual_{name.replace('.', '__')}",
        resource_type="test",
        severity="error" if found.level == STOP else "warn",
        status=STATUS[found.level],
        rows=None,
        failures=odd,
        seconds=seconds,
        message=f"{prefix}{measure}{f' of {column}' if column else ''}: {found.reason}{remedy}",
        compiled=None,
        owner=OWNER,
        examples=tuple({"measure": key[0], "column": key[1], "says": each.reason} for key, each in unusual[:EXAMPLES]),
    )
