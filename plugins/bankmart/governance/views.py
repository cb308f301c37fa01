"""What readers see: one masked view per model with `meta.published`, and a function that asks a history for a past day.

They are derived from the project's metadata and change in the transaction that publishes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from bankmart.governance.masking import masked_column

ROWS = {
    "all": "base.build_id in (select build_id from governance.publication)",
    "current": "base.build_id = (select build_id from governance.publication order by business_date desc limit 1)",
}
# A fact keeps the number that its system gave; readers see the person whose number it is by what is known now.
LINKED = (
    " left join (select customer_id, linked_customer_id from marts.bridge_identity where build_id ="
    " (select build_id from governance.publication order by business_date desc limit 1)) as link"
    " on base.customer_id = link.customer_id"
)


@dataclass(frozen=True)
class View:
    """One published view: its name, and the statements that make it and what hangs on it."""

    name: str
    statements: tuple[sql.Composed, ...]


def published(manifest: dict[str, Any]) -> list[View]:
    """The views that the project's metadata asks for: one per model with `meta.published`."""
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["meta"].get("published")
    ]
    return [_view(node) for node in sorted(models, key=lambda node: str(node["name"]))]


def refresh(cursor: Any, views: list[View]) -> None:
    """Make the views that are new or have changed; an unchanged one is left alone: replacing it waits for readers."""
    for view in views:
        text = "\n".join(statement.as_string(cursor) for statement in view.statements)
        digest = hashlib.sha256(text.encode()).hexdigest()
        cursor.execute("select definition_hash from governance.published_view where name = %s", (view.name,))
        if cursor.fetchone() == (digest,):
            continue
        # Made anew: replacing could only add columns at the end.
        names = {
            "view": sql.Identifier("published", view.name),
            "asked": sql.Identifier("published", _asked(view.name)),
        }
        cursor.execute(sql.SQL("drop function if exists {asked}").format(**names))
        cursor.execute(sql.SQL("drop view if exists {view}").format(**names))
        for statement in view.statements:
            cursor.execute(statement)
        cursor.execute(
            "insert into governance.published_view (name, definition_hash) values (%s, %s)"
            " on conflict (name) do update set definition_hash = excluded.definition_hash",
            (view.name, digest),
        )


def _view(node: dict[str, Any]) -> View:
    name, meta = node["name"], node["config"]["meta"]
    target = sql.Identifier("published", name)
    is_linked = _is_linked(node)
    columns: list[sql.Composable] = []
    comments = [_comment("view", target, node["description"], meta.get("zh"))]
    for column_name, column in node["columns"].items():
        about = column["config"]["meta"]
        if about.get("status") == "draft":
            # Only its makers look at it, until it is live.
            continue
        if is_linked and column_name == "customer_id":
            columns.append(sql.SQL("coalesce(link.linked_customer_id, base.customer_id) as customer_id"))
        else:
            columns.append(masked_column(column_name, column["data_type"], about["class"]))
        where = sql.Identifier("published", name, column_name)
        comments.append(_comment("column", where, column["description"], about.get("zh")))
    definition = sql.SQL(
        "create view {target} with (security_barrier) as select {columns} from {base} as base{link} where {rows}"
    ).format(
        target=target,
        columns=sql.SQL(", ").join(columns),
        base=sql.Identifier(node["schema"], name),
        link=sql.SQL(LINKED if is_linked else ""),
        rows=sql.SQL(ROWS[meta["published"]]),
    )
    return View(name, (definition, *comments, *_as_of(name, meta.get("history"))))


def _is_linked(node: dict[str, Any]) -> bool:
    is_event = node["name"].startswith("fct_") and node["config"]["materialized"] == "slice"
    return is_event and "customer_id" in node["columns"] and node["config"]["meta"].get("identity") != "source"


def _as_of(name: str, history: dict[str, Any] | None) -> list[sql.Composed]:
    # meta.history: {keys: [customer_id], effective: effective_date} of a model that keeps every version.
    if not history:
        return []
    keys = sql.SQL(", ").join(map(sql.Identifier, history["keys"]))
    signature = sql.SQL("{}(as_of date, known_on date)").format(sql.Identifier("published", _asked(name)))
    function = sql.SQL(
        "create function {signature} returns setof {view} language sql stable as $$"
        " select distinct on ({keys}) * from {view}"
        " where {effective} <= as_of and business_date <= known_on"
        " order by {keys}, {effective} desc, business_date desc $$"
    ).format(
        signature=signature,
        view=sql.Identifier("published", name),
        keys=keys,
        effective=sql.Identifier(history["effective"]),
    )
    comment = sql.SQL("comment on function {} is {}").format(
        sql.SQL("{}(date, date)").format(sql.Identifier("published", _asked(name))),
        sql.Literal(
            f"{name} as it was true on the day `as_of`, by what the bank knew on the business date `known_on`."
        ),
    )
    return [function, comment]


def _asked(name: str) -> str:
    return f"{name}_as_of"


def _comment(kind: str, target: sql.Identifier, english: str, chinese: str | None) -> sql.Composed:
    text = f"{chinese}. {english}" if chinese else english
    return sql.SQL("comment on {kind} {target} is {text}").format(
        kind=sql.SQL(kind), target=target, text=sql.Literal(text)
    )
