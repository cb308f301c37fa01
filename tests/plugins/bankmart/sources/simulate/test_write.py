from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pyarrow as pa

from bankmart.sources import landing
from bankmart.sources.simulate.write import money

PATTERNS = {
    "text": r"(.|\n)+",
    "integer": r"-?\d+",
    "bigint": r"-?\d+",
    "double precision": r"-?\d+(\.\d+)?(e-?\d+)?",
    "boolean": r"true|false",
    "date": r"\d{4}-\d\d-\d\d",
    "timestamptz": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+08:00",
}


def test_every_value_keeps_the_contract(tables, whole):
    broken = []
    for identifier, table in tables.items():
        rows = whole(identifier)
        assert list(rows.columns[:-1]) == [column.name for column in table.columns]
        for column in table.columns:
            values = rows[column.name].dropna()
            scaled = column.data_type.startswith("numeric")
            pattern = r"-?\d{1,16}\.\d\d" if scaled else PATTERNS[column.data_type]
            checks = {
                "null": column.is_nullable or len(values) == len(rows),
                "type": bool(values.str.fullmatch(pattern).all()) or not len(values),
                "values": not column.values or set(values) <= set(column.values),
                "min": column.minimum is None or not len(values) or values.astype(float).min() >= column.minimum,
                "max": column.maximum is None or not len(values) or values.astype(float).max() <= column.maximum,
            }
            broken += [f"{identifier}.{column.name}: {name}" for name, holds in checks.items() if not holds]
    assert broken == []


def test_keys_are_unique_within_a_business_date(tables, whole):
    twice = {i: int(whole(i).duplicated([*table.key, "_date"]).sum()) for i, table in tables.items()}
    assert set(twice.values()) == {0}


def test_event_keys_never_come_twice(tables, whole):
    for identifier, table in tables.items():
        if table.extract == "event":
            assert not whole(identifier).duplicated(list(table.key)).any(), identifier


def test_references_lead_to_rows_delivered_by_then(tables, read, days):
    known: dict[str, set[str]] = {}
    orphans = []
    for day in days:
        rows = {identifier: read(identifier, day) for identifier in tables}
        for identifier, table in tables.items():
            if len(table.key) == 1:
                known.setdefault(identifier, set()).update(rows[identifier][table.key[0]])
        for identifier, table in tables.items():
            for column in table.columns:
                if column.references:
                    target = known[column.references.replace(".", "__")]
                    if set(rows[identifier][column.name].dropna()) - target:
                        orphans.append(f"{day} {identifier}.{column.name}")
    assert orphans == []


def test_control_totals_are_the_sums(bank, read, days):
    place = landing.folder(bank.landing, "core_banking", "transaction", days[0])
    stated = json.loads((place / landing.MANIFEST).read_text())["control_totals"]
    amounts = read("core_banking__transaction", days[0])["amount"].map(Decimal)
    assert stated == {"amount": str(amounts.sum())}


def test_money_keeps_every_cent():
    cents = [0, 1, -1, 123456789012345678, -5000]
    assert money(np.array(cents)).to_pylist() == [Decimal(value).scaleb(-2) for value in cents]
    assert money(np.array([5, 6]), np.array([True, False])).to_pylist() == [Decimal("0.05"), None]
    assert money(np.array(cents)).type == pa.decimal128(18, 2)
