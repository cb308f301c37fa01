"""Raw tables are the contract's, and follow it where they can without losing a row."""

from __future__ import annotations

from dataclasses import replace

import psycopg2
import pytest

from bankmart import db
from bankmart.sources import contract, tables
from bankmart.sources.contract import Column, ContractError

CARD = contract.load()["card"]["card"]


def test_every_table_of_the_contract_is_made_and_made_once(bank):
    tables.create_tables()
    tables.create_tables()
    wanted = {table.identifier for system in contract.load().values() for table in system.values()}
    assert {name for (name,) in bank.query("select tablename from pg_tables where schemaname = 'sources'")} == wanted
    columns = bank.query(
        """
        select column_name, is_nullable, col_description('sources.core_banking__balance'::regclass, ordinal_position)
        from information_schema.columns where table_name = 'core_banking__balance' order by ordinal_position
        """
    )
    assert [each[:2] for each in columns] == [
        (name, "NO") for name in ("account_id", "balance_date", "balance_amount", "business_date", "load_id")
    ]  # fmt: skip
    assert columns[0][2] == "Account number."
    assert bank.query("select obj_description('sources.external__district'::regclass)") == [("One row per district.",)]


def test_who_may_read_and_write_them(bank):
    tables.create_tables([CARD])
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select count(*) from sources.card__card")
        assert cursor.fetchone() == (0,)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("delete from sources.card__card")
    for role in ("scorer", "bi_reader"):
        with (
            db.connect(role) as link,
            link.cursor() as cursor,
            pytest.raises(psycopg2.errors.InsufficientPrivilege),
        ):
            cursor.execute("select count(*) from sources.card__card")
    assert bank.query("select relpersistence from pg_class where relname = 'card__card'") == [("p",)]


def changed(**columns):
    """The card table with columns put in, taken out (None) or changed."""
    kept = {column.name: column for column in CARD.columns} | columns
    return replace(CARD, columns=tuple(column for column in kept.values() if column))


def column(name):
    return next(each for each in CARD.columns if each.name == name)


def test_a_new_nullable_column_is_added(bank):
    tables.create_tables([CARD])
    bank.query(
        """
        insert into sources.card__card
        select 'K', 'A', 'C', null, 'debit', 'gold', current_date, null, 'active', current_date, current_date, 1
        """
    )
    new = Column("colour", "numeric(5,2)", "reference", is_nullable=True, description="Its colour.")
    tables.create_tables([changed(colour=new)])
    tables.create_tables([changed(colour=new)])
    assert bank.query("select card_id, colour from sources.card__card") == [("K", None)]
    assert bank.query("select format_type(atttypid, atttypmod) from pg_attribute where attname = 'colour'") == [
        ("numeric(5,2)",)
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": Column("colour", "text", "reference")}, "new column colour is not nullable"),
        ({"status": None}, "has the column status, which the contract no longer has"),
        ({"status": replace(column("status"), data_type="integer")},
         "status: the contract says integer, not null, the table has text, not null"),
        ({"credit_limit_amount": replace(column("credit_limit_amount"), data_type="numeric(18,3)")},
         "numeric(18,3)"),
        ({"status": replace(column("status"), is_nullable=True)}, "the contract says text, nullable"),
        ({"status": replace(column("status"), is_key=True)}, "its key is"),
    ],
)  # fmt: skip
def test_any_other_change_is_an_error_that_names_it(bank, change, words):
    tables.create_tables([CARD])
    with pytest.raises(ContractError) as caught:
        tables.create_tables([changed(**change)])
    assert words in str(caught.value)
    assert "sources.card__card" in str(caught.value)
    assert "drop the table and load its dates again" in str(caught.value)
    tables.create_tables([CARD])
