"""The catalogue in the warehouse: made anew when a date is published and something that it says has changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, fields
from typing import Any

from psycopg2 import sql
from psycopg2.extras import Json, execute_values

from bankmart import db
from bankmart.governance.build import Build
from bankmart.governance.catalogue import compiled, use
from bankmart.governance.catalogue.entries import Catalogue, Entry
from bankmart.governance.catalogue.lineage import Lineage, order
from bankmart.governance.catalogue.query import Leaf
from bankmart.governance.catalogue.scored import scored
from bankmart.governance.catalogue.web import Web, kind
from bankmart.governance.policy import Node
from bankmart.governance.tags.registry import models_of_tags

# Entry's fields, where the table has another name.
COLUMNS = {"data_class": "class"}
NAMES = [field.name for field in fields(Entry)]


def refresh(manifest: Node, build: Build) -> bool:
    """Write governance.dictionary and governance.lineage, whole, in one transaction; False where nothing has changed.

    Raises DbtError where the project doesn't compile.
    """
    judged = scored(build.build_id, build.business_date, models_of_tags(manifest))
    state = f"{compiled.fingerprint(manifest)} {use.fingerprint()} {sorted(build.delivered)} {sorted(judged)} {NAMES}"
    mark = hashlib.sha256(state.encode()).hexdigest()
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select 1 from governance.dictionary_state where fingerprint = %s", (mark,))
        if cursor.fetchone():
            return False
    graph = lineage(manifest)
    made = Catalogue(manifest, graph, build.delivered, judged).entries()
    steps = Web(manifest, graph).steps()
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('bankmart dictionary'))")
        _write(cursor, made)
        _write_steps(cursor, steps)
        cursor.execute(
            "insert into governance.dictionary_state (fingerprint) values (%s) on conflict (only_row) do update"
            " set fingerprint = excluded.fingerprint, refreshed_at = clock_timestamp()",
            (mark,),
        )
    return True


def lineage(manifest: Node) -> Lineage:
    """The lineage of all models' columns as the project stands; compiles it where it has changed."""
    return Lineage(compiled.all_models(manifest), compiled.known_columns(manifest), order(manifest))


def _write(cursor: Any, entries: list[Entry]) -> None:
    statement = sql.SQL("insert into governance.dictionary ({}) values %s").format(
        sql.SQL(", ").join(sql.Identifier(COLUMNS.get(name, name)) for name in NAMES)
    )
    rows = [tuple(_cell(name, value) for name, value in zip(NAMES, astuple(entry), strict=True)) for entry in entries]
    cursor.execute("delete from governance.dictionary")
    execute_values(cursor, statement, rows, page_size=500)


def _write_steps(cursor: Any, steps: list[tuple[Leaf, Leaf]]) -> None:
    rows = [
        (kind(made), made.relation, made.column, kind(found), found.relation, found.column) for made, found in steps
    ]
    cursor.execute("delete from governance.lineage")
    execute_values(cursor, "insert into governance.lineage values %s", rows, page_size=1000)


def _cell(name: str, value: Any) -> Any:
    if name in ("values", "lineage", "used_by") and value is not None:
        return Json(value, dumps=lambda found: json.dumps(found, ensure_ascii=False, default=str))
    return value
