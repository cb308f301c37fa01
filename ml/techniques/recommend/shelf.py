"""The products of a build's date: what they are, and to whom they may be offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql

if TYPE_CHECKING:
    from datetime import date

    from psycopg2.extensions import connection

PRODUCTS = ("features", "ftr_product")
INVESTED = ("wealth", "fund", "insurance")
# Of a product, what a source may cease to tell.
TOLD = ("risk_level", "interest_rate", "term_months")


@dataclass(frozen=True)
class Shelf:
    """Products by id (arrays (products,), NaN where a number isn't there)."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    lines: tuple[str, ...]
    risk_level: np.ndarray
    interest_rate: np.ndarray
    term_months: np.ndarray
    on_sale: np.ndarray
    has_rule: np.ndarray
    needs_assessment: np.ndarray
    from_years: np.ndarray
    to_years: np.ndarray
    taken: np.ndarray

    def __len__(self) -> int:
        """How many products there are."""
        return len(self.ids)

    @property
    def numbers(self) -> np.ndarray:
        """What is told of a product in numbers (products, len(TOLD))."""
        return np.column_stack([getattr(self, name) for name in TOLD])

    @property
    def line_of(self) -> np.ndarray:
        """(products, lines) 0/1, the lines in alphabetical order."""
        lines = sorted(set(self.lines))
        return np.array([[float(line == one) for one in lines] for line in self.lines])

    def places(self, other: Shelf) -> list[int]:
        """Where each of another shelf's products is on this one; -1 for one that isn't."""
        return [self.ids.index(one) if one in self.ids else -1 for one in other.ids]

    def held_by(self, later: Shelf) -> Shelf:
        """This shelf in the order of a later one: what has come since isn't on sale here."""
        place = self.places(later)
        there = np.array(place) >= 0
        ours = {name: np.where(there, getattr(self, name)[place], getattr(later, name)) for name in _NUMBERS}
        return replace(later, **ours | {"on_sale": self.on_sale[place] & there})

    def as_plain(self) -> dict[str, list[Any]]:
        """For JSON; a number that isn't there is null."""
        return {
            one.name: [None if value != value else value for value in np.asarray(getattr(self, one.name)).tolist()]
            for one in fields(self)
        }


# What of a product may be another by another date, and the ranker reads.
_NUMBERS = (*TOLD, "taken")
_COLUMNS = (
    *("product_id", "name", "product_line", "risk_level", "interest_rate", "term_months", "is_on_sale"),
    *("has_rule", "needs_assessment", "minimum_age", "maximum_age", "taken_count_90d"),
)


def from_plain(plain: Mapping[str, Sequence[Any]]) -> Shelf:
    """The shelf that `as_plain` made."""
    texts, flags = ("ids", "names", "lines"), ("on_sale", "has_rule", "needs_assessment")
    made: dict[str, Any] = {name: tuple(plain[name]) for name in texts}
    for one in fields(Shelf):
        if one.name not in texts:
            made[one.name] = np.array(plain[one.name], dtype=bool if one.name in flags else float)
    return Shelf(**made)


def read_shelves(link: connection, build_id: int) -> dict[date, Shelf]:
    """The shelf of every as-of date of a build; empty where the build made none."""
    query = sql.SQL("select as_of_date, {} from {} where build_id = %s order by as_of_date, product_id").format(
        sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)), sql.Identifier(*PRODUCTS)
    )
    with link.cursor() as cursor:
        cursor.execute(query, (build_id,))
        rows = cursor.fetchall()
    return {day: _shelf([row[1:] for row in rows if row[0] == day]) for day in sorted({row[0] for row in rows})}


def _shelf(rows: list[tuple[Any, ...]]) -> Shelf:
    by_name = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))

    def numbers(name: str) -> np.ndarray:
        return np.array([np.nan if value is None else float(value) for value in by_name[name]])

    return Shelf(
        ids=tuple(by_name["product_id"]),
        names=tuple(name or one for name, one in zip(by_name["name"], by_name["product_id"], strict=True)),
        lines=tuple(line or "unknown" for line in by_name["product_line"]),
        risk_level=numbers("risk_level"),
        interest_rate=numbers("interest_rate"),
        term_months=numbers("term_months"),
        on_sale=numbers("is_on_sale") == 1,
        has_rule=numbers("has_rule") == 1,
        needs_assessment=numbers("needs_assessment") == 1,
        from_years=numbers("minimum_age"),
        to_years=numbers("maximum_age"),
        taken=np.nan_to_num(numbers("taken_count_90d")),
    )
