"""What is kept: events for ever, states of the newest published dates, and builds that readers can be put back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql

from bankmart import db, faults
from bankmart.governance import audit, project
from bankmart.governance.people.erasure import fence

if TYPE_CHECKING:
    from psycopg2.extensions import connection

SCHEMAS = ["intermediate", "marts", "tags", "features", "scores", "profile"]
TRAINING_BUILDS = 2
# Dropping a part waits for who reads its table, and makes others wait: better at the next publication.
PATIENCE = "1s"
UNREACHABLE = """
with ranked as (
    select
        build_id,
        kind,
        row_number() over (partition by kind, case kind when 'daily' then business_date end order by build_id desc)
            as place
    from governance.build
    where
        status not in ('building', 'failed', 'tidied')
        and build_id not in (select build_id from governance.publication)
)

select build_id from ranked where place > case kind when 'daily' then 1 else %s end
"""
# States that somebody needs: being built, of the newest dates, what those can be put back to, and for training.
NEEDED = """
with newest as (
    select business_date from governance.publication order by business_date desc limit %(dates)s
),

training as (
    select build_id from governance.build where kind = 'training' order by build_id desc limit %(training)s
)

select build_id
from governance.build
where
    status in ('building', 'failed', 'passed')
    or kind = 'daily' and business_date in (select business_date from newest) and status <> 'tidied'
    or build_id in (select build_id from training)
"""
PARTS = """
select namespace.nspname, part.relname, substring(part.relname from '__b([0-9]+)$')::bigint
from pg_class as part
inner join pg_namespace as namespace on part.relnamespace = namespace.oid
where part.relispartition and part.relkind = 'r' and namespace.nspname = any(%s) and part.relname ~ '__b[0-9]+$'
order by 3, 1, 2
"""
SLICES = """
select namespace.nspname, slice.relname
from pg_class as slice
inner join pg_namespace as namespace on slice.relnamespace = namespace.oid
inner join pg_attribute as attribute on slice.oid = attribute.attrelid
where
    slice.relkind = 'r' and not slice.relispartition and namespace.nspname = any(%s)
    and attribute.attname = 'build_id' and not attribute.attisdropped
order by 1, 2
"""


def tidy() -> dict[str, int]:
    """Remove what nobody can see or go back to; returns rows (of slices) or parts (of states) removed per table.

    Rows stay for every published build and the one before it of each date; states for `vars.keep_state_dates` dates.
    """
    removed: dict[str, int] = {}
    with db.connect("platform") as link, link.cursor() as cursor:
        fence.copying(cursor)
        cursor.execute(UNREACHABLE, (TRAINING_BUILDS,))
        builds = [build_id for (build_id,) in cursor.fetchall()]
        if builds:
            audit.attempt("platform", "tidy", "retention", f"{len(builds)} builds", {"builds": builds})
        cursor.execute(SLICES, (SCHEMAS,))
        for schema, table in cursor.fetchall() if builds else []:
            cursor.execute(
                sql.SQL("delete from {} where build_id = any(%s)").format(sql.Identifier(schema, table)), (builds,)
            )
            if cursor.rowcount:
                removed[f"{schema}.{table}"] = cursor.rowcount
        cursor.execute("update governance.build set status = 'tidied' where build_id = any(%s)", (builds,))
        faults.point("tidy.deleted")
        cursor.execute(NEEDED, {"dates": keep_state_dates(), "training": TRAINING_BUILDS})
        needed = {build_id for (build_id,) in cursor.fetchall()}
        cursor.execute(PARTS, (SCHEMAS,))
        found = [(schema, table, build_id) for schema, table, build_id in cursor.fetchall() if build_id not in needed]
        parts = [(schema, table) for schema, table, _ in found]
        if builds or parts:
            states = {"states_of_builds": sorted({build_id for *_, build_id in found}), "parts": len(parts)}
            # Parts are dropped one by one hereafter: written before, so that none goes without a word.
            audit.append(
                link, "tidy", "retention", f"{len(builds)} builds", {"builds": builds, "rows": removed} | states
            )
    # One by one: each waits for its own readers only.
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, false)", (PATIENCE,))
        link.commit()
        for schema, table in parts:
            faults.point("tidy.part")
            if _drop(link, schema, table):
                parent = f"{schema}.{table.rpartition('__b')[0]}"
                removed[parent] = removed.get(parent, 0) + 1
    return removed


def has_states(cursor: Any, build_id: int) -> bool:
    """Whether the states of a build are still kept."""
    cursor.execute(
        "select 1 from pg_class where relispartition and relkind = 'r' and relname like %s limit 1",
        (f"%\\_\\_b{build_id}",),
    )
    return cursor.fetchone() is not None


def keep_state_dates() -> int:
    """`vars.keep_state_dates` of dbt_project.yml; at least two, so that the newest date can be rolled back."""
    return max(2, int(project.variables()["keep_state_dates"]))


def _drop(link: connection, schema: str, table: str) -> bool:
    try:
        with link.cursor() as cursor:
            cursor.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(schema, table)))
        link.commit()
    except psycopg2.errors.LockNotAvailable:
        link.rollback()
        return False
    return True
