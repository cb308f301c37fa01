"""What readers see: masked views per model with `meta.published`, and a function that asks a history for a past day.

Schema published has all rows; own those of a manager's or branch's customers; marketing (`meta.consented`) customers
who agreed to a purpose and channel, and what models say only of those who agreed to be profiled, too. They are derived
from the project's metadata, with their grants, and change in the transaction that publishes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from bankmart.governance.access import grants, scope, standing
from bankmart.governance.access.readers import Reader, readers
from bankmart.governance.masking import data_classes, masked_column

ROWS = {
    # Whether a build is published, by its number in an array that is made once a query: to look there is half of
    # what a join costs a row, however many dates there are.
    "all": "(array(select number in (select build_id from governance.publication) from generate_series(1,"
    " (select max(build_id) from governance.publication)) as number order by number))[base.build_id]",
    "current": "base.build_id = (select build_id from governance.publication order by business_date desc limit 1)",
}
# A fact keeps the number that its system gave; readers see the person whose number it is by what is known now.
LINKED = (
    " left join (select customer_id, linked_customer_id from marts.bridge_identity where build_id ="
    " (select build_id from governance.publication order by business_date desc limit 1)) as link"
    " on base.customer_id = link.customer_id"
)
# Behind a barrier Postgres still asks `=` of a column before it asks whose a row is, and `explain analyze` says how
# many rows were left, of anybody's. With this, a reader's conditions are asked of the reader's own rows only.
FENCE = " offset 0"
# What says who a row is, or where to reach that person: by class, or by what a class begins with. A view of a purpose
# that isn't tied to a channel (`any`: profiling) is for looking at many, so it has none of it: whoever agreed to be
# profiled has not agreed to be written to.
NAMING = ("identity.customer_id", "identity.name", "identity.id_number", "identity.record_hash", "contact.",
          "account.number", "account.reference", "account.card_number")  # fmt: skip


@dataclass(frozen=True)
class View:
    """One view for readers: where it is, the classes and grades of its columns, the statements that make it."""

    schema: str
    name: str
    model: str
    classes: dict[str, str]
    grades: dict[str, int]
    is_of_customers: bool
    statements: tuple[sql.Composed, ...]
    # Functions that hang on it, and those of them that run with their owner's rights and mask by themselves.
    functions: tuple[str, ...] = ()
    masking: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name in governance.published_view."""
        return self.name if self.schema == "published" else f"{self.schema}.{self.name}"


def published(manifest: dict[str, Any]) -> list[View]:
    """The views that the project's metadata asks for: one per model with `meta.published`, and its narrower ones."""
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["meta"].get("published")
    ]
    names = {node["name"] for node in models}
    said_by_models, found = scope.said_by_models(manifest), []
    for node in sorted(models, key=lambda node: str(node["name"])):
        found.append(_view(node, "published", node["name"]))
        if "customer_id" not in node["columns"]:
            continue
        if {scope.MANAGERS, scope.CUSTOMERS} <= names:
            found.append(_view(node, "own", node["name"], scope.own(is_linked=_is_linked(node))))
        for purpose, channels in node["config"]["meta"].get("consented", {}).items():
            for channel in channels:
                condition = scope.consented(_customer(node), purpose, channel)
                name = f"{node['name']}_{purpose}_{channel}"
                asks = set() if purpose == scope.PROFILING else said_by_models
                found.append(_view(node, "marketing", name, condition, channel != "any", asks))
    return found


def reads(reader: Reader, view: View) -> list[str]:
    """The columns of a view that a reader reads: those up to its grade; of nobody's data wherever it looks."""
    if reader.rows == "none" or view.schema != (reader.schema if view.is_of_customers else "published"):
        return []
    return [name for name, grade in view.grades.items() if grade <= reader.grade]


def functions(reader: Reader, view: View) -> tuple[str, ...]:
    """The functions of a view that a reader calls: whoever reads all of its columns."""
    return view.functions if len(reads(reader, view)) == len(view.grades) else ()


def refresh(cursor: Any, views: list[View], *, mend: bool = False) -> list[str]:
    """Make the views that are new or have changed, and drop those that nobody asks for any more.

    A view and its grants come in one transaction. An unchanged one is left alone: replacing it waits for readers.
    `mend`: also those that somebody has changed behind the project's back; returns their names.
    """
    cursor.execute("select name, case when stands is not null then definition_hash end from governance.published_view")
    known = dict(cursor.fetchall())
    mended = sorted(standing.changed(cursor)) if mend else []
    made = []
    grants.give(cursor)
    for gone in known.keys() - {view.key for view in views}:
        schema, _, name = gone.rpartition(".")
        _drop(cursor, schema or "published", name)
        cursor.execute("delete from governance.published_view where name = %s", (gone,))
    for view in views:
        statements = (*view.statements, *_grants(view))
        text = "\n".join(statement.as_string(cursor) for statement in statements)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if known.get(view.key) == digest and view.key not in mended:
            continue
        # Made anew: replacing could only add columns at the end.
        _drop(cursor, view.schema, view.name)
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(
            "insert into governance.published_view (name, definition_hash) values (%s, %s)"
            " on conflict (name) do update set definition_hash = excluded.definition_hash",
            (view.key, digest),
        )
        made.append(view.key)
    if made:
        standing.remember(cursor, made)
    return mended


def _drop(cursor: Any, schema: str, name: str) -> None:
    asked, view = sql.Identifier(schema, _asked(name)), sql.Identifier(schema, name)
    cursor.execute(sql.SQL("drop function if exists {}").format(asked))
    cursor.execute(sql.SQL("drop view if exists {}").format(view))


def _grants(view: View) -> list[sql.Composed]:
    made = [sql.SQL("revoke all on function {} from public").format(sql.SQL(function)) for function in view.functions]
    for reader in readers():
        columns, role = reads(reader, view), sql.Identifier(reader.name)
        if columns:
            named = sql.SQL("" if len(columns) == len(view.grades) else "({})").format(
                sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            target = sql.Identifier(view.schema, view.name)
            made.append(sql.SQL("grant select {} on {} to {}").format(named, target, role))
        for function in functions(reader, view):
            made.append(sql.SQL("grant execute on function {} to {}").format(sql.SQL(function), role))
    return made


def _view(
    node: dict[str, Any],
    schema: str,
    name: str,
    condition: sql.Composable | None = None,
    names: bool = True,
    profiling: Set[str] = frozenset(),
) -> View:
    """`names`: with what says who a row is; `profiling`: the columns that take a consent to be profiled."""
    asks = profiling & node["columns"].keys()
    meta, classes = node["config"]["meta"], data_classes()
    target = sql.Identifier(schema, name)
    columns: list[sql.Composable] = []
    shown_classes: dict[str, str] = {}
    grades: dict[str, int] = {}
    comments = [_comment("view", target, node["description"], meta.get("zh"))]
    for column_name, column in node["columns"].items():
        about = column["config"]["meta"]
        if about.get("status") == "draft":
            # Only its makers look at it, until it is live.
            continue
        if not names and about["class"].startswith(NAMING):
            continue
        shown = masked_column(column_name, column["data_type"], about["class"])
        if column_name == "customer_id" and _shows_person(node):
            shown = sql.SQL("{} as customer_id").format(_customer(node))
        if column_name in asks:
            # Scores and tags have no mask.
            shown = sql.SQL("case when profiled.customer_id is not null then {} end as {}").format(
                sql.Identifier("base", column_name), sql.Identifier(column_name)
            )
        columns.append(shown)
        shown_classes[column_name] = about["class"]
        grades[column_name] = int(classes[about["class"]]["grade"])
        comments.append(_comment("column", sql.Identifier(schema, name, column_name), column["description"],
                                 about.get("zh")))  # fmt: skip
    definition = sql.SQL(
        "create view {target} with (security_barrier) as select {columns} from {base} as base{link}{profiled}"
        " where {rows}{fence}"
    ).format(
        fence=sql.SQL(FENCE if condition else ""),
        target=target,
        columns=sql.SQL(", ").join(columns),
        base=sql.Identifier(node["schema"], node["name"]),
        link=sql.SQL(LINKED if _is_linked(node) else ""),
        profiled=scope.beside_profiled(_customer(node)) if asks else sql.SQL(""),
        rows=sql.SQL(" and ").join([sql.SQL(ROWS[meta["published"]]), *([condition] if condition else [])]),
    )
    history = meta.get("history") if schema == "published" else None
    functions = (f"published.{_asked(name)}(date, date)",) if history else ()
    masking = functions if history and _has_masked_keys(node, history) else ()
    statements = (definition, *comments, *_as_of(node, name, columns if masking else [], history))
    is_of_customers = "customer_id" in node["columns"]
    return View(schema, name, node["name"], shown_classes, grades, is_of_customers, statements, functions, masking)


def rows_of_customer(node: dict[str, Any], columns: list[str]) -> sql.Composed:
    """The query of a customer's rows (`%(customer)s`) that readers see of a model, its columns as they are."""
    whose = _customer(node)
    linked = ("customer_id",) if _shows_person(node) else ()
    shown = [whose if name in linked else sql.Identifier("base", name) for name in columns]
    return sql.SQL("select {} from {} as base{} where {} and {} = {} order by {}").format(
        sql.SQL(", ").join(shown),
        sql.Identifier(node["schema"], node["name"]),
        sql.SQL(LINKED if _is_linked(node) else ""),
        sql.SQL(ROWS[node["config"]["meta"]["published"]]),
        whose,
        sql.Placeholder("customer"),
        sql.SQL(", ").join(sql.Literal(place) for place in range(1, len(columns) + 1)),
    )


def _customer(node: dict[str, Any]) -> sql.Composable:
    # The person, where a fact keeps the number that its system gave.
    linked = "coalesce(link.linked_customer_id, base.customer_id)"
    return sql.SQL(linked if _is_linked(node) else "base.customer_id")


def _is_linked(node: dict[str, Any]) -> bool:
    is_event = node["name"].startswith("fct_") and node["config"]["materialized"] == "slice"
    return is_event and "customer_id" in node["columns"]


def _shows_person(node: dict[str, Any]) -> bool:
    # `meta.identity: source`: what is told is the number itself; whose row it is follows from the person all the same.
    return _is_linked(node) and node["config"]["meta"].get("identity") != "source"


def _as_of(
    node: dict[str, Any], name: str, masked: list[sql.Composable], history: dict[str, Any] | None
) -> list[sql.Composed]:
    # meta.history: {keys: [customer_id], effective: effective_date} of a model that keeps every version. `masked`: the
    # columns as the view shows them, where its keys are masked.
    if not history:
        return []
    view = sql.Identifier("published", name)
    # Asked for by its key it is looked up, for the planner sees into it.
    how, rows, what, base = "", "true", sql.Composed([sql.SQL("*")]), view
    if masked:
        # Masked, two keys may be alike: versions are told apart by the true ones, which nobody is shown.
        how = " security definer set search_path = pg_catalog, pg_temp"
        rows, what = ROWS[node["config"]["meta"]["published"]], sql.SQL(", ").join(masked)
        base = sql.Identifier(node["schema"], node["name"])
    function = sql.SQL(
        "create function {signature} returns setof {view} language sql stable{how} as $$ select {what} from ("
        "select distinct on ({keys}) base.* from {base} as base where {rows}"
        " and base.{effective} <= as_of and base.business_date <= known_on"
        " order by {keys}, base.{effective} desc, base.business_date desc) as base $$"
    ).format(
        signature=sql.SQL("{}(as_of date, known_on date)").format(sql.Identifier("published", _asked(name))),
        view=view,
        how=sql.SQL(how),
        what=what,
        keys=sql.SQL(", ").join(sql.Identifier("base", key) for key in history["keys"]),
        base=base,
        rows=sql.SQL(rows),
        effective=sql.Identifier(history["effective"]),
    )
    comment = sql.SQL("comment on function {} is {}").format(
        sql.SQL("{}(date, date)").format(sql.Identifier("published", _asked(name))),
        sql.Literal(
            f"{name} as it was true on the day `as_of`, by what the bank knew on the business date `known_on`."
        ),
    )
    return [function, comment]


def _has_masked_keys(node: dict[str, Any], history: dict[str, Any]) -> bool:
    classes = (node["columns"][key]["config"]["meta"]["class"] for key in history["keys"])
    return any(data_classes()[name]["mask"] != "none" for name in classes)


def _asked(name: str) -> str:
    return f"{name}_as_of"


def _comment(kind: str, target: sql.Identifier, english: str, chinese: str | None) -> sql.Composed:
    text = f"{chinese}. {english}" if chinese else english
    return sql.SQL("comment on {kind} {target} is {text}").format(
        kind=sql.SQL(kind), target=target, text=sql.Literal(text)
    )
