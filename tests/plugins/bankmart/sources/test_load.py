"""A system's files of a date are loaded whole, once, or not at all."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal

import pytest

from bankmart.sources import load
from bankmart.sources.contract import ContractError
from bankmart.sources.refusal import LoadRefused

NEXT = date(2026, 2, 1)
DISTRICT = (
    "district_id,name,region,population,urban_rate,average_salary_amount,unemployment_rate,"
    "entrepreneurs_per_1000,crime_count\nD1,Praha,Praha,1,0.5,1.00,0.1,1,1\n"
)
KEY = """
    select pg_get_constraintdef(oid) from pg_constraint
    where conrelid = 'sources.card__card_transaction'::regclass and contype = 'p'
"""


def statuses(done):
    return {each.table: each.status for each in done.tables if each.status != "absent"}


def test_values_land_in_their_own_columns_whatever_their_order(bank):
    rows = bank.payments(3)
    rows[1] |= {"transaction_at": "", "merchant_name": '"a,""b""\nc"', "amount": "-0"}
    names = list(reversed(rows[0]))
    bank.send("card.card_transaction", [{name: row[name] for name in names} for row in rows], row_count=3)
    done = bank.load()
    assert statuses(done) == {"card_transaction": "loaded"}
    assert bank.query("select * from sources.card__card_transaction order by 1")[1] == (
        "P00001", "K1", date(2026, 1, 31), None, Decimal("0.00"), "5411", 'a,"b"\nc', True, False, bank.day,
        done.tables[1].load_id,
    )  # fmt: skip
    assert bank.query("select status, read_count, accepted_count, rejected_count, run_id from governance.load") == [
        ("loaded", 3, 3, 0, None)
    ]


def test_the_same_file_again_changes_nothing(bank):
    bank.send("card.card_transaction", bank.payments())
    first = bank.load(run_id="one")
    before = bank.state()
    again = bank.load(run_id="two")
    assert statuses(again) == {"card_transaction": "unchanged"}
    assert [(each.read, each.load_id) for each in again.tables] == [(each.read, each.load_id) for each in first.tables]
    bank.send("card.card_transaction", bank.payments(), name="renamed.csv")
    assert statuses(bank.load()) == {"card_transaction": "unchanged"}
    assert bank.state() == before


def test_every_attempt_is_in_the_audit_without_anybodys_data(bank):
    bank.send("card.card_transaction", bank.payments(3))
    bank.load(run_id="one")
    bank.load(run_id="two")
    bank.send("card.card_transaction", bank.payments(4), row_count=7)
    with pytest.raises(LoadRefused):
        bank.load(run_id="three")
    told = bank.query(
        "select kind, actor, subject, facts from audit.entry where kind in ('load', 'load_refused') order by number"
    )
    ((number,),) = bank.query("select load_id from governance.load where status = 'loaded'")
    assert told[0] == (
        "load", "one", f"card of {bank.day}", {"card_transaction": {"load_id": number, "accepted": 3, "rejected": 0}}
    )  # fmt: skip
    kind, actor, subject, facts = told[1]
    assert (kind, actor, subject) == ("load_refused", "three", f"card.card_transaction of {bank.day}")
    assert (facts.pop("sha256") is not None, facts) == (True, {"rule": "row_count", "read": 4, "rejected": 0})
    assert len(told) == 2, "where nothing is new, nothing is said"


def test_a_corrected_file_replaces_its_date_and_nothing_else(bank):
    bank.send("card.card_transaction", bank.payments(300, amount="2.00"))
    bank.send(
        "card.card_transaction",
        bank.payments(amount="3.00", transaction_date="2026-01-30"),
        day=date(2026, 1, 30),
    )
    bank.load()
    bank.load(day=date(2026, 1, 30))
    bank.send("card.card_transaction", bank.payments(200, amount="4.00"))
    bank.load()
    found = bank.query(
        "select business_date, amount, count(*) from sources.card__card_transaction group by 1, 2 order by 1"
    )
    assert found == [(date(2026, 1, 30), 3, 200), (bank.day, 4, 200)]
    ledger = "select business_date::text, status, read_count from governance.load order by load_id"
    assert bank.query(ledger) == [
        ("2026-01-31", "replaced", 300),
        ("2026-01-30", "loaded", 200),
        ("2026-01-31", "loaded", 200),
    ]
    bank.send("card.card_transaction", bank.payments(300, amount="2.00"))  # the first one after all
    assert statuses(bank.load()) == {"card_transaction": "loaded"}
    assert len(bank.column("card.card_transaction", "amount")) == 500


def test_two_loads_at_once_load_once(bank):
    bank.send("card.card_transaction", bank.payments(20_000))
    done = []
    threads = [threading.Thread(target=lambda: done.append(bank.load())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses(each)["card_transaction"] for each in done) == ["loaded", "unchanged", "unchanged"]
    assert len(bank.column("card.card_transaction", "amount")) == 20_000


def test_two_dates_at_once_both_load(bank):
    days = [date(2026, 1, day) for day in (29, 30, 31)]
    for day in days:
        bank.send(
            "card.card_transaction",
            bank.payments(12_000, transaction_date=day.isoformat(), transaction_at=""),
            day=day,
        )
    errors = []

    def run(day):
        try:
            bank.load(day=day)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(day,)) for day in days]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(bank.column("card.card_transaction", "amount")) == 36_000
    assert bank.query("select count(*) from pg_constraint where conname = 'card__card_transaction_key'") == [(1,)]


def test_rows_that_are_gone_are_loaded_again(bank):
    bank.send("card.card_transaction", bank.payments(2))
    bank.load()
    bank.query("drop table sources.card__card_transaction")
    assert statuses(bank.load()) == {"card_transaction": "loaded"}
    assert len(bank.column("card.card_transaction", "amount")) == 2


def test_the_same_events_under_another_date_are_refused_the_same_reference_data_are_not(bank):
    rows = bank.payments()
    bank.send("card.card_transaction", rows, day=date(2026, 1, 30), row_count=200)
    with pytest.raises(LoadRefused, match="future"):
        bank.load(day=date(2026, 1, 30))
    bank.send("card.card_transaction", rows)
    bank.load()
    before = bank.state()
    bank.send("card.card_transaction", rows, day=date(2026, 1, 30))
    with pytest.raises(LoadRefused, match=r"was loaded for 2026-01-31.*\[twice\]"):
        bank.load(day=date(2026, 1, 30))
    assert bank.state() == before
    for day in (bank.day, date(2026, 1, 30)):
        bank.send("external.district", DISTRICT, day=day)
        assert statuses(bank.load("external", day)) == {"district": "loaded"}
    header = bank.text(rows).split("\n")[0] + "\n"
    for day in (date(2026, 1, 28), date(2026, 1, 29)):  # no event is no event twice
        bank.send("card.card_transaction", header, day=day)
        assert statuses(bank.load(day=day)) == {"card_transaction": "loaded"}


def test_all_tables_of_a_system_or_none(bank):
    bank.send("external.district", DISTRICT)
    bank.send("external.macro_indicator", "indicator_code,period_date,indicator_value\nCPI,2026-01-31,x\n")
    with pytest.raises(LoadRefused, match="quarantine_limit"):
        bank.load("external")
    assert bank.column("external.district", "name") == []
    assert bank.state()["ledger"] == []
    assert [each[:4] for each in bank.refused()] == [("external.macro_indicator", 1, 0, 1)]
    bank.send("external.macro_indicator", "indicator_code,period_date,indicator_value\nCPI,2026-01-31,1\n")
    assert statuses(bank.load("external")) == {"district": "loaded", "macro_indicator": "loaded"}


def test_a_required_file_that_is_not_there_is_named_and_nothing_is_entered(bank):
    place = bank.send("core_banking.product", "x\n")
    (place / "_manifest.json").rename(place / ".still_writing")
    absent = load.missing("core_banking", bank.day, bank.root)
    assert [path.parent.parent.name for path in absent] == [
        "customer",
        "product",
        "account",
        "balance",
        "transaction",
    ]
    with pytest.raises(LoadRefused, match=r"core_banking/product/2026-01-31/_manifest.json.*\[missing\]"):
        bank.load("core_banking")
    assert bank.refused() == []
    assert load.missing("card", bank.day, bank.root) == []
    assert statuses(bank.load("card")) == {}


def test_a_system_has_delivered_once_something_of_it_was_loaded(bank):
    assert not load.has_delivered("card")
    bank.send("card.card_transaction", bank.payments(), row_count=1)
    with pytest.raises(LoadRefused):
        bank.load()
    assert not load.has_delivered("card")
    bank.send("card.card_transaction", bank.payments())
    bank.load()
    assert load.has_delivered("card")
    assert not load.has_delivered("crm")


def test_an_unknown_system_is_an_error_even_with_sql_in_its_name(bank):
    with pytest.raises(ContractError, match="no system"):
        bank.load("card'; drop table governance.load; --")
    assert bank.refused() == []


def test_a_date_in_the_future_is_refused(bank):
    bank.send("card.card_transaction", bank.payments(), day=NEXT)
    with pytest.raises(LoadRefused, match=r"in the future.*\[future\]"):
        bank.load(day=NEXT)
    assert bank.column("card.card_transaction", "amount") == []
    assert len(bank.refused()) == 1
    bank.load(day=bank.day)


def test_the_first_big_load_ends_with_the_key_in_place(bank):
    bank.send("card.card_transaction", bank.payments(12_000))
    bank.load()
    assert bank.query(KEY) == [("PRIMARY KEY (business_date, card_transaction_id)",)]
    bank.send("card.card_transaction", bank.payments(12_001))
    bank.load()
    assert bank.query(KEY) == [("PRIMARY KEY (business_date, card_transaction_id)",)]
    assert len(bank.column("card.card_transaction", "amount")) == 12_001
