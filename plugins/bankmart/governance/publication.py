"""Publication: readers see whole, gated business dates, through views that ask one small table which build counts.

Publishing and rolling back change one row of that table, in one transaction; no reader waits and none sees a mix.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2 import sql

from bankmart import db, dbt
from bankmart.errors import BankmartError
from bankmart.governance import gate
from bankmart.governance.build import LAYERS, Build
from bankmart.governance.masking import masked_column

ROWS = {
    "all": "build_id in (select build_id from governance.publication)",
    "current": "build_id = (select build_id from governance.publication order by business_date desc limit 1)",
}


class PublicationError(BankmartError):
    """A date can't be published or taken back: says why and what to do."""


@dataclass(frozen=True)
class View:
    """One published view: its name and the statements that make it."""

    name: str
    definition: sql.Composed
    comments: tuple[sql.Composed, ...]


def publish(build: Build, actor: str) -> date:
    """Publish a build whose gates have all passed; publishing it again changes nothing.

    Raises GateStopped where a gate is red or was never passed, PublicationError where the build's time is over.
    """
    for layer in LAYERS:
        gate.judge(layer, build)
    views = published_views(dbt.manifest())
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("set local lock_timeout = '5s'")
        cursor.execute("select status from governance.build where build_id = %s for update", (build.build_id,))
        (status,) = db.one(cursor)
        if status in ("superseded", "tidied"):
            raise PublicationError(
                f"build {build.build_id} of {build.business_date} is {status}: a newer one took over, or it was rolled "
                f"back. Readers keep what they have; run mart_daily for {build.business_date} to begin a new build."
            )
        _refresh_views(cursor, views)
        _switch(cursor, "publish", build.business_date, build.build_id, actor)
        cursor.execute(
            "update governance.build set status = 'published', finished_at = clock_timestamp(), reason = null"
            " where build_id = %s",
            (build.build_id,),
        )
    return build.business_date


def rollback(business_date: date, actor: str) -> int | None:
    """Put a date back to the build that readers saw before; without one, the date is taken back from them.

    Returns the build that readers see now. Raises PublicationError for a date that is not published, or that a
    later published date stands on.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select max(business_date) from governance.publication where business_date > %s", (business_date,)
        )
        (later,) = db.one(cursor)
        cursor.execute("select build_id from governance.publication where business_date = %s", (business_date,))
        row = cursor.fetchone()
        if row is None:
            raise PublicationError(f"{business_date} is not published: `bankmart builds` lists what is")
        cursor.execute(
            "select event.previous_build_id from governance.publication_event as event"
            " where event.business_date = %s and event.build_id = %s and event.event = 'publish'"
            " order by event.event_id desc limit 1",
            (business_date, row[0]),
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
    return previous


def published_views(manifest: dict[str, Any]) -> list[View]:
    """The views that the project's metadata asks for: one per model with `meta.published`."""
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["meta"].get("published")
    ]
    return [_view(node) for node in sorted(models, key=lambda node: node["name"])]


def tidy(keep: int = 2) -> dict[str, int]:
    """Delete the rows of builds that nobody can see or go back to any more; returns rows deleted per table.

    Kept are every published build, the one before it for each date, the newest `keep` training builds, and what is
    being built.
    """
    deleted: dict[str, int] = {}
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            """
            with ranked as (
                select
                    build_id,
                    kind,
                    row_number() over (partition by kind, case kind when 'daily' then business_date end
                        order by build_id desc) as place
                from governance.build
                where
                    status not in ('building', 'failed', 'tidied')
                    and build_id not in (select build_id from governance.publication)
            )
            select build_id from ranked where place > case kind when 'daily' then 1 else %s end
            """,
            (keep,),
        )
        builds = [build_id for (build_id,) in cursor.fetchall()]
        cursor.execute(
            "select table_schema, table_name from information_schema.columns"
            " where column_name = 'build_id' and table_schema = any(%s)",
            (["intermediate", "marts", "tags", "features", "scores", "profile"],),
        )
        for schema, table in cursor.fetchall() if builds else []:
            statement = sql.SQL("delete from {} where build_id = any(%s)").format(sql.Identifier(schema, table))
            cursor.execute(statement, (builds,))
            if cursor.rowcount:
                deleted[f"{schema}.{table}"] = cursor.rowcount
        cursor.execute("update governance.build set status = 'tidied' where build_id = any(%s)", (builds,))
    return deleted


def _switch(cursor: Any, event: str, business_date: date, build_id: int | None, actor: str) -> None:
    cursor.execute("select pg_advisory_xact_lock(hashtext('bankmart publication'))")
    cursor.execute("select build_id from governance.publication where business_date = %s", (business_date,))
    (previous,) = cursor.fetchone() or (None,)
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
    cursor.execute("update governance.build set status = 'published' where build_id = %s", (build_id,))
    cursor.execute(
        "insert into governance.publication_event (event, business_date, build_id, previous_build_id, actor)"
        " values (%s, %s, %s, %s, %s)",
        (event, business_date, build_id, previous, actor),
    )


def _refresh_views(cursor: Any, views: list[View]) -> None:
    # An unchanged view is left alone: replacing it would wait for its readers.
    for view in views:
        digest = hashlib.sha256(view.definition.as_string(cursor).encode()).hexdigest()
        cursor.execute("select definition_hash from governance.published_view where name = %s", (view.name,))
        if cursor.fetchone() == (digest,):
            continue
        # Made anew, in the publication's transaction: replacing could only add columns at the end.
        cursor.execute(sql.SQL("drop view if exists {}").format(sql.Identifier("published", view.name)))
        for statement in (view.definition, *view.comments):
            cursor.execute(statement)
        cursor.execute(
            "insert into governance.published_view (name, definition_hash) values (%s, %s)"
            " on conflict (name) do update set definition_hash = excluded.definition_hash",
            (view.name, digest),
        )


def _view(node: dict[str, Any]) -> View:
    target = sql.Identifier("published", node["name"])
    meta = node["config"]["meta"]
    columns, comments = [], [_comment("view", target, node["description"], meta.get("zh"))]
    for name, column in node["columns"].items():
        about = column["config"]["meta"]
        columns.append(masked_column(name, column["data_type"], about["class"]))
        comments.append(
            _comment("column", sql.Identifier("published", node["name"], name), column["description"], about.get("zh"))
        )
    definition = sql.SQL("create view {target} with (security_barrier) as select {columns} from {base} where {rows}")
    return View(
        name=node["name"],
        definition=definition.format(
            target=target,
            columns=sql.SQL(", ").join(columns),
            base=sql.Identifier(node["schema"], node["name"]),
            rows=sql.SQL(ROWS[meta["published"]]),
        ),
        comments=tuple(comments),
    )


def _comment(kind: str, target: sql.Identifier, english: str, chinese: str | None) -> sql.Composed:
    text = f"{chinese}. {english}" if chinese else english
    return sql.SQL("comment on {kind} {target} is {text}").format(
        kind=sql.SQL(kind), target=target, text=sql.Literal(text)
    )
