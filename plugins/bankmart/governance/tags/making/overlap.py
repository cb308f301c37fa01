"""How a tag looks on a sample: coverage, values, and which other tags say nearly the same (Cramér's V)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import psycopg2
from psycopg2 import sql

from bankmart import db
from bankmart.governance.tags.registry import Tag
from bankmart.governance.tags.trial import TrialError

NONE = "(none)"


def sample(compiled: str, column: str, customers: int) -> pd.Series:
    """customer_id → value (None where it has none), of at most so many customers, the same ones every time.

    Raises TrialError with the database's words where the select fails.
    """
    query = sql.SQL(
        "select customer_id, {column}::text from ({compiled}) as model order by md5(customer_id) limit {most}"
    ).format(column=sql.Identifier(column), compiled=sql.SQL(compiled), most=sql.Literal(customers))
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("set transaction read only")
        try:
            cursor.execute(query)
        except psycopg2.Error as error:
            raise TrialError(f"the tag can't be computed: {str(error).strip()}") from error
        rows = cursor.fetchall()
    return pd.Series(dict(rows), dtype=object)


def overlaps(values: pd.Series, tags: Sequence[Tag], build_id: int) -> list[tuple[str, float]]:
    """(tag, Cramér's V with the sampled values) of every published tag, the nearest first."""
    by_relation: dict[str, list[Tag]] = defaultdict(list)
    for tag in tags:
        by_relation[tag.relation].append(tag)
    found = []
    for relation, held in by_relation.items():
        frame = _rows(relation, [tag.column for tag in held], list(values.index), build_id)
        both = frame.join(values.rename("tried"), how="inner") if frame is not None else pd.DataFrame()
        for tag in held if len(both) else ():
            crossed = pd.crosstab(both["tried"].fillna(NONE), both[tag.column].fillna(NONE))
            found.append((tag.column, cramers_v(crossed)))
    return sorted(found, key=lambda each: (-each[1], each[0]))


def cramers_v(crossed: pd.DataFrame) -> float:
    """√(χ² / (n · (min(rows, columns) − 1))), 0 to 1; 0 where one of the two has a single value (Cramér, 1946)."""
    counts = crossed.to_numpy(dtype=float)
    whole, least = counts.sum(), min(counts.shape) - 1
    if whole == 0 or least == 0:
        return 0.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / whole
    return float((((counts - expected) ** 2 / expected).sum() / whole / least) ** 0.5)


def evaluate(expression: str, rows: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> list[Any]:
    """What the database makes of an expression for each row of inputs. Raises TrialError with its words."""
    found = []
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("set transaction read only")
        for row in rows:
            cells = sql.SQL(", ").join(
                sql.SQL("{}::{} as {}").format(
                    sql.Literal(value), sql.SQL(types.get(name, "double precision")), sql.Identifier(name)
                )
                for name, value in row.items()
            )
            try:
                cursor.execute(
                    sql.SQL("select {} from (select {}) as input").format(sql.SQL(expression), cells),
                )
            except psycopg2.Error as error:
                raise TrialError(f"--expression can't be computed: {str(error).strip()}") from error
            found.append(db.one(cursor)[0])
    return found


def _rows(relation: str, columns: list[str], customers: list[str], build_id: int) -> pd.DataFrame | None:
    schema, _, table = relation.partition(".")
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select column_name from information_schema.columns where table_schema = %s and table_name = %s",
            (schema, table),
        )
        there = {column for (column,) in cursor.fetchall()}
        if not there:
            return None
        cells = sql.SQL(", ").join(
            sql.SQL("{}::text").format(sql.Identifier(column) if column in there else sql.SQL("null"))
            for column in columns
        )
        cursor.execute(
            sql.SQL("select customer_id, {} from {} where build_id = %s and customer_id = any(%s)").format(
                cells, sql.Identifier(schema, table)
            ),
            (build_id, customers),
        )
        return pd.DataFrame(cursor.fetchall(), columns=["customer_id", *columns]).set_index("customer_id")
