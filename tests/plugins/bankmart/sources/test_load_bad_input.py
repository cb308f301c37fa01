"""Bad input by name: a clear refusal or a quarantine row, nothing lost, nothing half loaded."""

from __future__ import annotations

import pytest

from bankmart.sources import contract
from bankmart.sources.refusal import LoadRefused

PAYMENT = "card.card_transaction"


def test_an_empty_file(loaded):
    loaded.send(PAYMENT, b"")
    loaded.refuse("empty", "no bytes")


def test_a_header_only_is_a_day_without_events(loaded):
    loaded.send(PAYMENT, loaded.head() + "\n")
    (done,) = [each for each in loaded.load().tables if each.status == "loaded"]
    assert (done.read, done.accepted, done.rejected) == (0, 0, 0)
    assert len(loaded.column(PAYMENT, "amount")) == 40  # that date's rows are replaced by none


def test_a_header_only_is_refused_of_a_required_full_extract(bank):
    names = "product_id,name,product_line,risk_level,interest_rate,term_months,is_on_sale\n"
    for table in ("customer", "account", "balance", "transaction"):
        bank.send(f"core_banking.{table}", "x\n")
    columns = [each.name for each in contract.load()["core_banking"]["customer"].columns]
    bank.send("core_banking.customer", ",".join(columns) + "\n")
    bank.send("core_banking.product", names)
    with pytest.raises(LoadRefused, match=r"full extract without a row.*\[empty\]"):
        bank.load("core_banking")
    assert bank.state()["ledger"] == []


def test_another_header(loaded):
    for old, new, *parts in (
        (",amount", "", "columns missing: amount"),
        ("is_abroad", "is_abroad,colour", "not in the contract: colour", "never dropped"),
        ("amount", "betrag", "missing: amount", "not in the contract: betrag"),
        ("amount", "Amount", "missing: amount", "not in the contract: Amount"),
        ("is_abroad", "is_abroad,is_abroad", "there twice: is_abroad"),
        ("amount", "13800138000", "not in the contract: (not a name)"),
    ):
        loaded.send(PAYMENT, loaded.text(loaded.payments()).replace(old, new, 1))
        loaded.refuse("header", "line 1", *parts)


def test_no_header_shows_nobodys_data(loaded):
    loaded.send(PAYMENT, loaded.text(loaded.payments(merchant_name="Zhang")).partition("\n")[2])
    reason = loaded.refuse("header", "none of the contract's column names")[4]
    assert "Zhang" not in reason
    assert "P00000" not in reason


def test_another_delimiter(loaded):
    loaded.send(PAYMENT, loaded.text(loaded.payments(), ";"))
    loaded.refuse("header", "it looks separated by ';', the manifest says ','")


def test_another_encoding(loaded):
    loaded.send(
        PAYMENT,
        loaded.text(loaded.payments()).encode("gb18030"),
        control_totals={"amount": "250.00"},
        row_count=200,
    )
    row = loaded.refuse("quarantine_limit", "200 of 200 records", "not in the file's encoding")
    assert row[:4] == (PAYMENT, 200, 0, 200)
    assert len(loaded.quarantine()) == 200


def test_a_manifest_that_says_something_else(loaded):
    for change, rule, *parts in (
        ({"row_count": 199}, "row_count", "it has 200 records, the manifest says 199"),
        ({"row_count": 201}, "row_count", "it has 200 records, the manifest says 201"),
        ({"sha256": "0" * 64}, "checksum", "SHA-256"),
        ({"control_totals": {"amount": "250.01"}}, "control_total", "column amount", "250.00", "250.01"),
        ({"control_totals": {"amount": "1e2"}}, "control_total"),
        ({"control_totals": {"amount": 250.0}}, "manifest", "in quotes"),
        ({"control_totals": {}}, "manifest", "amount"),
        ({"control_totals": {"amount": "NaN"}}, "manifest"),
        ({"encoding": "utf-16"}, "manifest", "encoding"),
        ({"delimiter": "||"}, "manifest", "delimiter"),
        ({"timezone": "../etc/passwd"}, "manifest", "timezone"),
        ({"format": "xlsx"}, "manifest", "format"),
        ({"row_count": "200"}, "manifest", "row_count"),
        ({"row_count": True}, "manifest", "row_count"),
        ({"row_count": -1}, "manifest", "row_count"),
        ({"sha256": "A" * 64}, "manifest", "sha256"),
    ):
        loaded.send(PAYMENT, loaded.payments(), **change)
        loaded.refuse(rule, *parts)


def test_a_file_that_was_changed_under_the_manifest_of_a_loaded_one(loaded):
    place = loaded.send(PAYMENT, loaded.payments())
    loaded.load()
    file = place / "data.csv"
    file.write_bytes(file.read_bytes().replace(b"1.25", b"1.52"))
    loaded.refuse("checksum")


def test_a_manifest_that_is_no_json(loaded):
    place = loaded.send(PAYMENT, loaded.payments())
    for text in ("", "{", "[]", "null", "[" * 100_000, '"' + "x" * 2_000_000 + '"'):
        (place / "_manifest.json").write_text(text)
        loaded.refuse("manifest", "_manifest.json")


def test_two_files_for_one_date(loaded):
    place = loaded.send(PAYMENT, loaded.payments())
    (place / "data (1).csv").write_text("x")
    loaded.refuse("one_file", "2 data files")
    (place / "data (1).csv").unlink()
    (place / "data.csv").unlink()
    loaded.refuse("one_file", "0 data files")
    (place / "data.csv").mkdir()
    loaded.refuse("one_file", "no ordinary file")


def test_a_manifest_that_points_elsewhere(loaded):
    for name in ("../data.csv", "/etc/passwd", "a/b.csv", "..", ".", ".hidden", "", "a\\b.csv", "other.csv"):
        loaded.send(PAYMENT, loaded.payments(), file=name)
        loaded.refuse("manifest")


@pytest.mark.parametrize("level", ["file", "_manifest.json", "date", "table", "system"])
def test_a_link_in_the_landing_path(loaded, tmp_path, level):
    place = loaded.send(PAYMENT, loaded.payments())
    part = {
        "file": place / "data.csv",
        "date": place,
        "table": place.parent,
        "system": place.parent.parent,
    }.get(level, place / level)
    elsewhere = tmp_path / "elsewhere"
    part.rename(elsewhere)
    part.symlink_to(elsewhere)
    loaded.refuse("link", "symbolic link")


def test_a_file_still_being_written_is_not_touched(loaded):
    place = loaded.send(PAYMENT, loaded.payments())
    (place / "_manifest.json").unlink()
    before = loaded.state()
    assert {each.status for each in loaded.load().tables} == {"absent"}
    assert loaded.state() == before
    assert loaded.refused() == []
