"""Masks, by the data class that a column names: for published views, and for examples in logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from psycopg2 import sql

from bankmart.errors import BankmartError
from bankmart.governance import project

MASKS = {
    "none": "{column}",
    "hide": "null::{type}",
    # Never more than half of it.
    "ends": "case when length({column}) >= 8 then left({column}, 2) || '***' || right({column}, 2)"
    " when {column} is not null then '*******' end",
    # A name of one character has no surname to show.
    "surname": "case when length({column}) >= 2 then left({column}, 1) || '**'"
    " when {column} is not null then '***' end",
    # Between two centuries that have no leap year at their end every fourth year is one, and whole numbers are a third
    # of the cost. As a timestamp without a zone: the other way asks the reader's time zone.
    "year": "case when {column} between '1901-01-01' and '2099-12-31'"
    " then date '1901-01-01' + 1461 * ((4 * ({column} - date '1901-01-01') + 3) / 1461) / 4"
    " else date_trunc('year', {column}::timestamp)::date end",
}
# A token of the vault begins with so many characters that the mask shows of its value (bankmart.vault.tokenise). A cast
# cuts there; `left` counts the characters of all of it first.
WORN = {"ends": 7, "surname": 3}
# Behind it stands this, as in every token.
SHAPE = "[0-9a-f]{32}"
# A filler is nobody's value. The beginning of a shorter one would be all of it.
FILLERS = {mask: "*" * 2 * worn for mask, worn in WORN.items()}
# What a mask is made for; `none` and `hide` are for every type.
TYPES = {"ends": "text", "surname": "text", "year": "date"}
SHOWN_TYPES = (bool, int, float)


def data_classes() -> dict[str, dict[str, Any]]:
    """`vars.data_classes` of dbt_project.yml: class → grade, category, mask, retention, purpose."""
    classes: dict[str, dict[str, Any]] = project.variables()["data_classes"]
    return classes


def masked_column(name: str, data_type: str, data_class: str) -> sql.Composable:
    """The SQL that shows a column of table `base` as its class allows, under its own name; in clear to nobody.

    Who may read a class in clear asks for it with a reason (`bankmart vault show`, `bankmart clear`).

    Raises BankmartError for a class that vars.data_classes doesn't have.
    """
    known = data_classes()
    if data_class not in known:
        raise BankmartError(
            f"column {name} names class {data_class!r}, which vars.data_classes in dbt_project.yml does not have: "
            f"use one of {', '.join(sorted(known))}"
        )
    about, column = known[data_class], sql.Identifier("base", name)
    expression: sql.Composable = masked(about["mask"], column, data_type, is_token=bool(about.get("vault")))
    return sql.SQL("{} as {}").format(expression, sql.Identifier(name))


def masked(mask: str, column: sql.Composable, data_type: str, *, is_token: bool = False) -> sql.Composed:
    """The SQL of a mask over a column of values, or of the vault's tokens of them."""
    if is_token and mask in WORN:
        return sql.SQL("{}::varchar({})::text").format(column, sql.Literal(WORN[mask]))
    return sql.SQL(MASKS[mask]).format(column=column, type=sql.SQL(data_type))


def shows_too_much(data_class: str, column: sql.Composable, data_type: str) -> sql.Composed | None:
    """The condition of values that their mask shows whole, or, of what the vault keeps, that are no token.

    None for a class whose mask hides nothing, or whose mask may show a whole value rightly: a day that begins its year.
    """
    about = data_classes()[data_class]
    mask = about["mask"]
    if mask not in ("ends", "surname", "hide"):
        return None
    if about.get("vault") and mask in WORN:
        # Nothing that the mask shows is anybody's clear value. An erased text stays.
        held = rf"^(.{{{WORN[mask]}}}{SHAPE}|{re.escape(FILLERS[mask])}|erased|)$"
        return sql.SQL("{} !~ {}").format(column, sql.Literal(held))
    return sql.SQL("{column} is not null and {column}::text = ({mask})::text").format(
        column=column, mask=masked(mask, column, data_type)
    )


def mask_rows(cursor: Any, grades: Mapping[str, int], unknown: int) -> list[dict[str, Any]]:
    """The rows of a query as a log may show them; `grades` by column, `unknown` for those of none."""
    names = [column.name for column in cursor.description or ()]
    return [
        {name: mask_example(value, grades.get(name, unknown)) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    ]


def mask_example(value: Any, grade: int) -> Any:
    """A value as a log may show it: of grade 2 and above the first character is left; numbers stay."""
    if value is None or isinstance(value, SHOWN_TYPES):
        return value
    text = str(value)
    return text if grade <= 1 else f"{text[:1]}***"
