"""Columns that hold what their class denies: a sample of the values of text columns whose class is low, or shown.

A column is looked at when it is new or has another class, then every thirtieth date, and each date while something is
found in it: a day pays for a few columns, not for all.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from zlib import crc32

from psycopg2 import sql
from psycopg2.extras import execute_values

from bankmart import db, dbt
from bankmart.governance.build import Build
from bankmart.governance.masking import data_classes, mask_example
from bankmart.governance.policy import Node as Described
from bankmart.governance.policy import layer as layer_of
from bankmart.governance.policy import models
from bankmart.governance.quality import likeness
from bankmart.governance.quality.likeness import KINDS, Kind, Likeness
from bankmart.results import Node

# Values of a column that are looked at.
SAMPLE = 2000
EVERY = 30
OWNER = "data-platform"
TEXTS = ("text", "character varying", "varchar")
# What the platform writes itself.
OWN = ("platform",)
LOOKED = "select table_name, column_name, data_class, finding is not null from governance.content_look"
KEEP = """
insert into governance.content_look (table_name, column_name, data_class, business_date, value_count, finding)
values %s
on conflict (table_name, column_name) do update set
    data_class = excluded.data_class, business_date = excluded.business_date, value_count = excluded.value_count,
    finding = excluded.finding, looked_at = clock_timestamp()
"""


@dataclass(frozen=True)
class Column:
    """A text column that might hold more than its class says, and the kinds that it must not hold."""

    relation: str
    name: str
    data_class: str
    kinds: tuple[Kind, ...]
    owner: str


def check(build: Build, layer: str) -> list[Node]:
    """One check per column in which something is found, and one of all that were looked at."""
    started = time.perf_counter()
    found: list[tuple[Column, int, list[Likeness]]] = []
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(LOOKED)
        known = {(table, column): (data_class, is_found) for table, column, data_class, is_found in cursor.fetchall()}
        due: dict[str, list[Column]] = defaultdict(list)
        for column in columns(layer):
            if _is_due(column, known.get((column.relation, column.name)), build):
                due[column.relation].append(column)
        for relation, those in due.items():
            found += look(cursor, relation, those, build)
        rows = [(each.relation, each.name, each.data_class, build.business_date, count,
                 said(each, those) if those else None) for each, count, those in found]  # fmt: skip
        execute_values(cursor, KEEP, rows)
    # What was found last time and is mended has to say so: a gate goes by the newest word on each.
    mended = [
        column for column, _, likes in found if not likes and known.get((column.relation, column.name), ("", 0))[1]
    ]
    nodes = [_node(column, likes) for column, _, likes in found if likes] + [_clean(column) for column in mended]
    about = f"{len(found)} columns looked at"
    return [*nodes, _passed(layer, about, time.perf_counter() - started)] if found else nodes


def columns(layer: str) -> Iterator[Column]:
    """The text columns of what a layer's gate answers for whose class is below what a kind needs, or is shown whole."""
    manifest = dbt.manifest()
    nodes: Sequence[Described] = (
        [node for node in manifest["sources"].values() if node["schema"] == "sources"]
        if layer == "staging"
        else [node for node in models(manifest) if layer_of(node) == layer]
    )
    # Once: there are thousands of pairs of a column and a kind.
    denied = cache(partial(_denied, data_classes()))
    for node in nodes:
        relation = f"{node['schema']}.{node.get('identifier') or node['alias']}"
        owner = str(node["config"]["meta"].get("owner") or OWNER)
        for name, column in node["columns"].items():
            meta = column["config"]["meta"]
            data_class = str(meta.get("class") or "")
            if column.get("data_type") not in TEXTS or data_class in OWN or meta.get("values") or meta.get("content"):
                continue
            if kinds := denied(data_class):
                yield Column(relation, name, data_class, kinds, owner)


def _denied(known: Mapping[str, Mapping[str, Any]], data_class: str) -> tuple[Kind, ...]:
    """The kinds whose values have no business in a column of the class."""
    return tuple(kind for kind in KINDS if _denies(known, data_class, kind))


def _denies(known: Mapping[str, Mapping[str, Any]], data_class: str, kind: Kind) -> bool:
    about, own = known.get(data_class, {"grade": 0, "mask": "none"}), known.get(kind.data_class, {"grade": kind.grade})
    if kind.is_secret:
        return not about.get("vault")
    # A token says nothing; whose names are known to be there (staff.name) is not told so again.
    if about.get("vault") or data_class.rpartition(".")[2] == kind.data_class.rpartition(".")[2]:
        return False
    return bool(about["grade"] < own["grade"] or about["mask"] == "none")


def _is_due(column: Column, before: tuple[str, bool] | None, build: Build) -> bool:
    if before is None or before[1] or before[0] != column.data_class:
        return True
    return crc32(f"{column.relation}.{column.name}".encode()) % EVERY == build.business_date.toordinal() % EVERY


def look(
    cursor: Any, relation: str, those: Sequence[Column], build: Build
) -> Iterator[tuple[Column, int, list[Likeness]]]:
    """Each column of one table, with how many of its values were seen and what they look like."""
    cursor.execute("select to_regclass(%s) is not null", (relation,))
    if not db.one(cursor)[0]:
        return
    # What the date brought, by the key of a source's table, by the parts or the block index of a mart's.
    mark, own = (
        ("business_date", build.business_date) if relation.startswith("sources.") else ("build_id", build.build_id)
    )
    statement = sql.SQL("select {} from {} where {} = {} limit {}").format(
        sql.SQL(", ").join(sql.Identifier(column.name) for column in those),
        sql.Identifier(*relation.split(".", 1)),
        sql.Identifier(mark),
        sql.Literal(own),
        sql.Literal(SAMPLE),
    )
    cursor.execute(statement)
    for column, values in zip(those, zip(*cursor.fetchall(), strict=True), strict=False):
        if any(values):
            yield column, sum(bool(value) for value in values), likeness.of_values(values, column.kinds)


def said(column: Column, those: Sequence[Likeness]) -> str:
    """What a column looks like, with masked examples."""
    parts = [
        f"{one.kind.name} in {one.share:.0%} of the values looked at, such as "
        f"{', '.join(str(mask_example(value, one.kind.grade)) for value in one.values)}"
        for one in those
    ]
    return f"{column.relation}.{column.name} (class {column.data_class or 'none'}) seems to hold {'; '.join(parts)}"


def _node(column: Column, those: Sequence[Likeness]) -> Node:
    stops = any(one.stops for one in those)
    wanted = " or ".join(dict.fromkeys(one.kind.data_class for one in those))
    remedy = (
        f"readers would see them as that class allows. Give the column class {wanted}; where they are something else, "
        "say what, in its config.meta.content"
    )
    if any(one.kind.is_secret for one in those):
        remedy = (
            "what authenticates a person (category C3) may not enter the platform, under any class. The source must "
            "not send it; take what was delivered out of the landing folder and the table"
        )
    return Node(
        node_id=f"content.{column.relation}.{column.name}",
        name=_name(column),
        resource_type="test",
        severity="error" if stops else "warn",
        status="fail" if stops else "warn",
        rows=None,
        failures=sum(one.count for one in those),
        seconds=0.0,
        message=f"{said(column, those)}: {remedy}",
        compiled=None,
        owner=column.owner,
    )


def _clean(column: Column) -> Node:
    return Node(
        node_id=f"content.{column.relation}.{column.name}", name=_name(column), resource_type="test", severity="warn",
        status="pass", rows=None, failures=0, seconds=0.0, message="nothing is found any more", compiled=None,
        owner=column.owner,
    )  # fmt: skip


def _name(column: Column) -> str:
    return f"content_{column.relation.replace('.', '__')}__{column.name}"


def _passed(layer: str, message: str, seconds: float) -> Node:
    return Node(
        node_id=f"content.{layer}", name=f"content_{layer}", resource_type="test", severity="warn", status="pass",
        rows=None, failures=0, seconds=seconds, message=message, compiled=None, owner=OWNER,
    )  # fmt: skip
