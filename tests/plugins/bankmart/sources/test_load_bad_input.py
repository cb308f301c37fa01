"""Bad input by name: a clear refusal or a quarantine row, nothing lost, nothing half loaded."""

from __future__ import annotations

from datetime import date

import pytest

from bankmart.sources import contract
from bankmart.sources.reading import check, csv_file
from bankmart.sources.refusal import RAW_LIMIT, LoadRefused

PAYMENT = "card.card_transaction"
OTHER_DAY = date(2026, 1, 30)


@pytest.fixture
def loaded(bank):
    """A bank that has loaded two dates before, which nothing may touch."""
    bank.send(PAYMENT, bank.payments(50, amount="9.00"))
    bank.load()
    bank.send(PAYMENT, bank.payments(40, transaction_date="2026-01-30", transaction_at=""), day=OTHER_DAY)
    bank.load(day=OTHER_DAY)
    return bank


def refuse(bank, rule, *message):
    """Load, and prove that it is refused for `rule`, entered once, and leaves everything else untouched."""
    before, refused = bank.state(), len(bank.refused())
    with pytest.raises(LoadRefused) as caught:
        bank.load()
    assert caught.value.rule == rule, caught.value
    for part in (*message, "It means:", "What to do:"):
        assert part in str(caught.value)
    assert bank.state() == before
    assert len(bank.refused()) == refused + 1
    assert bank.refused()[-1][4] == str(caught.value)
    return bank.refused()[-1]


def head(bank):
    return bank.text(bank.payments(1)).split("\n")[0]


def test_an_empty_file(loaded):
    loaded.send(PAYMENT, b"")
    refuse(loaded, "empty", "no bytes")


def test_a_header_only_is_a_day_without_events(loaded):
    loaded.send(PAYMENT, head(loaded) + "\n")
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
        refuse(loaded, "header", "line 1", *parts)


def test_no_header_shows_nobodys_data(loaded):
    loaded.send(PAYMENT, loaded.text(loaded.payments(merchant_name="Zhang")).partition("\n")[2])
    reason = refuse(loaded, "header", "none of the contract's column names")[4]
    assert "Zhang" not in reason
    assert "P00000" not in reason


def test_another_delimiter(loaded):
    loaded.send(PAYMENT, loaded.text(loaded.payments(), ";"))
    refuse(loaded, "header", "it looks separated by ';', the manifest says ','")


def test_another_encoding(loaded):
    loaded.send(
        PAYMENT,
        loaded.text(loaded.payments()).encode("gb18030"),
        control_totals={"amount": "250.00"},
        row_count=200,
    )
    row = refuse(loaded, "quarantine_limit", "200 of 200 records", "not in the file's encoding")
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
        refuse(loaded, rule, *parts)


def test_a_file_that_was_changed_under_the_manifest_of_a_loaded_one(loaded):
    place = loaded.send(PAYMENT, loaded.payments())
    loaded.load()
    file = place / "data.csv"
    file.write_bytes(file.read_bytes().replace(b"1.25", b"1.52"))
    refuse(loaded, "checksum")


def test_a_manifest_that_is_no_json(loaded):
    place = loaded.send(PAYMENT, loaded.payments())
    for text in ("", "{", "[]", "null", "[" * 100_000, '"' + "x" * 2_000_000 + '"'):
        (place / "_manifest.json").write_text(text)
        refuse(loaded, "manifest", "_manifest.json")


CASES = [
    ("amount", "1,234.50", "type"), ("amount", "NaN", "type"), ("amount", "Infinity", "type"),
    ("amount", "1e400", "type"), ("amount", "12345678901234567.00", "type"), ("amount", "1.005", "type"),
    ("amount", "-0.01", "range"), ("amount", "", "null"),
    ("transaction_date", "2026-02-30", "type"), ("transaction_date", "0001-01-01", "type"),
    ("transaction_date", "2201-01-01", "type"), ("transaction_date", "31.01.2026", "type"),
    ("transaction_date", "2026-02-01", "future"), ("transaction_date", "", "null"),
    ("transaction_at", "2026-01-31 24:00:00", "type"), ("transaction_at", "noon", "type"),
    ("is_online", "maybe", "type"), ("card_id", "", "null"), ("card_transaction_id", "P00007", "duplicate"),
    ("card_transaction_id", "", "null"), ("merchant_name", "a\0b", "nul"), ("merchant_name", "x" * 1_000_001, "length"),
    ("merchant_name", '"open', "quote"), ("merchant_name", '"a"b', "quote"), ("merchant_name", "a,b", "field_count"),
]  # fmt: skip


@pytest.mark.parametrize("block", [100, 4 << 20])
def test_bad_records_go_to_quarantine_and_all_others_are_loaded(loaded, monkeypatch, block):
    """In one block the bad quotes send every record the slow way; in small blocks each goes its own."""
    monkeypatch.setattr(csv_file, "BLOCK", block)
    rows = loaded.payments(3000)
    for number, (column, value, rule) in enumerate(CASES):
        rows[100 + 10 * number][column] = f'"{value}"' if value == "1,234.50" else value
    unread = sum(column == "amount" and rule in ("type", "null") for column, _, rule in CASES)
    unread += sum(rule in ("quote", "field_count") for _, _, rule in CASES)
    (low,) = [float(value) for _, value, rule in CASES if rule == "range"]
    loaded.send(PAYMENT, rows, control_totals={"amount": f"{1.25 * (3000 - unread - 1) + low:.2f}"})
    (done,) = [each for each in loaded.load().tables if each.status != "absent"]
    assert (done.status, done.read, done.accepted, done.rejected) == (
        "loaded",
        3000,
        3000 - len(CASES),
        len(CASES),
    )
    found = loaded.quarantine()
    for number, ((column, _, rule), (line, in_column, broken, raw, _)) in enumerate(
        zip(CASES, found, strict=True)
    ):
        row = rows[100 + 10 * number]
        assert (line, broken) == (102 + 10 * number, rule)
        assert in_column == (None if rule in ("quote", "field_count") else column)
        assert raw.startswith(",".join(map(str, row.values())).replace("\0", "\\0")[:RAW_LIMIT])
    stored = loaded.query(
        "select card_transaction_id from sources.card__card_transaction where business_date = %s", loaded.day
    )
    bad = {100 + 10 * number for number in range(len(CASES))}
    assert {name for (name,) in stored} == {f"P{number:05d}" for number in range(3000) if number not in bad}
    ledger = "select accepted_count, rejected_count from governance.load where status = 'loaded' order by 1 desc limit 1"
    assert loaded.query(ledger) == [(3000 - len(CASES), len(CASES))]


def test_other_values_than_the_contracts(bank):
    rows = "\n".join(f"S{number},C1,2026-01-31 10:00:00,nps,5" for number in range(198))
    more = "A,C1,2026-01-31 10:00:00,NPS,5\nB,C1,2026-01-31 10:00:00,nps,11\n"
    bank.send("contact_centre.survey", f"survey_id,customer_id,answered_at,survey_kind,score\n{rows}\n{more}")
    bank.load("contact_centre")
    assert [(line, column, rule) for line, column, rule, _, _ in bank.quarantine()] == [
        (200, "survey_kind", "values"), (201, "score", "range")
    ]  # fmt: skip


def test_events_may_be_a_zone_ahead_of_the_business_date_but_not_a_day(bank):
    moments = ["2026-01-31 23:59:59"] * 198 + ["2026-02-01 08:00:00+08:00", "2026-02-02 00:00:00Z"]
    rows = "\n".join(f"S{number},C1,{moment},nps,5" for number, moment in enumerate(moments))
    bank.send("contact_centre.survey", f"survey_id,customer_id,answered_at,survey_kind,score\n{rows}\n")
    bank.load("contact_centre")
    assert [(line, column, rule) for line, column, rule, _, _ in bank.quarantine()] == [
        (201, "answered_at", "future")
    ]


def cards(bank, count, day):
    columns = "card_id,account_id,customer_id,card_number,card_type,card_level,issued_date,credit_limit_amount,status,effective_date"
    rows = "\n".join(f"K{number},A1,C1,,debit,gold,2020-01-01,,active,{day}" for number in range(count))
    bank.send("card.card", f"{columns}\n{rows}\n", day=day)


def test_orphans_go_to_quarantine_once_the_other_table_was_loaded(bank):
    bank.send(PAYMENT, bank.payments(transaction_date="2026-01-30", transaction_at=""), day=OTHER_DAY)
    bank.load(day=OTHER_DAY)  # no card was ever loaded: nothing to compare with
    assert bank.quarantine() == []
    cards(bank, 199, bank.day)
    bank.send(PAYMENT, bank.payments())
    bank.load()  # cards of this very load count; the payment with K199 has none
    assert [(line, column, rule) for line, column, rule, _, _ in bank.quarantine()] == [
        (201, "card_id", "orphan")
    ]
    bank.send(
        PAYMENT, bank.payments(amount="3.00", transaction_date="2026-01-30", transaction_at=""), day=OTHER_DAY
    )
    bank.load(day=OTHER_DAY)  # on that earlier date no card was known yet
    assert len(bank.quarantine()) == 1


def test_keys_loaded_on_an_earlier_date_are_known(bank):
    cards(bank, 200, OTHER_DAY)
    bank.load(day=OTHER_DAY)
    bank.send(PAYMENT, bank.payments())
    bank.load()
    assert bank.quarantine() == []


def test_too_many_rejects_refuse_the_file_and_all_of_them_are_kept(loaded):
    rows = loaded.payments()
    for row in rows[10:13]:
        row["merchant_category_code"] = ""
    loaded.send(PAYMENT, rows)
    row = refuse(
        loaded, "quarantine_limit", "3 of 200 records", "1.00%", "line 12, column merchant_category_code"
    )
    assert row[:4] == (PAYMENT, 200, 197, 3)
    assert [each[:3] for each in loaded.quarantine()] == [
        (line, "merchant_category_code", "null") for line in (12, 13, 14)
    ]
    assert loaded.query(
        "select distinct status from governance.quarantine join governance.load using (load_id)"
    ) == [("refused",)]


def test_an_amount_that_cannot_be_read_makes_the_total_wrong_and_is_said(loaded):
    rows = loaded.payments()
    rows[5]["amount"] = '"1,234.50"'
    loaded.send(PAYMENT, rows, control_totals={"amount": "1483.25"})
    refuse(
        loaded,
        "control_total",
        "the sum is 248.75",
        "1 records have no readable value",
        "line 7, column amount",
    )


def test_totals_are_of_all_records_rejected_ones_too(loaded):
    rows = loaded.payments()
    rows[3] |= {"card_id": "", "amount": "1000.00"}
    loaded.send(PAYMENT, rows)
    loaded.load()
    assert len(loaded.quarantine()) == 1


def test_messages_show_nobodys_data_the_quarantine_keeps_it(bank):
    rows = bank.payments(2, card_id="6222021234567890")
    rows[1]["card_transaction_id"] = "P00000"
    cards(bank, 1, bank.day)
    bank.send(PAYMENT, rows)
    with pytest.raises(LoadRefused) as caught:
        bank.load()
    reasons = [each[4] for each in bank.quarantine()]
    assert any(reason.startswith("6***0 is not in") for reason in reasons)
    assert "6222021234567890" not in str(caught.value) + "".join(reasons)
    assert all("6222021234567890" in each[3] for each in bank.quarantine())


def test_what_the_database_refuses_is_said_without_its_words(loaded, monkeypatch):
    monkeypatch.setattr(check.KeySet, "add", lambda self, keys: keys != keys)
    rows = loaded.payments()
    rows[9]["card_transaction_id"] = "P00008"
    loaded.send(PAYMENT, rows)
    reason = refuse(loaded, "database", "SQLSTATE 23505", "the same key")[4]
    assert "P00008" not in reason


def test_a_field_of_ten_megabytes(loaded):
    rows = loaded.payments()
    rows[0]["merchant_name"] = '"' + "长\n" * 2_500_000 + '"'
    loaded.send(PAYMENT, rows, row_count=200)
    loaded.load()
    ((line, column, rule, raw, _),) = loaded.quarantine()
    assert (line, column, rule) == (2, "merchant_name", "length")
    assert len(raw) < RAW_LIMIT + 100
    assert "[cut: " in raw


def test_a_line_without_end(loaded, monkeypatch):
    monkeypatch.setattr(csv_file, "LONGEST_RECORD", 5 << 20)
    loaded.send(PAYMENT, head(loaded) + "\n" + "x" * (9 << 20), row_count=1)
    refuse(loaded, "record_length", "line 2")


def test_sql_in_a_field_is_text(loaded):
    attack = "'); drop table sources.card__card_transaction; --"
    loaded.send(PAYMENT, loaded.payments(2, merchant_name=attack, card_transaction_id="x").copy()[:1])
    loaded.load()
    assert attack in loaded.column(PAYMENT, "merchant_name")


def test_two_files_for_one_date(loaded):
    place = loaded.send(PAYMENT, loaded.payments())
    (place / "data (1).csv").write_text("x")
    refuse(loaded, "one_file", "2 data files")
    (place / "data (1).csv").unlink()
    (place / "data.csv").unlink()
    refuse(loaded, "one_file", "0 data files")
    (place / "data.csv").mkdir()
    refuse(loaded, "one_file", "no ordinary file")


def test_a_manifest_that_points_elsewhere(loaded):
    for name in ("../data.csv", "/etc/passwd", "a/b.csv", "..", ".", ".hidden", "", "a\\b.csv", "other.csv"):
        loaded.send(PAYMENT, loaded.payments(), file=name)
        refuse(loaded, "manifest")


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
    refuse(loaded, "link", "symbolic link")


def test_a_file_still_being_written_is_not_touched(loaded):
    place = loaded.send(PAYMENT, loaded.payments())
    (place / "_manifest.json").unlink()
    before = loaded.state()
    assert {each.status for each in loaded.load().tables} == {"absent"}
    assert loaded.state() == before
    assert loaded.refused() == []
