"""What a tag means, as a hash: its expression resolved through the CTEs to the model's inputs, its values, its default.

Formatting, comments, aliases and other tags in the same file don't change it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from sqlglot import exp

from bankmart.governance.catalogue import compiled as neutral
from bankmart.governance.catalogue.lineage import Lineage, order
from bankmart.governance.catalogue.query import Computed, Query, Select, Source, Table, own_columns
from bankmart.governance.policy import Node
from bankmart.governance.tags.registry import Tag, tags

SHOWN = 16
BUILD = "build_id"
# What keeps some of a select's rows by their order.
CUTS = ("order", "limit", "offset")


def definitions(manifest: Node) -> dict[tuple[str, int], str]:
    """(key, version) → definition hash of every tag of the working tree. Needs no database."""
    found = tags(manifest)
    if not found:
        return {}
    # Tags of scores lie behind them, in the profile.
    beyond = sorted({tag.model for tag in found if not tag.file.startswith("dbt_project/models/tags/")})
    compiled = neutral.models_of("path:models/tags", *beyond)
    lineage = Lineage(compiled, neutral.known_columns(manifest), order(manifest))
    return {(tag.key, tag.version): definition_hash(tag, lineage.queries) for tag in found}


def definition_hash(tag: Tag, queries: Mapping[str, Query]) -> str:
    """The first 16 hex digits of the SHA-256 of what the tag means."""
    said = [_column(queries[tag.relation], tag.column), [str(value) for value in tag.values], str(tag.default)]
    return _digest(json.dumps(said))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:SHOWN]


def _column(source: Source, name: str) -> str:
    if isinstance(source, Table):
        return f"{source.relation}.{name}"
    if isinstance(source, Computed):
        place = source.columns.index(name) if name in source.columns else 0
        cells = [row[place] if place < len(row) else row[0] for row in source.expressions]
        return _digest(json.dumps([_expression(source.around, cell) for cell in cells]))
    return _digest(json.dumps([*(_selected(branch, own) for branch, own in source.cells(name)), *_cut(source)]))


def _selected(select: Select, name: str) -> list[str]:
    """The column's expression, and what of the select decides which rows it is computed from."""
    made = select.columns().get(name)
    if made is None:
        starred = [source for source in select.sources.values() if not source.names()]
        return [*(_column(source, name) for source in starred), *_rows(select)]
    if not isinstance(made, exp.Expr):
        return [_column(made, name), *_rows(select)]
    return [_expression(select, made), *_joins(select, _aliases(select, made)), *_rows(select)]


def _expression(select: Select, expression: exp.Expr) -> str:
    """The expression's text with each column replaced by what it is made of."""

    def replaced(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Query):
            inner = Query(node, select.schema, select.ctes, select)
            parts = [_column(inner, name) for name in inner.names()]
            return exp.to_identifier(f"query {_digest(json.dumps(parts))}", quoted=True)
        if isinstance(node, exp.Column):
            parts = [_column(source, name) for source, name in select.find(node)]
            return exp.to_identifier(" ".join(parts) or node.name, quoted=True)
        return node

    written = _named_windows(select, expression).transform(replaced)
    return written.sql(dialect="postgres", comments=False, normalize_functions="lower")


def _named_windows(select: Select, expression: exp.Expr) -> exp.Expr:
    """A copy of the expression with what a named window says in the place of its name."""
    named = {window.name: window for window in select.tree.args.get("windows") or ()}

    def written(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Window) and (base := named.get(node.args.get("alias") and node.alias)):
            # A named window may be made of another one.
            said = written(base.copy())
            parts = {key: said.args.get(key) for key in ("partition_by", "order", "spec") if said.args.get(key)}
            own = {key: value for key, value in node.args.items() if key != "alias" and value}
            return exp.Window(**(parts | own))
        return node

    return expression.copy().transform(written)


def _joins(select: Select, wanted: set[str]) -> list[str]:
    """The conditions of the joins that bring these sources, and of those that their conditions stand on."""
    wanted, found = set(wanted), {}
    while pending := [alias for alias in wanted if alias in select.joins and alias not in found]:
        for alias in pending:
            join = select.joins[alias]
            found[alias] = f"{join.side} {join.kind}"
            if named := join.args.get("using"):
                found[alias] += f" using {sorted(column.name for column in named)}"
            if (condition := join.args.get("on")) is not None:
                found[alias] += f" {_condition(select, condition)}"
                wanted |= _aliases(select, condition)
            elif not join.side:
                found[alias] += f" {_beginning(select.sources[alias])}"
    return sorted(found.values())


def _conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    return list(condition.flatten()) if isinstance(condition, exp.And) else [condition]


def _condition(select: Select, condition: exp.Expr) -> list[str]:
    """The parts of a condition in an order of their own: `a.x = b.x` is `b.x = a.x`, `p and q` is `q and p`."""
    said = []
    for part in _conjuncts(condition):
        # Which build a row is of is the platform's business, not the tag's.
        if {column.name for column in part.find_all(exp.Column)} == {BUILD}:
            continue
        sides = [part.left, part.right] if isinstance(part, exp.EQ) else [part]
        said.append(" = ".join(sorted(_expression(select, side) for side in sides)))
    return sorted(said)


def _aliases(select: Select, expression: exp.Expr) -> set[str]:
    used = {id(source) for column in own_columns(expression) for source, _ in select.find(column)}
    return {alias for alias, source in select.sources.items() if id(source) in used}


def _rows(select: Select) -> list[str]:
    """Whose rows these are: the table that the select begins with, joins that drop rows, filters, grouping, cuts."""
    where = select.tree.args.get("where")
    said = _condition(select, where.this) if where is not None else []
    parts = [select.tree.args.get(key) for key in ("group", "having", "distinct", *CUTS)]
    said += [_expression(select, part) for part in parts if part is not None]
    if (distinct := select.tree.args.get("distinct")) and not distinct.args.get("on"):
        # Rows are compared in all of their columns.
        said += [_expression(select, made) for made in select.columns().values() if isinstance(made, exp.Expr)]
    said += _joins(select, {alias for alias, join in select.joins.items() if join.side not in ("LEFT", "FULL")})
    return said + [line for source in list(select.sources.values())[:1] for line in _beginning(source)]


def _beginning(source: Source) -> list[str]:
    if isinstance(source, Table):
        return [source.relation]
    if isinstance(source, Query):
        return [line for branch in source.branches for line in _rows(branch)] + _cut(source)
    return []


def _cut(query: Query) -> list[str]:
    """What a set operation or brackets do to the rows of the selects within; nothing for all rows of all of them."""
    said = []
    for level in query.levels:
        if not isinstance(level, exp.Select):
            kept = (level.args.get(key) for key in CUTS)
            said += [part.sql(dialect="postgres", comments=False) for part in kept if part is not None]
        if isinstance(level, exp.SetOperation) and not (isinstance(level, exp.Union) and not level.args["distinct"]):
            columns = [_selected(*cell) for name in query.branches[0].names() for cell in query.cells(name)]
            said.append(f"{type(level).__name__} {bool(level.args['distinct'])} {columns}")
    return said + [f"part {place}: {line}" for place, part in enumerate(query.parts) for line in _cut(part)]
