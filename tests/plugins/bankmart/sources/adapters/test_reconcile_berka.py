"""Reconciliation against a real warehouse, its raw tables and reader views made here from landing files."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from bankmart import db
from bankmart.sources import contract
from bankmart.sources.adapters import berka as adapter
from bankmart.sources.adapters import reconcile, reconcile_berka


def load(dsn: str, landing: Path) -> None:
    """Raw tables with the contract's columns, filled from every landing file, and reader views on top."""
    with closing(psycopg2.connect(dsn)) as link, link, link.cursor() as cursor:
        for system in ("core_banking", "loan", "card", "external"):
            for table in contract.load()[system].values():
                columns = sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.data_type))
                    for column in table.columns
                )
                name = sql.Identifier("sources", table.identifier)
                cursor.execute(sql.SQL("create table {} ({})").format(name, columns))
                for path in sorted((landing / system / table.name).glob("*/*.csv")):
                    with path.open(encoding="utf-8") as file:
                        copy = sql.SQL("copy {} from stdin (format csv, header)").format(name)
                        cursor.copy_expert(copy, file)
        cursor.execute(
            "create view published.fct_transaction as select * from sources.core_banking__transaction;"
            "create view published.dim_customer as select * from sources.core_banking__customer;"
            "grant select on all tables in schema sources, published to platform"
        )


def change(dsn: str, statement: str) -> None:
    with closing(psycopg2.connect(dsn)) as link, link, link.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def loaded(warehouse: str, tiny: Path, landing: Path) -> str:
    adapter.convert(tiny, landing)
    load(warehouse, landing)
    return warehouse


def differences(source: Path) -> dict[str, str]:
    with db.connect("platform") as link:
        lines = reconcile_berka.reconcile(source, link)
    return {line.name: line.difference for line in lines if line.difference}


def run(source: Path) -> int:
    parser = argparse.ArgumentParser()
    reconcile.add_arguments(parser)
    return reconcile.run(parser.parse_args(["berka", "--source", str(source)]))


def test_an_undisturbed_load_agrees(loaded: str, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tiny) == 0

    out = capsys.readouterr().out
    assert "All 28 numbers agree." in out
    assert [line.split() for line in out.splitlines() if line.startswith("amount, PRIJEM / VKLAD")] == [
        ["amount,", "PRIJEM", "/", "VKLAD", "9,010.00", "9,010.00", "9,010.00", "none"]
    ]


@pytest.mark.parametrize(
    ("damage", "wanted"),
    [
        (
            "delete from sources.core_banking__transaction where transaction_id = '11'",
            {
                "transactions, all": "sources -1, published -1",
                "transactions, VYDAJ / VYBER KARTOU": "sources -1, published -1",
                "amount, all": "sources -400.00, published -400.00",
                "amount, VYDAJ / VYBER KARTOU": "sources -400.00, published -400.00",
                "amount, money out": "sources -400.00, published -400.00",
            },
        ),
        (
            "create or replace view published.fct_transaction as "
            "select * from sources.core_banking__transaction where transaction_date < '1993-01-12'",
            {
                "transactions, all": "published -1",
                "transactions, PRIJEM / no operation": "published -1",
                "amount, all": "published -0.07",
                "amount, PRIJEM / no operation": "published -0.07",
                "amount, money in": "published -0.07",
            },
        ),
        (
            "insert into sources.core_banking__transaction (transaction_id, direction, amount) "
            "values ('new', 'in', 1.5)",
            {
                "transactions, all": "sources +1, published +1",
                "transactions, not in trans.asc": "sources +1, published +1",
                "amount, all": "sources +1.50, published +1.50",
                "amount, not in trans.asc": "sources +1.50, published +1.50",
                "amount, money in": "sources +1.50, published +1.50",
            },
        ),
        (
            "update sources.core_banking__transaction set direction = 'in' where transaction_id = '10'",
            {
                "amount, money in": "sources +500.00, published +500.00",
                "amount, money out": "sources -500.00, published -500.00",
            },
        ),
        ("delete from sources.card__card where card_id = '2000'", {"cards": "sources -1"}),
        (
            "update sources.loan__contract set principal_amount = 96395.99 where contract_id = '1000'",
            {"loans, amount": "sources -0.01"},
        ),
        (
            "delete from sources.core_banking__balance where balance_date = '1993-01-12'",
            {"closing balances, amount": "sources -0.07"},
        ),
        (
            "delete from sources.core_banking__customer where customer_id = '4'",
            {"clients": "sources -1, published -1"},
        ),
    ],
)  # fmt: skip
def test_any_damage_shows(loaded: str, tiny: Path, damage: str, wanted: dict[str, str]) -> None:
    change(loaded, damage)

    assert differences(tiny) == wanted
    assert run(tiny) == 1


def test_a_warehouse_without_the_load_is_no_agreement(
    warehouse: str, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tiny) == 2
    assert "The warehouse has no sources.core_banking__account" in capsys.readouterr().err


def test_a_missing_file_is_no_agreement(loaded: str, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny / "order.asc").unlink()

    assert run(tiny) == 2
    assert "order.asc is missing" in capsys.readouterr().err


def test_an_empty_publication_is_a_difference(loaded: str, tiny: Path) -> None:
    change(loaded, "create or replace view published.dim_customer as "
           "select * from sources.core_banking__customer where false")  # fmt: skip

    assert differences(tiny) == {"clients": "published -4"}


def test_the_real_files_reconcile_to_the_heller(
    warehouse: str, berka: Path, landing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter.convert(berka, landing)
    load(warehouse, landing)

    assert run(berka) == 0
    shown = {line[:40].strip(): line[40:].split() for line in capsys.readouterr().out.splitlines()}
    assert shown["accounts"][:2] == ["4,500", "4,500"]
    assert shown["clients"][:3] == ["5,369", "5,369", "5,369"]
