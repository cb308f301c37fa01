"""Columns that a model reads and that nothing before it has: said where the model's file names them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from bankmart import settings
from bankmart.governance.catalogue.compiled import relation
from bankmart.governance.catalogue.query import Computed, Query, Select, Source, Table, own_columns, own_queries
from bankmart.governance.catalogue.refresh import lineage as lineage_of
from bankmart.governance.grades import place
from bankmart.governance.policy import Node, file_of, models, yaml_of

# What Postgres has of every row, and what the platform writes beside what YAML promises.
SYSTEM = ("ctid", "tableoid", "xmin", "xmax")
PLATFORM = ("business_date", "load_id", "build_id")
# What a select reads from is looked at as a query of its own.
SOURCES = ("with_", "with", "from_", "from", "laterals")
NAMED = 6


def findings(manifest: Node) -> list[str]:
    """Every model's columns that its inputs don't have, and the promised ones that it doesn't make."""
    lineage, found = lineage_of(manifest), []
    for node in models(manifest):
        made = lineage.queries.get(relation(node))
        if made is None:
            continue
        found += [_said(node, column, select) for column, select in unknown(made)]
        if node["config"]["contract"]["enforced"]:
            found += _unmade(node, made)
    return list(dict.fromkeys(found))


def _unmade(node: Node, made: Query) -> list[str]:
    """Columns of the contract that the select lacks, and the other way round: the database would refuse both."""
    promised, names = list(node["columns"]), made.names()
    said = [
        f"{place.of_column(yaml_of(node), node['name'], name)}: {node['name']}.{name} is promised, but "
        f"{file_of(node)} doesn't make it; add it there, or take it out here"
        for name in promised
        if name not in names
    ]
    return said + [
        f"{file_of(node)}:{_line(node, exp.column(name))}: {node['name']} makes {name}, which its contract doesn't "
        f"have; add it to {yaml_of(node)}, class and all, or take it out here"
        for name in names
        if name not in promised
    ]


def unknown(query: Query) -> Iterator[tuple[exp.Column, Select]]:
    """The columns of a query that none of its sources has, each with the select that names it."""
    seen: set[int] = set()
    waiting: list[Source] = [query]
    while waiting:
        source = waiting.pop()
        if not isinstance(source, Query) or id(source) in seen:
            continue
        seen.add(id(source))
        waiting += source.ctes.values()
        for select in source.branches:
            waiting += select.sources.values()
            for part, may_be_made_here in _parts(select):
                for column in own_columns(part):
                    made_here = may_be_made_here and not column.table and column.name in select.names()
                    if not made_here and not known(select, column):
                        yield column, select
                waiting += [Query(inner, select.schema, select.ctes, select) for inner in own_queries(part)]


def _parts(select: Select) -> Iterator[tuple[exp.Expr, bool]]:
    """The expressions of a select, and whether they may name a column that it makes itself."""
    for key, held in select.tree.args.items():
        for part in held if isinstance(held, list) else [held]:
            # What a join brings is a source; its condition is read here.
            told = part.args.get("on") if isinstance(part, exp.Join) else part
            if isinstance(told, exp.Expr) and key not in SOURCES:
                yield told, key in ("order", "group", "distinct")


def known(select: Select, column: exp.Column) -> bool:
    """Whether a source has the column, as far as the columns of its sources are known."""
    if column.is_star or isinstance(column.this, exp.Star) or column.name in SYSTEM:
        return True
    near = [select.sources[column.table]] if column.table in select.sources else list(select.sources.values())
    if column.name in PLATFORM and any(isinstance(source, Table) for source in near):
        return True
    for source, name in select.find(column):
        if isinstance(source, Computed) or not (names := source.names()) or name in names:
            return True
    return False


def _said(node: Node, column: exp.Column, select: Select) -> str:
    line = _line(node, column)
    source = select.sources.get(column.table) if column.table else None
    having = source.names() if source is not None else []
    near = f"; it has {', '.join(having[:NAMED])}{' …' if len(having) > NAMED else ''}" if having else ""
    of = f"{column.table} doesn't have" if column.table else "nothing that it reads has"
    return (
        f"{file_of(node)}:{line}: {node['name']} names {column.sql()}, which {of}{near}. Correct the name, or add the "
        "column where it is made, contract and all"
    )


def _line(node: Node, column: exp.Column) -> int:
    """The line on which the model's file names the column, with its table if it does so; 1 where a macro does."""
    path = settings.ROOT / file_of(node)
    text = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    tables = rf"\b{re.escape(column.table)}\." if column.table else ""
    for pattern in (rf"{tables}{re.escape(column.name)}\b", rf"\b{re.escape(column.name)}\b"):
        for number, line in enumerate(text, 1):
            if re.search(pattern, line):
                return number
    return 1
