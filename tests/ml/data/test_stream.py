from __future__ import annotations

import numpy as np
import psycopg2
import pytest
from psycopg2 import sql

from bankmart import db
from ml.data import stream as module
from ml.data.stream import stream

SOURCE = sql.SQL("from features.ftr_customer f where f.build_id = {}")
NAMES = ("aum_amount", "days_since_salary", "complaint_count_90d")


def read(build_id, chunk_rows=100, names=NAMES, by_column=False):
    with db.connect("scorer") as link:
        columns = [sql.SQL("f.{}::float8").format(sql.Identifier(name)) for name in names]
        order = sql.SQL("order by f.customer_id")
        yield from stream(link, columns, SOURCE.format(sql.Literal(build_id)), 24, order, chunk_rows, by_column)


@pytest.mark.parametrize("by_column", [False, True])
@pytest.mark.parametrize("chunk_rows", [1, 7, 250, 1000])
def test_what_comes_out_is_what_is_in(bank, chunk_rows, by_column, monkeypatch):
    monkeypatch.setattr(module, "ROWS_TURNED", 100)
    kept = {}

    def strange(frame):
        frame["customer_id"] = [f"{'客' * (at % 7)}{at:03d}" for at in range(len(frame))]
        kept["frame"] = frame
        return frame

    build_id = bank.daily(strange, count=250)
    chunks = list(read(build_id, chunk_rows, by_column=by_column))
    assert all(chunk.numbers.flags["F_CONTIGUOUS" if by_column else "C_CONTIGUOUS"] for chunk in chunks)
    assert max(len(chunk.customers) for chunk in chunks) <= chunk_rows
    numbers = np.concatenate([chunk.numbers for chunk in chunks])
    customers = [customer.decode() for chunk in chunks for customer in chunk.customers.tolist()]
    frame = kept["frame"].set_index("customer_id").loc[customers, list(NAMES)].to_numpy(dtype=float)
    assert sorted(customers) == sorted(kept["frame"]["customer_id"])
    assert np.isnan(frame).any()
    np.testing.assert_array_equal(numbers, frame)


def test_no_row_is_no_chunk(bank):
    assert list(read(99)) == []


def test_a_reader_that_stops_early_leaves_nothing_hanging(bank):
    build_id = bank.daily(count=2000)
    for chunk in read(build_id, chunk_rows=10):
        assert len(chunk.customers) == 10
        break
    assert sum(len(chunk.customers) for chunk in read(build_id)) == 2000


def test_an_error_of_postgres_is_raised(bank):
    build_id = bank.daily(count=10)
    with db.connect("scorer") as link, pytest.raises(psycopg2.errors.DivisionByZero):
        list(stream(link, [sql.SQL("1::float8 / 0")], SOURCE.format(sql.Literal(build_id)), 24))
