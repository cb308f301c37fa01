"""The Berka adapter: the PKDD'99 files of a Czech bank as landing files, one folder per business date."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bankmart.sources import contract, landing
from bankmart.sources.adapters import berka_extracts
from bankmart.sources.adapters.berka_files import BerkaError, read_all

Ready = dict[tuple[contract.Table, date], pa.Table]
ARROW = {
    "text": pa.string(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


def convert(source: Path, target: Path, *, go_live: date | None = None, days: int = 3) -> dict[str, Any]:
    """Write landing files under `target` from the eight .asc files in `source`; returns what was written.

    Business date `go_live` carries all master data and every transaction and balance up to that date; each of
    the `days` calendar days after it carries its own transactions and balances, whole reference tables, and
    master deltas without rows. Without `go_live`, the last delivered day is that of the last transaction.

    Raises BerkaError before anything is written: bad input, negative `days`, or extracts of other dates in
    `target`.
    """
    if days < 0:
        raise BerkaError(f"days is {days}: give the number of daily extracts after go-live, 0 or more.")
    raw = read_all(source)
    transaction = berka_extracts.transactions(raw)
    if transaction.empty:
        raise BerkaError("trans.asc has a header and no lines, so there is no last day. Take the whole file.")
    last = transaction["transaction_date"].max().date()
    go_live = go_live or last - timedelta(days=days)
    dates = [go_live + timedelta(days=n) for n in range(days + 1)]
    balance = berka_extracts.balances(transaction)
    extracts = berka_extracts.master(raw, go_live)
    extracts["core_banking", "balance"] = balance.drop(columns="gap")
    extracts["core_banking", "transaction"] = transaction.drop(columns="hellers")
    ready = _by_date(extracts, dates)
    _refuse_other_dates(target, dates)
    for (table, business_date), rows in ready.items():
        landing.write_extract(target, table, business_date, rows)
    return {
        "source": str(source),
        "landing": str(target),
        "go_live": go_live.isoformat(),
        "days": days,
        "last_business_date": dates[-1].isoformat(),
        "files": len(ready),
        "rows": _rows_delivered(ready, go_live),
        "transactions_after_the_last_business_date": int((transaction["transaction_date"].dt.date > dates[-1]).sum()),
        "balances": {
            "as_the_file_states": int((balance["gap"] == 0).sum()),
            "within_one_crown": int(((balance["gap"] > 0) & (balance["gap"] <= 100)).sum()),
            "further_away": int((balance["gap"] > 100).sum()),
            "furthest_crowns": f"{balance['gap'].max() / 100:.2f}",
        },
    }


def _rows_delivered(ready: Ready, go_live: date) -> dict[str, int]:
    rows: dict[str, int] = {}
    for (table, business_date), share in ready.items():
        if table.extract != "full" or business_date == go_live:
            name = f"{table.system}.{table.name}"
            rows[name] = rows.get(name, 0) + share.num_rows
    return rows


def _by_date(extracts: berka_extracts.Extracts, dates: list[date]) -> Ready:
    tables = contract.load()
    ready: Ready = {}
    for (system, name), frame in extracts.items():
        table = tables[system][name]
        rows = to_arrow(table, frame)
        for business_date in dates:
            ready[table, business_date] = _share(table, rows, business_date, is_first=business_date == dates[0])
    return ready


def _share(table: contract.Table, rows: pa.Table, business_date: date, *, is_first: bool) -> pa.Table:
    if table.extract == "event":
        own = rows[f"{table.name}_date"]
        return rows.filter(pc.less_equal(own, business_date) if is_first else pc.equal(own, business_date))
    return rows if is_first or table.extract == "full" else rows.slice(0, 0)


def to_arrow(table: contract.Table, frame: pd.DataFrame) -> pa.Table:
    """The frame with the contract's columns and types; a column that it lacks is null.

    An integer is in hellers where the contract has an amount. Raises BerkaError for a column that is not in
    the contract and for a null that the contract does not allow.
    """
    if unknown := set(frame.columns) - {column.name for column in table.columns}:
        raise BerkaError(f"{table.identifier}: the contract has no {sorted(unknown)}. Change berka_extracts.py.")
    columns = {}
    for column in table.columns:
        values = frame.get(column.name, pd.Series(pd.NA, index=frame.index, dtype="object"))
        columns[column.name] = _cast(column, pa.array(values, from_pandas=True))
        if columns[column.name].null_count and not column.is_nullable:
            raise BerkaError(
                f"{table.identifier}.{column.name}: the contract allows no null, and the Berka files "
                "hold nothing for it. Make it nullable, or change berka_extracts.py."
            )
    return pa.table(columns)


def _cast(column: contract.Column, values: pa.Array) -> pa.Array:
    if not (numeric := contract.NUMERIC.fullmatch(column.data_type)):
        return values.cast(ARROW[column.data_type])
    wanted = pa.decimal128(int(numeric[1]), int(numeric[2]))
    if pa.types.is_integer(values.type):
        values = pc.multiply(values.cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.01")))
    return values.cast(wanted)


def _refuse_other_dates(target: Path, dates: list[date]) -> None:
    ours = {business_date.isoformat() for business_date in dates}
    for system, tables in contract.load().items():
        for name in tables:
            for folder in sorted((target / system / name).glob("*")):
                if folder.is_dir() and folder.name not in ours:
                    raise BerkaError(
                        f"{folder} is an extract of another date than {dates[0]} to {dates[-1]}: two "
                        "deliveries would mix. Give an empty --landing folder, or remove the old one."
                    )
