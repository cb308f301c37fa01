"""The adapter on the real PKDD'99 files: nothing lost, sums to the heller, people who can be."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bankmart.sources.adapters import berka as adapter


@pytest.fixture(scope="module")
def converted(berka: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    landing = tmp_path_factory.mktemp("landing")
    return landing, adapter.convert(berka, landing)


def rows(landing: Path, system: str, table: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in sorted((landing / system / table).glob("*/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += csv.DictReader(file)
    return found


def raw(berka: Path, name: str) -> list[dict[str, str]]:
    with (berka / f"{name}.asc").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_every_row_is_delivered(berka: Path, converted: tuple[Path, dict[str, Any]]) -> None:
    landing, summary = converted
    tables = {
        "client": ("core_banking", "customer"), "account": ("core_banking", "account"),
        "disp": ("core_banking", "account_holder"), "order": ("core_banking", "standing_order"),
        "trans": ("core_banking", "transaction"), "loan": ("loan", "contract"), "card": ("card", "card"),
    }  # fmt: skip

    for name, (system, table) in tables.items():
        assert len(rows(landing, system, table)) == len(raw(berka, name)), name
        assert summary["rows"][f"{system}.{table}"] == len(raw(berka, name))
    assert summary["transactions_after_the_last_business_date"] == 0
    assert summary["rows"]["core_banking.account"] == 4500
    assert summary["rows"]["core_banking.customer"] == 5369


def test_amounts_by_type_are_the_files(berka: Path, converted: tuple[Path, dict[str, Any]]) -> None:
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for row in raw(berka, "trans"):
        wanted["in" if row["type"] == "PRIJEM" else "out"] += Decimal(row["amount"])
    got: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(converted[0], "core_banking", "transaction"):
        got[row["direction"]] += Decimal(row["amount"])

    assert got == wanted


def test_days_hold_their_own_date_only(converted: tuple[Path, dict[str, Any]]) -> None:
    landing, summary = converted
    for table in ("transaction", "balance"):
        for path in (landing / "core_banking" / table).glob("*/*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                days = {row[f"{table}_date"] for row in csv.DictReader(file)}
            day = path.parent.name
            assert max(days) == day if day == summary["go_live"] else days == {day}


def test_balances_are_running_sums_of_the_raw_amounts(berka: Path, converted: tuple[Path, dict[str, Any]]) -> None:
    running: dict[str, Decimal] = defaultdict(Decimal)
    wanted: dict[tuple[str, str], Decimal] = {}
    for row in raw(berka, "trans"):
        running[row["account_id"]] += Decimal(row["amount"]) * (1 if row["type"] == "PRIJEM" else -1)
        day = date(1900 + int(row["date"][:2]), int(row["date"][2:4]), int(row["date"][4:]))
        wanted[row["account_id"], day.isoformat()] = running[row["account_id"]]
    got = {
        (row["account_id"], row["balance_date"]): Decimal(row["balance_amount"])
        for row in rows(converted[0], "core_banking", "balance")
    }

    assert got == wanted


def test_stated_balances_agree_but_for_rounding_and_a_day_that_is_cut_off(
    converted: tuple[Path, dict[str, Any]],
) -> None:
    stated = converted[1]["balances"]
    if converted[1]["last_business_date"] != "1994-03-31":
        pytest.skip("these numbers are of the prefix of trans.asc that ends on 1994-03-31")
    assert stated == {
        "as_the_file_states": 23634,
        "within_one_crown": 16298,
        "further_away": 28,
        "furthest_crowns": "332.20",
    }


def test_references_resolve(converted: tuple[Path, dict[str, Any]]) -> None:
    landing, _ = converted
    customers = {row["customer_id"] for row in rows(landing, "core_banking", "customer")}
    accounts = {row["account_id"]: row["customer_id"] for row in rows(landing, "core_banking", "account")}
    branches = {row["branch_id"] for row in rows(landing, "core_banking", "branch")}
    products = {row["product_id"] for row in rows(landing, "core_banking", "product")}

    assert set(accounts.values()) <= customers
    assert {row["product_id"] for row in rows(landing, "core_banking", "account")} <= products
    for table in ("customer", "account"):
        assert {row["branch_id"] for row in rows(landing, "core_banking", table)} <= branches
    owners = [row for row in rows(landing, "core_banking", "account_holder") if row["holder_role"] == "owner"]
    assert {row["account_id"]: row["customer_id"] for row in owners} == accounts
    for system, table in (("loan", "contract"), ("card", "card")):
        for row in rows(landing, system, table):
            assert row["customer_id"] in customers
            assert row["account_id"] in accounts


def test_people_have_believable_sex_and_age(berka: Path, converted: tuple[Path, dict[str, Any]]) -> None:
    customers = rows(converted[0], "core_banking", "customer")
    women = sum(row["birth_number"][2:4] > "50" for row in raw(berka, "client"))

    assert Counter(row["sex"] for row in customers) == {"F": women, "M": len(customers) - women}
    assert 0.4 < women / len(customers) < 0.6
    ages = [int(row["open_date"][:4]) - int(row["birth_date"][:4]) for row in customers]
    assert min(ages) >= 0
    assert max(ages) < 100
    assert {row["birth_date"][5:7] for row in customers} == {f"{month:02}" for month in range(1, 13)}


def test_every_transfer_out_is_a_standing_orders(converted: tuple[Path, dict[str, Any]]) -> None:
    found = Counter(row["channel"] for row in rows(converted[0], "core_banking", "transaction"))

    assert found["standing_order"] > 0.99 * (found["standing_order"] + sum(
        row["direction"] == "out" and row["channel"] == "transfer"
        for row in rows(converted[0], "core_banking", "transaction")
    ))  # fmt: skip
