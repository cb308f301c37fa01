"""What the bank's systems delivered, in clear: it is in the files, and in no table."""

from __future__ import annotations

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

IDENTIFIERS = ("name", "id_number", "mobile", "email", "address")


def customers(line):
    """The identifiers of customers, by number: each version of a row."""
    found = {}
    for rows in _read(line, "core_banking", "customer"):
        for row in rows.select(["customer_id", *IDENTIFIERS]).to_pylist():
            found.setdefault(str(row["customer_id"]), []).append(row)
    return found


def values(line, system, table, *columns):
    """What was delivered of some columns, as text."""
    return {
        str(value)
        for rows in _read(line, system, table)
        for column in columns
        for value in rows.column(column).to_pylist()
        if value is not None
    }


def _read(line, system, table):
    for file in sorted((line.state / "landing" / system / table).glob(f"*/{table}.*")):
        yield pa_csv.read_csv(file) if file.suffix == ".csv" else pq.read_table(file)
