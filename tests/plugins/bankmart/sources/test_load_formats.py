"""Every format that the manifest can state gives the same rows."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankmart.sources import contract, landing
from bankmart.sources.reading import csv_file
from bankmart.sources.refusal import LoadRefused

PAYMENT = "card.card_transaction"


@pytest.mark.parametrize(
    ("encoding", "delimiter", "line_end"),
    [
        ("utf-8", ";", "\r\n"),
        ("utf-8-sig", ",", "\n"),
        ("gb18030", "\t", "\r\n"),
        ("gbk", "|", "\n"),
        ("iso8859-2", "~", "\n"),
    ],
)
def test_formats(bank, encoding, delimiter, line_end):
    name = "Dvořák" if encoding == "iso8859-2" else "张,三" if encoding == "gbk" else "𠮷,€"
    name = name if delimiter != "," else f'"{name}"'
    text = bank.text(bank.payments(3, merchant_name=name), delimiter).replace("\n", line_end)
    bank.send(
        PAYMENT,
        text,
        encoding=encoding,
        delimiter=delimiter,
        control_totals={"amount": "3.75"},
    )
    bank.load()
    assert bank.column(PAYMENT, "merchant_name") == [name.strip('"')] * 3


def test_moments_without_a_zone_are_in_the_zone_of_the_manifest(bank):
    rows = bank.payments(2)
    rows[1]["transaction_at"] = "2026-01-31T10:00:00Z"
    bank.send(PAYMENT, rows, timezone="Asia/Shanghai")
    bank.load()
    assert [moment.astimezone(UTC) for moment in bank.column(PAYMENT, "transaction_at")] == [
        datetime(2026, 1, 31, 2, tzinfo=UTC), datetime(2026, 1, 31, 10, tzinfo=UTC)
    ]  # fmt: skip


def parquet(rows: dict[str, pa.Array]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(rows), file)
    return file.getvalue()


def payments_as_parquet(**changes):
    rows = {
        "is_abroad": pa.array([False, None, True][:2] + [True]).fill_null(False),
        "card_transaction_id": pa.array(["a", "b", "c"]).dictionary_encode(),
        "card_id": pa.array(["k", "k\t\\", 'k"\n'], pa.large_string()),
        "transaction_date": pa.array([date(2026, 1, 31)] * 3, pa.date64()),
        "transaction_at": pa.array([datetime(2026, 1, 31, 10), None, None], pa.timestamp("ns", "Asia/Shanghai")),
        "amount": pa.array([1, 2, 3], pa.int64()),
        "merchant_category_code": pa.array(["x", "y", "z"]),
        "merchant_name": pa.array([None, "", "名"]),
        "is_online": pa.array([True] * 3),
    }
    return parquet(rows | changes)


def test_parquet(bank):
    bank.send(
        PAYMENT,
        payments_as_parquet(),
        name="p.parquet",
        row_count=3,
        control_totals={"amount": "6"},
    )
    bank.load()
    assert bank.column(PAYMENT, "card_id") == ["k", "k\t\\", 'k"\n']
    assert bank.column(PAYMENT, "amount") == [1, 2, 3]
    assert sorted(map(str, bank.column(PAYMENT, "merchant_name"))) == ["None", "None", "名"]
    assert bank.column(PAYMENT, "transaction_at")[0] == datetime(2026, 1, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"amount": pa.array([1.5, 2.5, 3.5])},
            r"column amount: the column is double in the file, .*numeric.*\[type\]",
        ),
        (
            {"transaction_date": pa.array(["2026-01-31"] * 3)},
            r"column transaction_date: the column is string.*\[type\]",
        ),
        ({"card_id": pa.array([1, 2, 3])}, r"column card_id: the column is int64.*\[type\]"),
        ({"extra": pa.array([1, 2, 3])}, r"not in the contract: extra.*\[header\]"),
    ],
)
def test_parquet_of_other_types_is_refused(bank, change, message):
    data = payments_as_parquet(**change)
    bank.send(PAYMENT, data, name="p.parquet", row_count=3, control_totals={"amount": "6"})
    with pytest.raises(LoadRefused, match=message):
        bank.load()
    assert bank.column(PAYMENT, "amount") == []


def test_parquet_that_is_none_is_refused(bank):
    for data in (b"PAR1 not really", payments_as_parquet()[:-20], b"PAR1" + bytes(100) + b"PAR1"):
        bank.send(PAYMENT, data, name="p.parquet", row_count=3, control_totals={"amount": "6"})
        with pytest.raises(LoadRefused, match=r"cannot be read as Parquet.*\[format\]"):
            bank.load()


def test_a_bad_row_in_parquet_goes_to_quarantine_by_its_number(bank):
    count = 200
    rows = {column.name: pa.array([None] * count) for column in contract.load()["contact_centre"]["survey"].columns} | {
        "survey_id": pa.array([str(number) for number in range(count)]),
        "customer_id": pa.array(["6222000011112222"] * count),
        "answered_at": pa.array([datetime(2026, 1, 31)] * count),
        "survey_kind": pa.array(["nps"] * count),
        "score": pa.array([5] * 150 + [2**40] + [5] * 49),
    }
    bank.send("contact_centre.survey", parquet(rows), name="s.parquet", row_count=count)
    bank.load("contact_centre")
    ((line, column, rule, raw, _),) = bank.quarantine()
    assert (line, column, rule) == (151, "score", "type")
    assert '"score": "1099511627776"' in raw
    assert len(bank.column("contact_centre.survey", "score")) == 199


texts = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(
    st.lists(
        st.one_of(texts, st.sampled_from(["\\.", "\\N", "\\", '"', '""', "\r\n", "\n\\.\n", "$1", "'; --"])),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_as_it_was_sent(bank, names):
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    rows = [row | {"merchant_name": name} for row, name in zip(bank.payments(len(names)), quoted, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK", 64)
        bank.send(PAYMENT, rows)
        bank.load()
    found = bank.query("select merchant_name from sources.card__card_transaction order by card_transaction_id")
    assert [name for (name,) in found] == [name or None for name in names]


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_what_is_written_as_an_extract_is_loaded_to_the_cent(bank, file_format):
    table = contract.load()["loan"]["contract"]
    columns = {column.name: ["x"] * 3 for column in table.columns} | {
        "contract_id": ["a", "b", "c"],
        "start_date": [bank.day] * 3,
        "effective_date": [bank.day] * 3,
        "principal_amount": [0.1, 0.2, 1e9 + 0.07],  # their sum as floats is no amount
        "term_months": [12] * 3,
        "payment_amount": [1] * 3,
        "status": ["running"] * 3,
    }
    landing.write_extract(bank.root, table, bank.day, pa.table(columns), file_format=file_format, delimiter=";")
    bank.load("loan")
    assert [str(amount) for amount in bank.column("loan.contract", "principal_amount")] == [
        "0.10", "0.20", "1000000000.07"
    ]  # fmt: skip
