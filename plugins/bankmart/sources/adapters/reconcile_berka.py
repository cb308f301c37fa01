"""Whether the warehouse holds what the Berka files hold: counts, and amounts to the heller, by raw type.

The files are read here with nothing but `csv`, so that an error of the adapter can't hide itself.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg2 import sql

from bankmart.errors import BankmartError

if TYPE_CHECKING:
    from psycopg2.extensions import connection

DIRECTION = {"PRIJEM": "in", "VYDAJ": "out", "VYBER": "out"}
UNKNOWN = "not in trans.asc"
# What is counted: name, file, raw table, its key, reader view (where there is one).
COUNTS = (
    ("accounts", "account", "core_banking__account", ["account_id"], None),
    ("clients", "client", "core_banking__customer", ["customer_id"], "dim_customer"),
    ("holders of accounts", "disp", "core_banking__account_holder", ["account_id", "customer_id"], None),
    ("districts", "district", "external__district", ["district_id"], None),
    ("loans", "loan", "loan__contract", ["contract_id"], None),
    ("cards", "card", "card__card", ["card_id"], None),
    ("standing orders", "order", "core_banking__standing_order", ["standing_order_id"], None),
)
# What is summed: name, file, raw table, its key, its amount.
SUMS = (
    ("loans, amount", "loan", "loan__contract", "contract_id", "principal_amount"),
    ("standing orders, amount", "order", "core_banking__standing_order", "standing_order_id", "amount"),
)


class ReconcileError(BankmartError):
    """The comparison can't be made: says what is missing and how to get it."""


@dataclass(frozen=True)
class Line:
    """One number as the three places have it; None where a place does not hold it."""

    name: str
    raw: Decimal
    sources: Decimal
    published: Decimal | None = None

    @property
    def difference(self) -> str:
        """What the warehouse has more or less than the raw files; empty where they agree."""
        places = (("sources", self.sources), ("published", self.published))
        return ", ".join(
            f"{place} {value - self.raw:+,}" for place, value in places if value is not None and value != self.raw
        )


def reconcile(source: Path, link: connection) -> list[Line]:
    """Every number that can be checked, from the .asc files in `source` and the warehouse behind `link`.

    Raises ReconcileError where a file or a table is missing.
    """
    lines = []
    for name, file, table, key, view in COUNTS:
        raw = Decimal(sum(1 for _ in _raw(source, file)))
        published = _count(link, "published", view, key) if view else None
        lines.append(Line(name, raw, _count(link, "sources", table, key), published))
    for name, file, table, column, amount in SUMS:
        query = "select sum(amount) from (select distinct {key}, {amount} as amount from {}) as own"
        loaded = _value(link, query, "sources", table, key=sql.Identifier(column), amount=sql.Identifier(amount))
        lines.append(Line(name, sum((Decimal(row["amount"]) for row in _raw(source, file)), Decimal()), loaded))
    return lines + _transactions(source, link)


def report(lines: list[Line]) -> str:
    """The lines as a table of plain text."""
    cells = [["", "raw files", "sources", "published", "difference"]]
    for line in lines:
        numbers = (line.raw, line.sources, line.published)
        shown = ("–" if number is None else f"{number:,}" for number in numbers)
        cells.append([line.name, *shown, line.difference or "none"])
    width = [max(len(row[n]) for row in cells) for n in range(5)]
    return "\n".join(
        f"{row[0]:<{width[0]}}  {row[1]:>{width[1]}}  {row[2]:>{width[2]}}  {row[3]:>{width[3]}}  {row[4]}"
        for row in cells
    )


def _transactions(source: Path, link: connection) -> list[Line]:
    kinds: dict[str, str] = {}

    def of_file() -> Iterator[tuple[str, str, Decimal]]:
        for row in _raw(source, "trans"):
            kinds[row["trans_id"]] = f"{row['type']} / {row['operation'] or 'no operation'}"
            yield kinds[row["trans_id"]], DIRECTION.get(row["type"], "?"), Decimal(row["amount"])

    raw = _tally(of_file())
    loaded, published = (
        _tally((kinds.get(key, UNKNOWN), way, amount) for key, way, amount in _stream(link, schema, table))
        for schema, table in (("sources", "core_banking__transaction"), ("published", "fct_transaction"))
    )
    zero = Decimal()
    names = sorted(raw | loaded | published)
    lines = [Line(name, raw.get(name, zero), loaded.get(name, zero), published.get(name, zero)) for name in names]
    query = (
        "select sum(balance_amount) from (select distinct on (account_id) balance_amount from {} "
        "order by account_id, balance_date desc) as closing"
    )
    signed = raw.get("amount, money in", zero) - raw.get("amount, money out", zero)
    return [
        *lines,
        Line("closing balances, amount", signed, _value(link, query, "sources", "core_banking__balance")),
    ]


def _tally(rows: Iterable[tuple[str, str, Decimal]]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for kind, way, amount in rows:
        for group in ("all", kind):
            totals[f"transactions, {group}"] += 1
            totals[f"amount, {group}"] += amount
        totals[f"amount, money {way}"] += amount
    return dict(totals)


def _raw(source: Path, name: str) -> Iterator[dict[str, str]]:
    path = source / f"{name}.asc"
    if not path.is_file():
        raise ReconcileError(f"{path} is missing. Give the folder with the files that were loaded.")
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=";")


def _count(link: connection, schema: str, table: str, key: list[str]) -> Decimal:
    query = "select count(*) from (select distinct {key} from {}) as own"
    return _value(link, query, schema, table, key=sql.SQL(", ").join(map(sql.Identifier, key)))


def _value(link: connection, query: str, schema: str, table: str, **parts: sql.Composable) -> Decimal:
    _require(link, schema, table)
    with link.cursor() as cursor:
        cursor.execute(sql.SQL(query).format(sql.Identifier(schema, table), **parts))
        ((value,),) = cursor.fetchall()
    return Decimal(value or 0)


def _stream(link: connection, schema: str, table: str) -> Iterator[tuple[str, str, Decimal]]:
    _require(link, schema, table)
    query = sql.SQL("select transaction_id, direction, amount from {}").format(sql.Identifier(schema, table))
    with link.cursor(name="reconcile_berka") as cursor:
        cursor.itersize = 50_000
        cursor.execute(query)
        yield from cursor


def _require(link: connection, schema: str, table: str) -> None:
    with link.cursor() as cursor:
        cursor.execute("select to_regclass(%s)", (f"{schema}.{table}",))
        if cursor.fetchall() == [(None,)]:
            raise ReconcileError(
                f"The warehouse has no {schema}.{table}: the files were not loaded yet, or not published. "
                "Run `make demo SOURCE=berka SOURCE_DIR=…` first."
            )
