"""Masks, by the data class that a column names: for published views, and for examples in logs."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from bankmart.errors import BankmartError
from bankmart.governance import project

MASKS = {
    "none": "{column}",
    "hide": "null::{type}",
    "ends": "case when length({column}) > 4 then left({column}, 2) || '***' || right({column}, 2)"
    " when {column} is not null then '***' end",
    "surname": "left({column}, 1) || '**'",
    "year": "date_trunc('year', {column})::date",
}
SHOWN_TYPES = (bool, int, float)


def data_classes() -> dict[str, dict[str, Any]]:
    """`vars.data_classes` of dbt_project.yml: class → grade, category, mask, retention."""
    classes: dict[str, dict[str, Any]] = project.variables()["data_classes"]
    return classes


def masked_column(name: str, data_type: str, data_class: str) -> sql.Composable:
    """The SQL that shows a column of table `base` as its class allows, under its own name.

    Raises BankmartError for a class that vars.data_classes doesn't have.
    """
    known = data_classes()
    if data_class not in known:
        raise BankmartError(
            f"column {name} names class {data_class!r}, which vars.data_classes in dbt_project.yml does not have: "
            f"use one of {', '.join(sorted(known))}"
        )
    expression = sql.SQL(MASKS[known[data_class]["mask"]]).format(
        column=sql.Identifier("base", name), type=sql.SQL(data_type)
    )
    return sql.SQL("{} as {}").format(expression, sql.Identifier(name))


def mask_example(value: Any, grade: int) -> Any:
    """A value as a log may show it: text of grade 3 and above keeps its first character, numbers stay."""
    if value is None or isinstance(value, SHOWN_TYPES):
        return value
    text = str(value)
    return text if grade <= 1 else f"{text[:1]}***"
