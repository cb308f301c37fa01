"""Whether the systems that deliver have been loaded lately, as their sources declare it (config.freshness).

dbt's own command would be a run more, of seconds, for ten questions that take milliseconds.
"""

from __future__ import annotations

import time

from psycopg2 import sql

from bankmart import db, dbt
from bankmart.governance.build import Build
from bankmart.results import Node

OWNER = "data-platform"
QUESTION = "select loaded_at, clock_timestamp() - loaded_at > %s::interval from ({}) as newest (loaded_at)"


def check(build: Build) -> list[Node]:
    """One check a system of those that have delivered, a warning at most."""
    sources = {f"{each['source_name']}.{each['name']}": each for each in dbt.manifest()["sources"].values()}
    # A system's tables are loaded together: the first stands for all.
    first = {table.partition(".")[0]: table for table in sorted(build.delivered, reverse=True)}
    found = []
    with db.connect("platform") as link, link.cursor() as cursor:
        for system, table in sorted(first.items()):
            source, started = sources[table], time.perf_counter()
            limit = (source["freshness"] or {}).get("warn_after") or {}
            if not limit.get("count"):
                continue
            cursor.execute(
                sql.SQL(QUESTION).format(sql.SQL(source["loaded_at_query"])), (f"{limit['count']} {limit['period']}",)
            )
            loaded_at, is_stale = db.one(cursor)
            said = f"loaded last at {loaded_at:%Y-%m-%d %H:%M:%S %Z}" if loaded_at else "never loaded"
            found.append(_node(source["unique_id"], system, said, is_stale is not False, time.perf_counter() - started))
    return found


def _node(source_id: str, system: str, said: str, warns: bool, seconds: float) -> Node:
    return Node(
        node_id=source_id,
        name=f"freshness_{system}",
        resource_type="source",
        severity="warn",
        status="warn" if warns else "pass",
        rows=None,
        failures=None,
        seconds=seconds,
        message=said,
        compiled=None,
        owner=OWNER,
    )
