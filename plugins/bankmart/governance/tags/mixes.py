"""How the values of each tag are mixed: counted in one pass per tag table, kept per build, read back as a history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from psycopg2 import sql
from psycopg2.extras import execute_values

from bankmart import db
from bankmart.governance.build import Build
from bankmart.governance.tags.registry import Tag

# A value that the tag does not declare, and none at all.
OTHER, NONE = "(other)", "(none)"
# Tables that are counted beside one another.
AT_ONCE = 2


@dataclass(frozen=True)
class Mix:
    """Customers by value of one tag on one date; customers without a value are under `(none)`."""

    day: date
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def customers(self) -> int:
        """All customers."""
        return sum(self.counts.values())

    @property
    def filled(self) -> int:
        """Customers with a value."""
        return self.customers - self.counts.get(NONE, 0)

    def shares(self, values: Iterable[str]) -> list[float]:
        """The share of each value among all customers, 0 where there are none."""
        whole = self.customers
        return [self.counts.get(value, 0) / whole if whole else 0.0 for value in values]


def count(build: Build, tags: list[Tag]) -> dict[str, Mix]:
    """Column → its mix in this build; each tag table is read once, however many tags it has, two at a time."""
    by_relation: dict[str, list[Tag]] = defaultdict(list)
    for tag in tags:
        by_relation[tag.relation].append(tag)
    tables = list(by_relation.values())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = pool.map(_count_tables, [build] * AT_ONCE, [tables[number::AT_ONCE] for number in range(AT_ONCE)])
        return {column: mix for part in parts for column, mix in part.items()}


def _count_tables(build: Build, tables: list[list[Tag]]) -> dict[str, Mix]:
    with db.connect("platform") as link, link.cursor() as cursor:
        return {column: mix for held in tables for column, mix in _count(cursor, build, held).items()}


def _count(cursor: Any, build: Build, held: list[Tag]) -> dict[str, Mix]:
    # The tags of one table.
    cells: list[sql.Composable] = [sql.SQL("count(*)")]
    for tag in held:
        column = sql.Identifier(tag.column)
        cells.append(sql.SQL("count({})").format(column))
        # Compared as what it is: a cast to text per row and value would cost more than the pass.
        cells += [
            sql.SQL("count(*) filter (where {} = {}::{})").format(column, sql.Literal(value), sql.SQL(tag.data_type))
            for value in tag.known_values
        ]
    cursor.execute(
        sql.SQL("select {} from {} where build_id = %s").format(
            sql.SQL(", ").join(cells), sql.Identifier(*held[0].relation.split(".", 1))
        ),
        (build.build_id,),
    )
    customers, *counted = cursor.fetchone()
    found = {}
    for tag in held:
        filled, *values = (counted.pop(0) for _ in range(len(tag.known_values) + 1))
        counts = dict(zip(tag.known_values, values, strict=True))
        counts |= {OTHER: filled - sum(values), NONE: customers - filled}
        found[tag.column] = Mix(build.business_date, {value: number for value, number in counts.items() if number})
    return found


def keep(cursor: Any, build: Build, mixes: Mapping[str, Mix]) -> None:
    """Write the mixes of a build, in place of what it wrote before; what an unpublished try of the date left goes."""
    cursor.execute(
        "delete from governance.tag_mix where tag = any(%s) and (build_id = %s or business_date = %s"
        " and build_id not in (select build_id from governance.publication))",
        (list(mixes), build.build_id, build.business_date),
    )
    rows = [
        (build.build_id, build.business_date, tag, value, number)
        for tag, mix in mixes.items()
        for value, number in mix.counts.items()
    ]
    execute_values(
        cursor,
        "insert into governance.tag_mix (build_id, business_date, tag, value, customer_count) values %s",
        rows,
        page_size=1000,
    )


def history(cursor: Any, before: date, days: int) -> dict[str, list[Mix]]:
    """Column → its mixes on the published dates of the `days` days before a date, in order."""
    cursor.execute(
        "select mix.tag, mix.business_date, jsonb_object_agg(mix.value, mix.customer_count)"
        " from governance.tag_mix as mix inner join governance.publication as publication"
        " on mix.build_id = publication.build_id"
        " where mix.business_date < %(before)s and mix.business_date >= %(before)s - %(days)s"
        " group by mix.tag, mix.business_date order by mix.business_date",
        {"before": before, "days": days},
    )
    found: dict[str, list[Mix]] = defaultdict(list)
    for tag, day, counts in cursor.fetchall():
        found[tag].append(Mix(day, counts))
    return found
