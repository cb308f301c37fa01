from __future__ import annotations

import csv
import json
import shutil
from datetime import date

import pytest

from bankmart.sources import landing
from bankmart.sources.simulate import FAULTS
from bankmart.sources.simulate.faults import HUGE, inject

DAY, BEFORE = date(2026, 11, 2), date(2026, 11, 1)


@pytest.fixture
def hit(bank, tmp_path):
    """Injects a fault into a copy of the last day; returns (transaction folder, manifest before)."""
    for table in ("transaction", "product"):
        place = landing.folder(tmp_path, "core_banking", table, DAY)
        shutil.copytree(landing.folder(bank.landing, "core_banking", table, DAY), place)
    earlier = landing.folder(tmp_path, "core_banking", "transaction", BEFORE)
    shutil.copytree(landing.folder(bank.landing, "core_banking", "transaction", BEFORE), earlier)

    def strike(name: str):
        place = landing.folder(tmp_path, "core_banking", "transaction", DAY)
        before = json.loads((place / landing.MANIFEST).read_text())
        inject(name, tmp_path, DAY)
        return place, before

    return strike


def rows_of(place, delimiter=","):
    with (place / "transaction.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def stated(place):
    return json.loads((place / landing.MANIFEST).read_text())


def column(rows, name):
    return [row[rows[0].index(name)] for row in rows[1:]]


def agrees(place):
    return stated(place)["sha256"] == landing.sha256(place / "transaction.csv")


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_each_fault_changes_something_and_nothing_else_of_the_day(hit, name):
    place, before = hit(name)
    now = place.parents[1]
    files = {path: path.read_bytes() for path in now.rglob("*") if path.is_file()}
    product = now / "product" / DAY.isoformat() / "product.csv"
    if name == "wrong_encoding":
        assert "活期" not in files[product].decode("gb18030", "replace").encode("latin-1", "replace").decode("latin-1")
        assert "活期" in files[product].decode("gb18030")
        with pytest.raises(UnicodeDecodeError):
            files[product].decode("utf-8")
    else:
        assert "活期" in files[product].decode("utf-8")
        manifest = place / landing.MANIFEST
        files_of_both_days = len([path for path in now.joinpath("transaction").rglob("*") if path.is_file()])
        is_readable = name != "manifest_no_json"
        assert (
            files_of_both_days != 4
            or not is_readable
            or json.loads(manifest.read_text()) != before
            or not agrees(place)
        )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("missing_column", lambda header: [n for n in header if n != "purpose"]),
        ("extra_column", lambda header: [*header, "teller_note"]),
        ("renamed_column", lambda header: ["amt" if n == "amount" else n for n in header]),
        ("reordered_column", lambda header: header[::-1]),
    ],
)
def test_columns(hit, tables, name, change):
    place, before = hit(name)
    rows = rows_of(place)
    header = [c.name for c in tables["core_banking__transaction"].columns]
    assert rows[0] == change(header)
    assert len(rows) - 1 == before["row_count"]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert agrees(place)


def test_rows_that_break_the_contract(hit):
    place, before = hit("impossible_date")
    assert column(rows_of(place), "transaction_date").count("2026-02-30") == 1
    assert agrees(place)
    assert stated(place)["control_totals"] == before["control_totals"]


def test_duplicate_key(hit):
    place, before = hit("duplicate_key")
    keys = column(rows_of(place), "transaction_id")
    assert len(keys) == len(set(keys)) + 1 == stated(place)["row_count"] == before["row_count"] + 1


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("orphan_key", "account_id", "9999999999999999"),
        ("nul_byte", "channel", "mob\0ile"),
        ("future_date", "transaction_date", "2027-11-02"),
        ("huge_field", "counterparty_bank", "x" * HUGE),
        ("unknown_value", "direction", "sideways"),
        ("no_number", "amount", "NaN"),
        ("quoted_newline", "counterparty_bank", 'the "other"\nbank'),
    ],
)
def test_one_bad_value(hit, name, field, value):
    place, before = hit(name)
    limit = csv.field_size_limit(HUGE + 1)
    try:
        values = column(rows_of(place), field)
    finally:
        csv.field_size_limit(limit)
    assert values.count(value) == 1
    assert len(values) == before["row_count"]
    assert agrees(place)


def test_thousands_separator(hit):
    place, _ = hit("thousands_separator")
    assert any("," in amount for amount in column(rows_of(place), "amount"))


def test_files_and_manifests(hit):
    place, before = hit("control_total_mismatch")
    assert stated(place)["control_totals"] != before["control_totals"]
    hit("row_count_mismatch")
    assert stated(place)["row_count"] == before["row_count"] + 1
    hit("checksum_mismatch")
    assert not agrees(place)
    assert len(rows_of(place)) == before["row_count"] + 1
    hit("two_files")
    assert len(list(place.glob("*.csv"))) == 2
    hit("truncated_file")
    assert len(rows_of(place)) < before["row_count"]
    hit("manifest_absent")
    assert not (place / landing.MANIFEST).exists()


def test_emptied_files(hit):
    place, before = hit("header_only")
    assert len(rows_of(place)) == 1
    assert agrees(place)
    assert stated(place)["row_count"] == before["row_count"] > 0
    hit("empty_file")
    assert (place / "transaction.csv").read_bytes() == b""
    hit("missing_table")
    assert not place.exists()


def test_wrong_delimiter(hit):
    place, before = hit("wrong_delimiter")
    assert stated(place)["delimiter"] == ","
    assert len(rows_of(place, ";")[0]) > len(rows_of(place)[0]) == 1
    assert len(rows_of(place, ";")) == before["row_count"] + 1


def test_future_business_date(hit):
    place, _ = hit("future_business_date")
    assert (place.parent / "2099-12-31" / landing.MANIFEST).exists()


def test_an_unknown_fault_is_refused(hit):
    with pytest.raises(KeyError):
        hit("gremlin")
