"""What the columns of a compiled query are made of: scopes are read once, each column on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

# Relation ("marts.dim_customer") → its columns, for `select *` and unqualified names.
Schema = Mapping[str, Sequence[str]]
ROW = "*"


@dataclass(frozen=True, order=True)
class Leaf:
    """A column of a relation; column `*`: that the row is there at all."""

    relation: str
    column: str


Leaves = frozenset[Leaf]


def parse(compiled: str, schema: Schema) -> Query:
    """The query of a compiled model. Raises sqlglot's ParseError for SQL that it can't read."""
    return Query(sqlglot.parse_one(compiled, read="postgres"), schema, {}, None)


class Table:
    """A relation outside the query."""

    def __init__(self, relation: str, schema: Schema) -> None:
        self.relation, self.known = relation, schema.get(relation)

    def names(self) -> list[str]:
        """Its columns as far as they are known."""
        return list(self.known or ())

    def leaves(self, name: str) -> Leaves:
        """The column itself."""
        return frozenset({Leaf(self.relation, name)})

    def rows(self) -> Leaves:
        """That its rows are there."""
        return frozenset({Leaf(self.relation, ROW)})


class Computed:
    """`values (…)` or a function in a FROM: each column is made of expressions of the scope around it."""

    def __init__(self, columns: list[str], expressions: list[list[exp.Expr]], around: Select) -> None:
        self.columns, self.expressions, self.around = columns, expressions, around

    def names(self) -> list[str]:
        """The columns that its alias names."""
        return self.columns

    def leaves(self, name: str) -> Leaves:
        """What the column's expressions read; of all of them where the columns aren't named."""
        place = self.columns.index(name) if name in self.columns else None
        cells = [row if place is None or place >= len(row) else [row[place]] for row in self.expressions]
        return frozenset(leaf for row in cells for cell in row for leaf in self.around.read(cell))

    def rows(self) -> Leaves:
        """Its rows stand in the query itself."""
        return frozenset()


class Query:
    """A select, or a union of selects, behind its CTEs. `renamed`: the columns that an alias gives it."""

    def __init__(self, tree: exp.Expr, schema: Schema, ctes: Mapping[str, Source], outer: Select | None) -> None:
        self.ctes: dict[str, Source] = dict(ctes)
        self.renamed: list[str] = []
        # Each level of brackets may sort and cut what is within.
        self.levels: list[exp.Expr] = [tree]
        while isinstance(tree, exp.Subquery):
            self._declare(tree, schema, outer)
            tree = tree.this
            self.levels.append(tree)
        self._declare(tree, schema, outer)
        self.parts: list[Query] = []
        if isinstance(tree, exp.SetOperation):
            self.parts = [Query(part, schema, self.ctes, outer) for part in (tree.left, tree.right)]
            self.branches: list[Select] = [branch for part in self.parts for branch in part.branches]
        else:
            self.branches = [Select(tree, schema, self.ctes, outer)]

    def _declare(self, tree: exp.Expr, schema: Schema, outer: Select | None) -> None:
        for cte in getattr(tree, "ctes", ()):
            made = Query(cte.this, schema, self.ctes, outer)
            made.renamed = [str(name) for name in cte.alias_column_names]
            self.ctes[cte.alias] = made

    def names(self) -> list[str]:
        """Its columns, in order."""
        return self.renamed or self.branches[0].names()

    def leaves(self, name: str) -> Leaves:
        """What a column is made of, in every branch of a union."""
        return frozenset(leaf for branch, own in self.cells(name) for leaf in branch.leaves(own))

    def cells(self, name: str) -> Iterator[tuple[Select, str]]:
        """The column as each branch names it: a union goes by position."""
        names = self.names()
        if name not in names:
            yield from ((branch, name) for branch in self.branches)
            return
        place = names.index(name)
        for branch in self.branches:
            own = branch.names()
            yield branch, own[place] if place < len(own) else name

    def rows(self) -> Leaves:
        """What says that a row is there."""
        return frozenset(leaf for branch in self.branches for leaf in branch.rows())


class Select:
    """One select: its sources by alias, its columns by name."""

    def __init__(self, tree: exp.Expr, schema: Schema, ctes: Mapping[str, Source], outer: Select | None) -> None:
        self.tree, self.schema, self.ctes, self.outer = tree, schema, ctes, outer
        self.sources: dict[str, Source] = {}
        self.joins: dict[str, exp.Join] = {}
        self._columns: dict[str, exp.Expr | Source] | None = None
        self._leaves: dict[str, Leaves] = {}
        if origin := tree.args.get("from_") or tree.args.get("from"):
            self._add(origin.this)
        for join in tree.args.get("joins") or ():
            self._add(join.this, join)
        for lateral in tree.args.get("laterals") or ():
            self._add(lateral)

    def _add(self, tree: Any, join: exp.Join | None = None) -> None:
        alias = tree.alias_or_name
        named = [str(name) for name in getattr(tree, "alias_column_names", ())]
        inner = tree.this if isinstance(tree, exp.Lateral) else tree
        core = inner
        while isinstance(core, exp.Subquery) and not isinstance(core.this, exp.Table):
            core = core.this
        if isinstance(core, exp.Values):
            rows = [list(row.expressions) if isinstance(row, exp.Tuple) else [row] for row in core.expressions]
            named = named or [str(name) for name in core.alias_column_names]
            source: Source = Computed(named, rows, self)
        elif isinstance(core, exp.Query):
            source = Query(inner, self.schema, self.ctes, self)
            source.renamed = named
        elif isinstance(core, exp.Table) and isinstance(core.this, exp.Identifier):
            name = core.name
            source = self.ctes[name] if not core.db and name in self.ctes else Table(relation(core), self.schema)
        else:
            source = Computed(named or [alias], [[core]], self)
        self.sources[alias] = source
        if join is not None:
            self.joins[alias] = join

    def columns(self) -> dict[str, exp.Expr | Source]:
        """Column → its expression, or the source that `*` takes it from."""
        if self._columns is None:
            found: dict[str, exp.Expr | Source] = {}
            for item in self.tree.expressions:
                starred = [self.sources[item.table]] if isinstance(item, exp.Column) and item.is_star else []
                if isinstance(item, exp.Star):
                    starred = list(self.sources.values())
                if starred:
                    for source in starred:
                        for name in source.names():
                            found.setdefault(name, source)
                else:
                    found[item.alias_or_name] = item.unalias()
            self._columns = found
        return self._columns

    def names(self) -> list[str]:
        """Its columns, in order."""
        return list(self.columns())

    def leaves(self, name: str) -> Leaves:
        """What a column is made of; one without any column of its own says that the row is there."""
        if name not in self._leaves:
            self._leaves[name] = frozenset()
            made = self.columns().get(name)
            if made is None:
                starred = [source for source in self.sources.values() if not source.names()]
                self._leaves[name] = frozenset(leaf for source in starred for leaf in source.leaves(name))
            elif isinstance(made, exp.Expr):
                self._leaves[name] = self.read(made) or self.rows()
            else:
                self._leaves[name] = made.leaves(name)
        return self._leaves[name]

    def read(self, expression: exp.Expr) -> Leaves:
        """The columns that an expression reads, those of its subqueries too."""
        found: set[Leaf] = set()
        for column in own_columns(expression):
            for source, name in self.find(column):
                found |= source.leaves(name)
        for inner in own_queries(expression):
            query = Query(inner, self.schema, self.ctes, self)
            found |= {leaf for name in query.names() for leaf in query.leaves(name)}
            found |= {leaf for branch in query.branches for leaf in branch.condition()}
        return frozenset(found)

    def find(self, column: exp.Column) -> list[tuple[Source, str]]:
        """The source of a column, this select's or one around it; a whole row is all its columns."""
        name, table = column.name, column.table
        if table:
            if table in self.sources:
                return [(self.sources[table], name)]
        elif having := [source for source in self.sources.values() if name in source.names()]:
            # Of several it is the key that they are joined by, made of each.
            return [(source, name) for source in having]
        elif name in self.sources:
            return [(self.sources[name], each) for each in self.sources[name].names()]
        elif unknown := [source for source in self.sources.values() if not source.names()]:
            return [(source, name) for source in unknown]
        return self.outer.find(column) if self.outer else []

    def condition(self) -> Leaves:
        """What the select filters and groups by."""
        parts = [self.tree.args.get(key) for key in ("where", "group", "having")]
        return frozenset(leaf for part in parts if part is not None for leaf in self.read(part))

    def rows(self) -> Leaves:
        """What says that a row is there: the rows of its sources."""
        return frozenset(leaf for source in self.sources.values() for leaf in source.rows())


Source = Table | Computed | Query


def relation(table: exp.Table) -> str:
    """`"bankmart"."marts"."dim_customer"` → marts.dim_customer."""
    return f"{table.db}.{table.name}" if table.db else str(table.name)


def own_columns(expression: exp.Expr) -> Iterator[exp.Column]:
    """The columns of an expression that are not inside a subquery."""
    for node in expression.walk(prune=lambda node: isinstance(node, exp.Query)):
        if isinstance(node, exp.Column):
            yield node


def own_queries(expression: exp.Expr) -> Iterator[exp.Expr]:
    """The outermost subqueries of an expression."""
    for node in expression.walk(prune=lambda node: isinstance(node, exp.Query)):
        if isinstance(node, exp.Query):
            yield node
