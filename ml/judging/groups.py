"""The groups of customers that a model is judged by: read from the marts' group table, small ones pooled."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from psycopg2 import sql
from pyarrow import csv

from bankmart import db
from ml.data.build import Build
from ml.data.columns import column_types
from ml.data.training import TrainingSet, as_date

if TYPE_CHECKING:
    from psycopg2.extensions import connection

TABLE = ("features", "ftr_group")
SENSITIVE = ("sex", "age_band", "region")
SLICES = ("region", "asset_tier", "tenure_band")
BRANCH = "branch_id"
UNKNOWN, POOLED = "unknown", "others, pooled"
SMALL_ROWS, SMALL_POSITIVES = 200, 10


class Grouped:
    """A data set of the bank's own customers, whose groups can be looked up."""

    build: Build
    customers: np.ndarray
    day: np.ndarray

    def groups(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Attribute → group (k,) of the k rows in the mask (n,); empty where the bank has no group table."""
        with db.connect("scorer") as link:
            return read_groups(link, self.build.build_id, self.customers[rows], self.day[rows])


@dataclass(frozen=True)
class GroupedSet(Grouped, TrainingSet):
    """A training set of the bank's own customers."""


def groups_of(data: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The groups of the rows in the mask; empty for data that are not the bank's customers."""
    return data.groups(rows) if isinstance(data, Grouped) else {}


def read_groups(link: connection, build_id: int, customers: np.ndarray, day: np.ndarray) -> dict[str, np.ndarray]:
    """Attribute → group (n,) of `customers` (n,) bytes as of `day` (n,) days since 1970.

    A row that the table lacks is `unknown`; where there is no table the result is empty.
    """
    there = column_types(link, TABLE)
    names = [name for name in dict.fromkeys((*SENSITIVE, *SLICES, BRANCH)) if name in there]
    if not names:
        return {}
    query = sql.SQL(
        "copy (select as_of_date - date '1970-01-01' as day, customer_id, {names} from {table}"
        " where build_id = {build} and as_of_date = any({dates}::date[])) to stdout (format csv, header)"
    ).format(
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        table=sql.Identifier(*TABLE),
        build=sql.Literal(build_id),
        dates=sql.Literal([as_date(one) for one in np.unique(day)]),
    )
    text = io.BytesIO()
    with link.cursor() as cursor:
        cursor.copy_expert(query, text)
    text.seek(0)
    kinds = {"day": pa.int64()} | dict.fromkeys(("customer_id", *names), pa.string())
    table = csv.read_csv(text, convert_options=csv.ConvertOptions(column_types=kinds, strings_can_be_null=False))
    known = pd.MultiIndex.from_arrays([table["day"].to_numpy(), table["customer_id"].to_pylist()])
    rows = known.get_indexer(pd.MultiIndex.from_arrays([day.astype(np.int64), [one.decode() for one in customers]]))
    found = {}
    for name in names:
        values = np.array([*table[name].to_pylist(), UNKNOWN], dtype=object)
        values[values == ""] = UNKNOWN
        found[name] = values[rows]
    return found


def group_days(link: connection, build_id: int) -> np.ndarray:
    """The as-of dates (k,) whose groups a build knows, days since 1970, oldest first."""
    if not column_types(link, TABLE):
        return np.empty(0, dtype=np.int64)
    with link.cursor() as cursor:
        query = "select distinct as_of_date - date '1970-01-01' from {} where build_id = %s order by 1"
        cursor.execute(sql.SQL(query).format(sql.Identifier(*TABLE)), (build_id,))
        return np.array([day for (day,) in cursor.fetchall()], dtype=np.int64)


def unknown(groups: Mapping[str, np.ndarray]) -> str:
    """Why no group can be compared, where nobody's sex, age or region is known; else nothing."""
    there = [name for name in SENSITIVE if name in groups]
    if not there:
        return f"there is no table {'.'.join(TABLE)} with {', '.join(SENSITIVE)}"
    if all((groups[name] == UNKNOWN).all() for name in there):
        return f"{'.'.join(TABLE)} knows nobody's {', '.join(there)}"
    return ""


def pooled(groups: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The groups (n,), those with few rows or few positives together in one."""
    names, place = np.unique(groups.astype(str), return_inverse=True)
    rows = np.bincount(place, minlength=len(names))
    positives = np.bincount(place, label, minlength=len(names))
    is_small = (rows < SMALL_ROWS) | (positives < SMALL_POSITIVES)
    # A single small group pooled with nobody would only lose its name.
    if is_small.sum() < 2:
        return names.astype(object)[place]
    return np.where(is_small, POOLED, names).astype(object)[place]


def members(
    groups: Mapping[str, np.ndarray], names: Sequence[str], label: np.ndarray
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Attribute, group and mask (n,) of every group, small ones pooled; an attribute with one group says nothing."""
    for name in names:
        if name not in groups:
            continue
        together = pooled(groups[name], label)
        kinds = sorted(set(together.tolist()))
        if len(kinds) < 2:
            continue
        for kind in kinds:
            yield name, kind, together == kind
