"""Where persons are follows from the contract: whose a row is, which numbers lead to somebody, what becomes of it."""

from __future__ import annotations

import pytest

from bankmart.governance.people import places
from bankmart.governance.people.rules import of_extract
from bankmart.sources import contract

EXTRACTS = [table for tables in contract.load().values() for table in tables.values()]
OF_NOBODY = {"branch", "product", "manager", "campaign", "creative", "cost", "district", "macro_indicator"}


def fates(name):
    system, _, table = name.partition(".")
    return {place.name: place.fate for place in places.places(contract.load()[system][table])}


def test_numbers_that_lead_to_a_person_are_those_of_what_belongs_to_one():
    assert list(places.kinds()) == [
        "core_banking.customer", "core_banking.account", "core_banking.standing_order", "card.card", "loan.contract",
    ]  # fmt: skip


@pytest.mark.parametrize("table", EXTRACTS, ids=lambda table: table.identifier)
def test_every_row_of_a_person_says_whose_it_is(table):
    owners = places.owners(places.places(table))
    assert bool(owners) == (table.name not in OF_NOBODY)
    if any(column.data_class == places.IDENTITY for column in table.columns):
        assert [place.kind for place in owners] == [places.CUSTOMER]


def test_what_becomes_of_a_column_follows_from_its_mask():
    customer = fates("core_banking.customer")
    assert {name for name, fate in customer.items() if fate == "empty"} == {
        "name", "id_number", "mobile", "email", "address",
    }  # fmt: skip
    assert (customer["customer_id"], customer["birth_date"], customer["sex"]) == ("number", "year", "stay")
    payment = fates("core_banking.transaction")
    assert (payment["account_id"], payment["counterparty_account"], payment["amount"]) == ("number", "empty", "stay")
    assert fates("card.card")["card_number"] == "empty"
    assert fates("contact_centre.feedback")["feedback_text"] == "empty"


@pytest.mark.parametrize("table", EXTRACTS, ids=lambda table: table.identifier)
def test_every_extract_has_a_rule_and_what_changes_keeps_its_last_word(table):
    rule = of_extract(table)
    assert 3 <= rule.years <= 30
    assert bool(rule.until_next) == (table.extract == "delta" or bool(table.stands_by))
    assert rule.is_whole == (table.extract == "full")
