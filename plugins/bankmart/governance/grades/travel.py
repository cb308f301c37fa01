"""How grades travel: a column has the highest grade of all that it is made of, unless a listed breaker lowers it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from sqlglot import exp

from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.catalogue.query import ROW, Computed, Leaf, Query, Select, Source, Table
from bankmart.governance.grades import breaker
from bankmart.governance.grades.grade import LOWEST, Breakers, Grade

# Beside ROW, what there being a row says: what was asked of it on the way, without what its source's key says.
ASKED = "asked of a row"


@dataclass(frozen=True)
class Made:
    """What something is made of: as it is, and what a bucketing has lowered already; that is not lowered again."""

    whole: Grade = LOWEST
    lowered: Grade = LOWEST

    def __or__(self, other: Made) -> Made:
        """What is made of both."""
        return Made(self.whole | other.whole, self.lowered | other.lowered)

    @property
    def grade(self) -> Grade:
        """The grade of all of it."""
        return self.whole | self.lowered


NOTHING = Made()


class Travel:
    """The grade that each column of each model inherits.

    `declared`: what is said of columns. A column that says more than it inherits passes on what it says, one that says
    less what it inherits: one wrong class is found in one place, with all that it spoils behind it. `customer`: the
    names of columns that say whose a row is.
    """

    def __init__(
        self, lineage: Lineage, declared: Mapping[Leaf, Grade], breakers: Breakers, customer: frozenset[str]
    ) -> None:
        self.declared, self.breakers, self.customer = declared, breakers, customer
        self.inherited: dict[Leaf, Grade] = {}
        self._made: dict[Leaf, Made] = {}
        self._relation = ""
        self._known: dict[tuple[int, str], Made] = {}
        self._queries: dict[int, Query] = {}
        for relation, query in lineage.queries.items():
            self._relation, names = relation, [ROW, ASKED, *lineage.schema[relation]]
            # What a state reads of itself is not known at first: again, until nothing rises any more.
            while self._read(relation, query, names):
                self._known.clear()
            self._known.clear()
            self._queries.clear()

    def of(self, column: Leaf) -> Grade:
        """The grade that a column passes on."""
        return self._of(column).grade

    def _of(self, column: Leaf) -> Made:
        return self._made.get(column, NOTHING) | Made(self.declared.get(column, LOWEST))

    def _read(self, relation: str, query: Query, names: list[str]) -> bool:
        risen = False
        for name in names:
            leaf = Leaf(relation, name)
            made = self._row(relation, query, name) if name in (ROW, ASKED) else self._source(query, name)
            if self._made.get(leaf) != made:
                self._made[leaf], self.inherited[leaf], risen = made, made.grade, True
        return risen

    def _row(self, relation: str, query: Query, name: str) -> Made:
        # A row that links two numbers says that they are one person's, not what they agree in.
        if relation.rpartition(".")[2] in self.breakers.link_models:
            return Made(lowered=self.breakers.link)
        return self._rows(query, name)

    def _source(self, source: Source, name: str) -> Made:
        if isinstance(source, Table):
            return self._of(Leaf(source.relation, name))
        if isinstance(source, Computed):
            place = source.columns.index(name) if name in source.columns else None
            cells = [row if place is None or place >= len(row) else [row[place]] for row in source.expressions]
            return _all(self._expression(source.around, cell) for row in cells for cell in row)
        return _all(self._selected(branch, own) for branch, own in source.cells(name))

    def _selected(self, select: Select, name: str) -> Made:
        key = (id(select), name)
        if key not in self._known:
            self._known[key] = NOTHING
            made = select.columns().get(name)
            if made is None:
                found = _all(self._source(each, name) for each in select.sources.values() if not each.names())
            elif isinstance(made, exp.Expr):
                found = self._expression(select, made)
            else:
                found = self._source(made, name) | self._absent(select, made)
            self._known[key] = found
        return self._known[key]

    def _expression(self, select: Select, tree: exp.Expr) -> Made:
        if isinstance(tree, exp.Column):
            read = select.find(tree)
            sources = {id(source): source for source, _ in read}.values()
            # What several sources have is the key that they are joined by: one of them always has it.
            absent = NOTHING if len(sources) > 1 else _all(self._absent(select, source) for source in sources)
            return _all(self._source(source, name) for source, name in read) | absent
        if isinstance(tree, exp.Query):
            return self._inner(select, tree)
        if breaker.is_token(tree, self.breakers):
            return Made(lowered=self.breakers.token)
        if breaker.is_of_all(tree, self.breakers) and self._is_crowd(select, tree):
            return Made(lowered=self.breakers.crowd)
        if isinstance(tree, exp.AggFunc) and tree.find(exp.Column) is None:
            # How many rows there are.
            return self._select_rows(select)
        found = _all(self._expression(select, part) for part in tree.iter_expressions())
        lowered = self._bucketed(found)
        return lowered if lowered != found and breaker.is_bucket(tree, self.breakers) else found

    def _is_crowd(self, select: Select, aggregate: exp.Expr) -> bool:
        # A column of a select around this one is the same in all rows: no crowd's.
        own = list(select.sources.values())
        read = [source for column in aggregate.find_all(exp.Column) for source, _ in select.find(column)]
        return all(source in own for source in read) and breaker.is_crowd(select.tree, self.customer, self.breakers)

    def _bucketed(self, made: Made) -> Made:
        return Made(lowered=made.lowered | self.breakers.bucketed(made.whole))

    def _inner(self, select: Select, tree: exp.Expr) -> Made:
        if id(tree) not in self._queries:
            self._queries[id(tree)] = Query(tree, select.schema, select.ctes, select)
        query = self._queries[id(tree)]
        return _all(self._source(query, name) for name in query.names()) | self._rows(query)

    def _rows(self, source: Source, name: str = ROW) -> Made:
        if isinstance(source, Table):
            return self._of(Leaf(source.relation, name))
        if isinstance(source, Computed):
            return NOTHING
        return _all(self._select_rows(each, name) for each in source.branches)

    def _select_rows(self, select: Select, name: str = ROW) -> Made:
        # That a row is there says as much as its sources' rows do, and that it passed the filter.
        key = (id(select), name)
        if key not in self._known:
            self._known[key] = NOTHING
            found = _all(self._rows(source, name) for source in select.sources.values())
            # That there are enough of them says nothing of anybody.
            is_crowd = breaker.is_crowd(select.tree, self.customer, self.breakers)
            filters = [select.tree.args.get("where"), None if is_crowd else select.tree.args.get("having")]
            asked = [each for part in filters if part for each in _parts(part.this) if name == ROW or not _is_key(each)]
            found |= _all(self._bucketed(self._expression(select, each)) for each in asked)
            self._known[key] = found | _all(self._met(select, join) for join in select.joins.values())
        return self._known[key]

    def _absent(self, select: Select, source: Source) -> Made:
        # Of a source that an outer join may leave out, a null says that no row passed what was asked, or met the join.
        found = NOTHING
        around: Select | None = select
        while around is not None:
            joins = [join for alias, join in _optional(around) if around.sources[alias] is source]
            found |= _all(self._met(around, join) for join in joins) | (self._rows(source, ASKED) if joins else NOTHING)
            around = around.outer
        return found

    def _met(self, select: Select, join: exp.Join) -> Made:
        key = (id(join), "on")
        if key not in self._known:
            self._known[key] = NOTHING
            asked = [each for each in _parts(join.args.get("on")) if not _is_key(each)]
            self._known[key] = _all(self._bucketed(self._expression(select, each)) for each in asked)
        return self._known[key]


def _parts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    if isinstance(condition, exp.And):
        yield from condition.flatten()
    elif condition is not None:
        yield condition


def _is_key(condition: exp.Expr) -> bool:
    # Two columns are the same: what finds a row's partner, not what is asked of a row.
    return isinstance(condition, exp.EQ) and all(isinstance(side, exp.Column) for side in condition.args.values())


def _optional(select: Select) -> Iterator[tuple[str, exp.Join]]:
    """The sources that a join may leave out, by alias, each with the join."""
    before = [alias for alias in select.sources if alias not in select.joins]
    for alias, join in select.joins.items():
        if join.side in ("LEFT", "FULL"):
            yield alias, join
        if join.side in ("RIGHT", "FULL"):
            yield from ((each, join) for each in before)
        before.append(alias)


def _all(parts: Iterable[Made]) -> Made:
    return reduce(or_, parts, NOTHING)
