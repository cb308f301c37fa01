"""One bad record goes to quarantine with its line, column, rule and text; too many refuse the file."""

from __future__ import annotations

from datetime import date

import psycopg2
import pyarrow as pa
import pytest

from bankmart.sources import contract
from bankmart.sources.reading import check, csv_file
from bankmart.sources.reading.keys import hashes
from bankmart.sources.references import References
from bankmart.sources.refusal import RAW_LIMIT, LoadRefused

PAYMENT = "card.card_transaction"
OTHER_DAY = date(2026, 1, 30)
CASES = [
    ("amount", "1,234.50", "type"), ("amount", "NaN", "type"), ("amount", "Infinity", "type"),
    ("amount", "1e400", "type"), ("amount", "12345678901234567.00", "type"), ("amount", "1.005", "type"),
    ("amount", "-0.01", "range"), ("amount", "", "null"),
    ("transaction_date", "2026-02-30", "type"), ("transaction_date", "0001-01-01", "type"),
    ("transaction_date", "2201-01-01", "type"), ("transaction_date", "31.01.2026", "type"),
    ("transaction_date", "2026-02-01", "future"), ("transaction_date", "", "null"),
    ("transaction_at", "2026-01-31 24:00:00", "type"), ("transaction_at", "noon", "type"),
    ("is_online", "maybe", "type"), ("card_id", "", "null"), ("card_transaction_id", "P00007", "duplicate"),
    ("card_transaction_id", "", "null"), ("merchant_name", "a\0b", "nul"),
    ("merchant_name", "x" * 1_000_001, "length"),
    ("merchant_name", '"open', "quote"), ("merchant_name", '"a"b', "quote"),
    ("merchant_name", "a,b", "field_count"),
]  # fmt: skip


@pytest.mark.parametrize("block", [100, 4 << 20])
def test_bad_records_go_to_quarantine_and_all_others_are_loaded(loaded, monkeypatch, block):
    """In one block the bad quotes send every record the slow way; in small blocks each goes its own."""
    monkeypatch.setattr(csv_file, "BLOCK", block)
    rows = loaded.payments(3000)
    for number, (column, value, _) in enumerate(CASES):
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
    for number, ((column, _, rule), (line, in_column, broken, raw, _)) in enumerate(zip(CASES, found, strict=True)):
        row = rows[100 + 10 * number]
        assert (line, broken) == (102 + 10 * number, rule)
        assert in_column == (None if rule in ("quote", "field_count") else column)
        assert raw.startswith(",".join(map(str, row.values())).replace("\0", "\\0")[:RAW_LIMIT])
    stored = "select card_transaction_id from sources.card__card_transaction where business_date = %s"
    bad = {100 + 10 * number for number in range(len(CASES))}
    assert {name for (name,) in loaded.query(stored, loaded.day)} == {
        f"P{number:05d}" for number in range(3000) if number not in bad
    }
    ledger = "select accepted_count, rejected_count from governance.load where read_count = 3000"
    assert loaded.query(ledger) == [(3000 - len(CASES), len(CASES))]


def test_the_first_good_record_of_a_key_is_kept(bank):
    rows = bank.payments(400)
    for number, code in ((10, ""), (20, "1111"), (30, "2222")):
        rows[number] |= {"card_transaction_id": "X", "merchant_category_code": code}
    bank.send(PAYMENT, rows)
    bank.load()
    assert [(line, rule) for line, _, rule, _, _ in bank.quarantine()] == [(12, "null"), (32, "duplicate")]
    kept = "select merchant_category_code from sources.card__card_transaction where card_transaction_id = 'X'"
    assert bank.query(kept) == [("1111",)]


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
    assert [(line, column, rule) for line, column, rule, _, _ in bank.quarantine()] == [(201, "answered_at", "future")]


def cards(bank, count, day):
    names = [column.name for column in contract.load()["card"]["card"].columns]
    rows = "\n".join(f"K{number},A1,C1,,debit,gold,2020-01-01,,active,{day}" for number in range(count))
    bank.send("card.card", f"{','.join(names)}\n{rows}\n", day=day)


def test_orphans_go_to_quarantine_once_the_other_table_was_loaded(bank):
    bank.send(PAYMENT, bank.payments(transaction_date="2026-01-30", transaction_at=""), day=OTHER_DAY)
    bank.load(day=OTHER_DAY)  # no card was ever loaded: nothing to compare with
    assert bank.quarantine() == []
    cards(bank, 199, bank.day)
    bank.send(PAYMENT, bank.payments())
    bank.load()  # cards of this very load count; the payment with K199 has none
    assert [(line, column, rule) for line, column, rule, _, _ in bank.quarantine()] == [(201, "card_id", "orphan")]
    bank.send(PAYMENT, bank.payments(amount="3.00", transaction_date="2026-01-30", transaction_at=""), day=OTHER_DAY)
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
    row = loaded.refuse("quarantine_limit", "3 of 200 records", "1.00%", "line 12, column merchant_category_code")
    assert row[:4] == (PAYMENT, 200, 197, 3)
    assert [each[:3] for each in loaded.quarantine()] == [
        (line, "merchant_category_code", "null") for line in (12, 13, 14)
    ]
    assert loaded.query("select distinct status from governance.quarantine join governance.load using (load_id)") == [
        ("refused",)
    ]


def test_an_amount_that_cannot_be_read_makes_the_total_wrong_and_is_said(loaded):
    rows = loaded.payments()
    rows[5]["amount"] = '"1,234.50"'
    loaded.send(PAYMENT, rows, control_totals={"amount": "1483.25"})
    loaded.refuse(
        "control_total",
        "the sum is 248.75",
        "1 record has no readable value",
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
    reason = loaded.refuse("database", "SQLSTATE 23505", "the same key")[4]
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
    loaded.send(PAYMENT, loaded.head() + "\n" + "x" * (9 << 20), row_count=1)
    loaded.refuse("record_length", "line 2")


def test_sql_in_a_field_is_text(loaded):
    attack = "'); drop table sources.card__card_transaction; --"
    loaded.send(PAYMENT, loaded.payments(2, merchant_name=attack, card_transaction_id="x").copy()[:1])
    loaded.load()
    assert attack in loaded.column(PAYMENT, "merchant_name")


def test_of_many_keys_only_those_that_a_short_file_asks_for_are_fetched(bank):
    cards(bank, 2000, OTHER_DAY)
    bank.load(day=OTHER_DAY)
    with psycopg2.connect(bank.dsn) as link, link.cursor() as cursor:
        cursor.execute("analyze sources.card__card")
        asked = {"card_id": ["K1999", "K2000"]}
        known = References(cursor, bank.day).of(contract.load()["card"]["card_transaction"], asked)["card_id"]
    assert known.contains(hashes([pa.array(["K1999", "K2000", "K5"])])).tolist() == [True, False, False]
    payments = bank.payments()
    payments[7]["card_id"] = "K2000"
    bank.send(PAYMENT, payments)
    bank.load()
    assert [(line, column, rule) for line, column, rule, _, _ in bank.quarantine()] == [(9, "card_id", "orphan")]
