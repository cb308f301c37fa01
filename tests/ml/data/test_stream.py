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
        yield from stream(link, columns, SOURCE.format(sql.Literal(build_id)), order, chunk_rows, by_column)


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
        list(stream(link, [sql.SQL("1::float8 / 0")], SOURCE.format(sql.Literal(build_id))))


def test_ids_that_get_longer_and_shorter_keep_their_rows(bank):
    """Ids of 1 to 40 characters, the longest in the middle: each keeps its own numbers, in every size of chunk."""
    names = [f"{'x' * (at % 40)}{at:03d}" for at in range(300)]
    build_id = bank.daily(lambda frame: frame.assign(customer_id=names), count=300)
    whole = {size: list(read(build_id, size)) for size in (3, 64, 1000)}
    found = {
        size: {
            name: row.tobytes() for chunk in chunks for name, row in zip(chunk.customers, chunk.numbers, strict=True)
        }
        for size, chunks in whole.items()
    }
    assert sorted(name.decode() for name in found[1000]) == sorted(names)
    assert found[3] == found[64] == found[1000]
    assert all(len(chunk.customers) <= 3 for chunk in whole[3])


HEADER, ROW, TRAILER = bytes(19), b"\0\2" + (2).to_bytes(4, "big") + b"ab" + bytes(36), b"\xff\xff"


def sent(*pieces):
    blocks = module._Blocks(36, 10)
    for data in pieces:
        assert blocks.write(data) == len(data)
    blocks.close()
    block, id_bytes, filled = blocks.ready.get()
    return id_bytes, bytes(block[:filled])


def test_header_and_trailer_are_no_rows():
    assert sent(HEADER + ROW, ROW, TRAILER) == (2, ROW + ROW)
    assert sent(HEADER, ROW, TRAILER) == (2, ROW)
    assert sent(HEADER + TRAILER) == (0, b"")


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((HEADER + ROW,), id="cut off"),
        pytest.param((HEADER + ROW + ROW, TRAILER), id="two at once"),
        pytest.param((HEADER + ROW[:-1], TRAILER), id="a byte short"),
        pytest.param((HEADER + ROW, ROW + b"\0", TRAILER), id="a byte long"),
        pytest.param((HEADER + ROW[:2] + b"\xff" * 4 + bytes(36), TRAILER), id="nobody"),
        pytest.param((HEADER + ROW, TRAILER, ROW), id="after the last"),
    ],
)
def test_a_stream_of_another_shape_is_refused(pieces):
    with pytest.raises(RuntimeError, match="another shape"):
        sent(*pieces)
