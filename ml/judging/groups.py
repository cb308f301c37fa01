"""The groups of customers that a model is judged by: read from the marts' group table, small ones pooled."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from psycopg2 import sql
from pyarrow import csv

from ml.data.columns import column_types

if TYPE_CHECKING:
    from psycopg2.extensions import connection

TABLE = ("features", "ftr_group")
SENSITIVE = ("sex", "age_band", "region")
SLICES = ("region", "asset_tier", "tenure_band")
BRANCH = "branch_id"
UNKNOWN, POOLED = "unknown", "others, pooled"
SMALL_ROWS, SMALL_POSITIVES = 200, 10


def read_groups(
    link: connection, build_id: int, customers: np.ndarray, dates: Sequence[date], day: np.ndarray
) -> dict[str, np.ndarray]:
    """Attribute → group (n,) of the rows, which are `customers` (n,) bytes as of `day` (n,) days since 1970.

    `dates` are the dates that `day` holds. A row that the table lacks is `unknown`; where there is no table the
    result is empty.
    """
    there = column_types(link, TABLE)
    names = [name for name in dict.fromkeys((*SENSITIVE, *SLICES, BRANCH)) if name in there]
    if not names:
        return {}
    query = sql.SQL(
        "copy (select as_of_date - date '1970-01-01', customer_id, {names} from {table} where build_id = {build}"
        " and as_of_date = any({dates}) order by 1, 2) to stdout (format csv, header)"
    ).format(
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        table=sql.Identifier(*TABLE),
        build=sql.Literal(build_id),
        dates=sql.Literal(list(dates)),
    )
    text = io.BytesIO()
    with link.cursor() as cursor:
        cursor.copy_expert(query, text)
    text.seek(0)
    strings = {name: "string" for name in ("customer_id", *names)}
    table = csv.read_csv(text, convert_options=csv.ConvertOptions(column_types=strings, strings_can_be_null=False))
    keys = [f"{when}/{customer}" for when, customer in zip(*(column.to_pylist() for column in table.columns[:2]), strict=True)]
    at = {key: place for place, key in enumerate(keys)}
    rows = np.array([at.get(f"{when}/{one.decode()}", -1) for when, one in zip(day.tolist(), customers.tolist(), strict=True)])
    found = {}
    for name in names:
        values = np.array([*table[name].to_pylist(), UNKNOWN], dtype=object)
        values[values == ""] = UNKNOWN
        found[name] = values[rows]
    return found


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


def members(groups: Mapping[str, np.ndarray], names: Sequence[str], label: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
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
