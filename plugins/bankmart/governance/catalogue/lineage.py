"""Column lineage across models: what a column is made of down to the sources, and what is made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

from bankmart.governance.catalogue import query
from bankmart.governance.catalogue.query import ROW, Leaf, Leaves, Query
from bankmart.governance.policy import Node, models


class Lineage:
    """The columns of all models. `compiled`: relation → SQL; `known`: relation → columns of what is not compiled."""

    def __init__(self, compiled: Mapping[str, str], known: Mapping[str, list[str]], order: list[str]) -> None:
        schema: dict[str, list[str]] = dict(known)
        self.queries: dict[str, Query] = {}
        # A model is read after those that it reads, so that `select *` is known.
        for relation in [name for name in order if name in compiled]:
            self.queries[relation] = query.parse(compiled[relation], schema)
            schema[relation] = self.queries[relation].names()
        self.schema = schema
        self._sources: dict[Leaf, Leaves] = {}

    def direct(self, column: Leaf) -> Leaves:
        """The columns that a column is made of, one model back; what a state reads of itself is followed through."""
        if column.relation not in self.queries:
            return frozenset()
        made, found = self.queries[column.relation], set()
        reached, waiting = {column}, [column]
        while waiting:
            own = waiting.pop()
            leaves = made.rows() if own.column == ROW else made.leaves(own.column)
            found |= {leaf for leaf in leaves if leaf.relation != column.relation}
            again = {leaf for leaf in leaves if leaf.relation == column.relation} - reached
            reached |= again
            waiting += again
        return frozenset(found)

    def sources(self, column: Leaf) -> Leaves:
        """The source columns that a column is made of, through all models."""
        if column not in self._sources:
            self._sources[column] = frozenset()
            if column.relation in self.queries:
                found = frozenset(leaf for part in self.direct(column) for leaf in self.sources(part))
            else:
                found = frozenset({column})
            self._sources[column] = found
        return self._sources[column]

    @cached_property
    def users(self) -> dict[Leaf, set[Leaf]]:
        """Column → the columns of other models that are made of it."""
        found: dict[Leaf, set[Leaf]] = defaultdict(set)
        for relation in self.queries:
            for name in self.schema[relation]:
                for part in self.direct(Leaf(relation, name)):
                    found[part].add(Leaf(relation, name))
        return found

    def named(self, name: str) -> list[Leaf]:
        """The columns of a name: `aum_tier`, `tag_value.aum_tier` or `tags.tag_value.aum_tier`."""
        place, _, column = name.rpartition(".")
        return [
            Leaf(relation, column)
            for relation, columns in self.schema.items()
            if column in columns and (not place or relation == place or relation.endswith(f".{place}"))
        ]


def order(manifest: Node) -> list[str]:
    """The relations of all models, each after those that it reads."""
    from bankmart.governance.catalogue.compiled import relation

    nodes = {node["unique_id"]: node for node in models(manifest)}
    placed: dict[str, None] = {}

    def place(name: str) -> None:
        if name in nodes and relation(nodes[name]) not in placed:
            for read in nodes[name]["depends_on"]["nodes"]:
                if read != name:
                    place(read)
            placed[relation(nodes[name])] = None

    for name in nodes:
        place(name)
    return list(placed)
