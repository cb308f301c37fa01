from __future__ import annotations

import csv
import hashlib
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bankmart.sources import contract
from bankmart.sources.adapters import berka as adapter
from bankmart.sources.adapters.berka_files import BerkaError

Rows = dict[str, dict[str, str]]


def delivered(landing: Path, system: str, table: str, day: str) -> list[dict[str, str]]:
    with (landing / system / table / day / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by(key: str, rows: list[dict[str, str]]) -> Rows:
    return {row[key]: row for row in rows}


@pytest.fixture
def all_in_one(tiny: Path, landing: Path) -> Path:
    adapter.convert(tiny, landing, go_live=date(1993, 1, 12), days=0)
    return landing


def test_every_code_of_a_transaction(all_in_one: Path) -> None:
    rows = by("transaction_id", delivered(all_in_one, "core_banking", "transaction", "1993-01-12"))

    assert {key: (row["direction"], row["channel"], row["purpose"]) for key, row in rows.items()} == {
        "1": ("in", "branch", "cash"),
        "2": ("in", "transfer", "pension"),
        "3": ("in", "transfer", "transfer"),
        "4": ("out", "standing_order", "household"),
        "5": ("out", "standing_order", "loan_repayment"),
        "6": ("out", "system", "fee"),
        "7": ("out", "branch", "cash"),
        "8": ("out", "system", "penalty_interest"),
        "9": ("in", "system", "interest"),
        "10": ("out", "branch", "cash"),
        "11": ("out", "card", "cash"),
        "12": ("out", "branch", "household"),
        "13": ("in", "branch", "cash"),
        "14": ("out", "standing_order", "insurance"),
        "15": ("out", "transfer", "transfer"),  # the order is of 30.00, not of 31.00
        "16": ("out", "standing_order", "transfer"),
        "17": ("in", "system", "other"),
    }
    assert rows["5"]["amount"] == "3372.70"
    assert rows["14"]["balance_amount"] == "-0.50"
    assert (rows["2"]["counterparty_bank"], rows["2"]["counterparty_account"]) == ("AB", "5")
    assert (rows["7"]["counterparty_bank"], rows["7"]["counterparty_account"]) == ("", "")


def test_customers_have_birth_date_sex_branch_and_first_day(all_in_one: Path) -> None:
    rows = by("customer_id", delivered(all_in_one, "core_banking", "customer", "1993-01-12"))

    fields = ("birth_date", "sex", "district_id", "branch_id", "open_date", "effective_date", "status")
    assert {key: tuple(row[field] for field in fields) for key, row in rows.items()} == {
        "1": ("1970-12-13", "F", "69", "1", "1993-01-01", "1993-01-01", "active"),
        "2": ("1945-02-04", "M", "1", "1", "1993-01-01", "1993-01-01", "active"),
        "3": ("1940-02-29", "M", "1", "69", "1993-02-15", "1993-01-12", "active"),
        "4": ("1909-12-31", "F", "70", "70", "1997-12-29", "1993-01-12", "active"),
    }
    assert {row["id_number"] + row["name"] + row["mobile"] for row in rows.values()} == {""}


def test_accounts_holders_and_orders(all_in_one: Path) -> None:
    accounts = by("account_id", delivered(all_in_one, "core_banking", "account", "1993-01-12"))
    holders = delivered(all_in_one, "core_banking", "account_holder", "1993-01-12")
    orders = by("standing_order_id", delivered(all_in_one, "core_banking", "standing_order", "1993-01-12"))

    fields = ("customer_id", "product_id", "branch_id", "currency", "open_date", "effective_date")
    assert {key: tuple(row[field] for field in fields) for key, row in accounts.items()} == {
        "10": ("1", "current_monthly", "1", "CZK", "1993-01-01", "1993-01-01"),
        "11": ("3", "current_weekly", "69", "CZK", "1993-02-15", "1993-01-12"),
        "12": ("4", "current_per_transaction", "70", "CZK", "1997-12-29", "1993-01-12"),
    }
    assert [tuple(row.values()) for row in holders] == [
        ("10", "1", "owner", "1993-01-01"),
        ("10", "2", "authorised", "1993-01-01"),
        ("11", "3", "owner", "1993-01-12"),
        ("12", "4", "owner", "1993-01-12"),
    ]
    assert [row["purpose"] for row in orders.values()] == [
        "household", "loan_repayment", "insurance", "lease", "transfer",
    ]  # fmt: skip
    assert orders["3001"]["amount"] == "3372.70"


def test_loans_cards_products_and_districts(all_in_one: Path) -> None:
    loans = by("contract_id", delivered(all_in_one, "loan", "contract", "1993-01-12"))
    cards = by("card_id", delivered(all_in_one, "card", "card", "1993-01-12"))
    products = by("product_id", delivered(all_in_one, "core_banking", "product", "1993-01-12"))
    districts = by("district_id", delivered(all_in_one, "external", "district", "1993-01-12"))
    branches = by("branch_id", delivered(all_in_one, "core_banking", "branch", "1993-01-12"))

    assert [(row["status"], row["customer_id"], row["effective_date"]) for row in loans.values()] == [
        ("finished", "1", "1993-01-05"),
        ("finished_default", "1", "1993-01-06"),
        ("running", "3", "1993-01-12"),
        ("running_arrears", "4", "1993-01-12"),
    ]
    assert (loans["1000"]["principal_amount"], loans["1002"]["payment_amount"]) == ("96396.00", "33.33")
    assert [(row["account_id"], row["customer_id"], row["card_level"]) for row in cards.values()] == [
        ("10", "1", "classic"),
        ("10", "2", "junior"),
        ("12", "4", "gold"),
    ]
    assert (cards["2002"]["issued_date"], cards["2002"]["effective_date"]) == ("1998-12-29", "1993-01-12")
    assert {row["product_id"] for row in loans.values()} <= set(products)
    assert products["card_gold"]["product_line"] == "credit_card"
    numbers = list(districts["69"].values())[3:]
    assert numbers == ["42821", "0.484", "8173.00", "0.0701", "124", "1358"]
    assert list(districts["70"].values())[3:] == [
        "",
        "",
        "",
        "0.015",
        "",
        "12",
    ]  # the year before, or nothing
    assert (branches["69"]["name"], branches["69"]["region"]) == ("Branch Jesenik", "north Moravia")


def test_balances_are_running_sums_whatever_the_order_of_lines(all_in_one: Path) -> None:
    rows = delivered(all_in_one, "core_banking", "balance", "1993-01-12")

    assert {(row["account_id"], row["balance_date"][-2:]): row["balance_amount"] for row in rows} == {
        ("10", "01"): "9000.00",
        ("10", "02"): "13119.50",
        ("10", "05"): "7294.80",
        ("10", "06"): "7080.20",  # the last line of that day says 7094.80
        ("10", "07"): "7105.50",
        ("10", "08"): "6605.50",
        ("10", "09"): "6205.50",
        ("10", "10"): "6089.50",
        ("11", "10"): "-31.50",
        ("11", "11"): "-61.50",
        ("11", "12"): "-61.43",  # the file rounds to -61.40
    }


def test_days_after_go_live_carry_their_own_events_only(tiny: Path, landing: Path) -> None:
    summary = adapter.convert(tiny, landing)

    assert (summary["go_live"], summary["last_business_date"]) == ("1993-01-09", "1993-01-12")
    share = {
        day: [row["transaction_id"] for row in delivered(landing, "core_banking", "transaction", day)]
        for day in ("1993-01-09", "1993-01-10", "1993-01-11", "1993-01-12")
    }
    assert share == {
        "1993-01-09": [str(n) for n in range(1, 12)],
        "1993-01-10": ["12", "13", "14", "15"],
        "1993-01-11": ["16"],
        "1993-01-12": ["17"],
    }
    assert len(delivered(landing, "core_banking", "customer", "1993-01-09")) == 4
    assert delivered(landing, "core_banking", "customer", "1993-01-10") == []
    assert len(delivered(landing, "core_banking", "product", "1993-01-10")) == 7
    assert summary["rows"]["core_banking.transaction"] == 17
    assert summary["rows"]["external.district"] == 3
    assert summary["balances"] == {
        "as_the_file_states": 10, "within_one_crown": 1, "further_away": 0, "furthest_crowns": "0.03",
    }  # fmt: skip


def test_what_is_not_delivered_is_said(tiny: Path, landing: Path) -> None:
    summary = adapter.convert(tiny, landing, go_live=date(1993, 1, 5), days=2)

    assert summary["rows"]["core_banking.transaction"] == 9
    assert summary["transactions_after_the_last_business_date"] == 8


def test_every_file_keeps_the_contract_and_its_manifest(tiny: Path, landing: Path) -> None:
    summary = adapter.convert(tiny, landing)

    manifests = sorted(landing.glob("*/*/*/_manifest.json"))
    assert len(manifests) == summary["files"] == 44
    for path in manifests:
        system, name = path.parts[-4:-2]
        table = contract.load()[system][name]
        stated = json.loads(path.read_text())
        rows = delivered(landing, system, name, path.parent.name)
        assert stated["row_count"] == len(rows)
        assert stated["sha256"] == hashlib.sha256((path.parent / stated["file"]).read_bytes()).hexdigest()
        for column in table.columns:
            values = [row[column.name] for row in rows]
            assert column.is_nullable or "" not in values, (table.identifier, column.name)
            assert not column.values or set(values) <= {*column.values, ""}, (table.identifier, column.name)
            if column.is_total:
                total = sum(map(Decimal, values), Decimal())
                assert Decimal(stated["control_totals"][column.name]) == total


def test_systems_without_data_are_absent(all_in_one: Path) -> None:
    assert {path.name for path in all_in_one.iterdir()} == {"core_banking", "loan", "card", "external"}
    assert not (all_in_one / "loan" / "repayment").exists()


def test_the_same_files_again_give_the_same_bytes(tiny: Path, landing: Path) -> None:
    def state() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in landing.rglob("*") if path.is_file()}

    adapter.convert(tiny, landing)
    first = state()
    adapter.convert(tiny, landing)

    assert state() == first


def test_a_bank_without_loans_cards_and_orders(tiny: Path, landing: Path) -> None:
    for name in ("loan", "card", "order"):
        path = tiny / f"{name}.asc"
        path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    summary = adapter.convert(tiny, landing)

    assert summary["rows"]["loan.contract"] == summary["rows"]["card.card"] == 0
    rows = by("transaction_id", delivered(landing, "core_banking", "transaction", "1993-01-09"))
    assert rows["4"]["channel"] == "transfer"


def test_extracts_of_other_dates_are_not_mixed_in(tiny: Path, landing: Path) -> None:
    adapter.convert(tiny, landing, days=1)

    with pytest.raises(BerkaError, match=r"1993-01-11 is an extract of another date than 1993-01-05 to 1993-01-06"):
        adapter.convert(tiny, landing, go_live=date(1993, 1, 5), days=1)
    assert not (landing / "core_banking" / "transaction" / "1993-01-05").exists()


def test_negative_days_are_refused(tiny: Path, landing: Path) -> None:
    with pytest.raises(BerkaError, match="days is -1"):
        adapter.convert(tiny, landing, days=-1)


def test_a_column_the_contract_does_not_have_is_refused(tiny: Path) -> None:
    frame = adapter.read_all(tiny)["client"]

    with pytest.raises(
        BerkaError, match=r"core_banking__customer: the contract has no \['birth_number', 'client_id'\]"
    ):
        adapter.to_arrow(contract.load()["core_banking"]["customer"], frame)


def test_a_null_the_contract_does_not_allow_is_refused(tiny: Path) -> None:
    frame = adapter.read_all(tiny)["client"][["district_id"]]

    with pytest.raises(BerkaError, match=r"core_banking__customer\.customer_id: the contract allows no null"):
        adapter.to_arrow(contract.load()["core_banking"]["customer"], frame)
