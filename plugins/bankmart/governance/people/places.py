"""Where a person is held: every column of every table that says whose a row is or tells something of somebody.

From metadata: the classes of the source contract and of dbt's models, by what the database really has. What nobody
declares (of intermediate models) is a number where lineage leads to one, else what the contract's column of its name
is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from psycopg2 import sql

from bankmart.governance.masking import data_classes
from bankmart.governance.policy import Node
from bankmart.sources import contract
from bankmart.sources.contract import Column
from bankmart.sources.contract import Table as Extract

SCHEMAS = ["sources", "intermediate", "marts", "tags", "features", "scores", "profile", "governance"]
CUSTOMER = "core_banking.customer"
ACCOUNT = "core_banking.account"
IDENTITY, NUMBER, HASH = "identity.customer_id", "account.number", "identity.record_hash"
# An account's or card's number where it is no more than what an event is joined by.
REFERENCE = "account.reference"
# Requests to be forgotten look after themselves (bankmart.governance.people.erase).
OWN = ("erasure", "tombstone", "erasure_work")

COLUMNS = """
select
    space.nspname, relation.relname,
    coalesce((select parent.relname from pg_inherits join pg_class as parent on parent.oid = inhparent
              where inhrelid = relation.oid), relation.relname),
    attribute.attname, format_type(attribute.atttypid, null), not attribute.attnotnull
from pg_class as relation
inner join pg_namespace as space on space.oid = relation.relnamespace
inner join pg_attribute as attribute on attribute.attrelid = relation.oid
where
    relation.relkind = 'r' and space.nspname = any(%s) and attribute.attnum > 0 and not attribute.attisdropped
order by space.nspname, relation.relname, attribute.attnum
"""
MADE_OF = """
with recursive way (relation, name, kind) as (
    select * from unnest(%s::text[], %s::text[], %s::text[])
    union
    select step.to_relation, step.to_column, way.kind
    from way
    inner join governance.lineage as step on step.from_relation = way.relation and step.from_column = way.name
    where step.to_kind not in ('ml', 'exposure', 'marketing')
)
select relation, name, array_agg(kind order by kind) from way group by 1, 2
"""


@dataclass(frozen=True)
class Place:
    """A column. `kind`: whose number it is ("core_banking.customer", "card.card" …), if it is one of a person's.

    `is_free`: a number that only names somebody else, as the account that was paid; its row is not that one's.
    `is_mixed`: made of numbers of several kinds, perhaps with more around them.
    """

    name: str
    data_type: str
    data_class: str
    is_nullable: bool
    kind: str | None = None
    is_free: bool = False
    is_mixed: bool = False

    @property
    def fate(self) -> str:
        """What an erasure does to it: `number` (another takes its place), `empty`, `year`, `hash` or `stay`.

        It follows from how the class is masked: what readers may see stays, as what is said of nobody.
        """
        if self.kind and not self.is_free:
            return "number"
        if self.data_class == HASH:
            return "hash"
        mask = data_classes().get(self.data_class, {}).get("mask", "none")
        return {"none": "stay", "year": "year"}.get(mask, "empty")


@dataclass(frozen=True)
class Table:
    """A table (of a state: one part of it) with its columns; `model` is what it is called in the metadata."""

    schema: str
    name: str
    model: str
    columns: tuple[Place, ...]

    @property
    def relation(self) -> sql.Identifier:
        """Its name, quoted."""
        return sql.Identifier(self.schema, self.name)

    @property
    def owners(self) -> list[Place]:
        """The columns that say whose a row is."""
        return owners(self.columns)

    @property
    def numbers(self) -> list[Place]:
        """All columns with numbers of persons."""
        return [place for place in self.columns if place.kind]


def owners(columns: Iterable[Place]) -> list[Place]:
    """Of some columns those that say whose a row is: the customer's; without them the account's or the card's."""
    numbers = [place for place in columns if place.kind and not place.is_free and not place.is_mixed]
    return [place for place in numbers if place.kind == CUSTOMER] or numbers


@cache
def kinds() -> dict[str, str]:
    """Numbers that lead to a person: the extract that gives them ("card.card") → its key, in the order of the contract.

    Those of customers, and of what changes and belongs to one: accounts, cards, contracts, orders. A number of an event
    leads to nobody without these.
    """
    found: dict[str, str] = {}
    for system, tables in contract.load().items():
        for table in tables.values():
            name = f"{system}.{table.name}"
            leads = name == CUSTOMER or any(
                column.data_class == IDENTITY or column.references in found for column in table.columns
            )
            if table.extract == "delta" and len(table.key) == 1 and leads:
                found[name] = table.key[0]
    return found


def kind_of(table: Extract, column: Column) -> tuple[str | None, bool]:
    """The kind of number that an extract's column holds, and whether it is free."""
    name = f"{table.system}.{table.name}"
    if column.data_class == IDENTITY:
        return CUSTOMER, False
    if kinds().get(name) == column.name:
        return name, False
    if column.references in kinds():
        return column.references, False
    return (ACCOUNT, True) if column.data_class == NUMBER else (None, False)


def places(table: Extract) -> list[Place]:
    """The columns of an extract."""
    return [
        Place(each.name, each.data_type, each.data_class, each.is_nullable, *kind_of(table, each))
        for each in table.columns
    ]


def tables(cursor: Any, manifest: Node) -> list[Table]:
    """Every table of the warehouse that holds something of persons."""
    known, named, made = _declared(manifest), _by_name(), _made_of(cursor, manifest)
    grouped: dict[tuple[str, str, str], list[Place]] = defaultdict(list)
    cursor.execute(COLUMNS, (SCHEMAS,))
    for schema, name, model, column, data_type, is_nullable in cursor.fetchall():
        declared, meant = known.get((schema, model, column)), named.get(column)
        data_class = declared or (meant.data_class if meant else "platform")
        kind, is_free = (meant.kind, meant.is_free) if meant else (None, False)
        found = made.get((f"{schema}.{model}", column), [])
        if data_class == IDENTITY:
            kind = CUSTOMER
        elif kind is None and declared is None and data_type == "text" and found:
            kind = found[0]
        is_mixed = declared is None and len(found) > 1
        grouped[schema, name, model].append(Place(column, data_type, data_class, is_nullable, kind, is_free, is_mixed))
    all_tables = [Table(*names, tuple(columns)) for names, columns in grouped.items() if names[1] not in OWN]
    return [table for table in all_tables if table.numbers]


def _made_of(cursor: Any, manifest: Node) -> dict[tuple[str, str], list[str]]:
    """Relation and column → the kinds of numbers that it is made of, by the lineage that was published last."""
    starts = [
        (f"sources.{table.identifier}", place.name, place.kind)
        for extracts in contract.load().values()
        for table in extracts.values()
        for place in places(table)
        if place.kind
    ]
    starts += [
        (f"{node['schema']}.{node.get('identifier') or node['name']}", name, CUSTOMER)
        for node in manifest["sources"].values()
        for name, column in node["columns"].items()
        if column["config"]["meta"].get("class") == IDENTITY
    ]
    cursor.execute(MADE_OF, [list(values) for values in zip(*starts, strict=True)])
    return {(relation, name): found for relation, name, found in cursor.fetchall()}


def _declared(manifest: Node) -> dict[tuple[str, str, str], str]:
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    return {
        (node["schema"], node.get("alias") or node.get("identifier") or node["name"], name): meta["class"]
        for node in nodes
        for name, column in node.get("columns", {}).items()
        if (meta := column["config"]["meta"]).get("class")
    }


@cache
def _by_name() -> dict[str, Place]:
    # The strictest where a name means several things: in a row that is a customer's, `name` is the customer's.
    found: dict[str, Place] = {}
    for tables_ in contract.load().values():
        for table in tables_.values():
            for place in places(table):
                if place.name not in found or _grade(place) > _grade(found[place.name]):
                    found[place.name] = place
    return found


def _grade(place: Place) -> tuple[bool, int]:
    return place.kind is not None, int(data_classes().get(place.data_class, {}).get("grade", 0))
