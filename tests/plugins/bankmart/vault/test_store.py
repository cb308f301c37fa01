"""Sealed records open only where they belong; who reads them is written down first; what is destroyed is gone."""

from datetime import date

import psycopg2
import pytest

from bankmart import db, vault
from bankmart.governance import daily
from bankmart.governance.audit.verify import verify
from bankmart.governance.audit.words import TOLD
from bankmart.vault import check
from bankmart.vault.keys import VaultError

TABLES = ("master", "data_key", "sealed", "load_key")


def read(customer="C1", reason="a test"):
    with db.connect("vault") as link:
        return vault.clear(link, customer, "tester", reason)


@pytest.fixture
def two(people):
    people.customers({"customer_id": "C1"}, {"customer_id": "C2", "name": "李四", "mobile": "13900139000"})
    people.cards({"card_id": "K1", "customer_id": "C1"}, {"card_id": "K2", "customer_id": "C1", "card_number": "622"})
    assert check.check()[1] == []
    return people


def test_all_of_a_customer_and_of_nobody_else(two):
    values = {each["value"] for each in read("C2")}
    assert {"李四", "13900139000"} <= values
    assert "张三丰" not in values
    assert len(read("C1")) == 7
    assert read("C3") == []


@pytest.mark.parametrize(
    "change",
    [
        # Swapped between customers, with and without their keys; between rows of one customer; altered; cut.
        "update vault.sealed as s set record = o.record from vault.sealed as o where s.source = o.source"
        " and s.customer_id = 'C1' and o.customer_id = 'C2'",
        "update vault.data_key as k set wrapped = o.wrapped from vault.data_key as o"
        " where k.customer_id = 'C1' and o.customer_id = 'C2'",
        "update vault.sealed set customer_id = 'C1' where customer_id = 'C2'",
        "update vault.sealed as s set record = o.record from vault.sealed as o"
        " where s.row_key = 'K1' and o.row_key = 'K2'",
        "update vault.sealed set business_date = business_date - 1 where row_key = 'K1'",
        "update vault.sealed set record = set_byte(record, 15, get_byte(record, 15) # 128) where row_key = 'C1'",
        "update vault.sealed set record = substring(record from 1 for 20) where row_key = 'C1'",
        "update vault.data_key set wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1) where customer_id = 'C1'",
    ],
)
def test_what_is_moved_or_altered_does_not_open(two, change):
    two.query(change)
    with pytest.raises(VaultError, match="does not open"):
        read("C1")
    assert check.check()[1]


def test_reading_is_in_the_chain_before_and_even_where_it_fails(two):
    two.query("update vault.sealed set record = substring(record from 1 for 20)")
    with pytest.raises(VaultError):
        read("C1", "asked by the customer")
    ((actor, subject, facts),) = two.query(f"select actor, subject, {TOLD} from audit.entry where kind = 'vault_read'")
    assert (actor, facts["reason"]) == ("tester", "asked by the customer")
    assert subject == f"customer {vault.token('identity.customer_id', 'C1')}"
    with pytest.raises(VaultError, match="without a reason"):
        read("C1", " ")
    assert verify().findings == ()


def test_destroyed_is_gone_and_again_changes_nothing(two):
    with db.connect("platform") as link:
        assert vault.destroy(link, ["C1", "nobody"], "tester") == 1
        assert vault.destroy(link, ["C1"], "tester") == 0
    assert read("C1") == []
    assert read("C2")
    assert two.query("select distinct customer_id from vault.sealed") == [("C2",)]
    assert two.query("select facts from audit.entry where kind = 'vault_destroy'") == [({"data_keys": 1},)]
    assert check.check()[1] == []


def test_destroying_is_undone_with_its_transaction(two):
    with db.connect("platform") as link:
        assert vault.destroy(link, ["C1"], "tester") == 1
        link.rollback()
    assert len(read("C1")) == 7


@pytest.mark.parametrize("role", ["platform", "scorer", "loader"])
def test_what_programs_may_not(two, role):
    denied = [f"select * from vault.{name}" for name in TABLES] if role != "loader" else []
    denied += [f"update vault.{name} set ctid = ctid" for name in TABLES]
    denied += ["drop schema vault cascade", "delete from vault.data_key", "delete from vault.master"]
    denied += [] if role == "platform" else ["select vault.destroy('{C1}')"]
    for statement in denied:
        with pytest.raises(psycopg2.Error), db.connect(role) as link, link.cursor() as cursor:
            cursor.execute(statement)
    assert len(read("C1")) == 7


def test_values_in_clear_in_a_raw_table_are_found(two):
    two.query("update sources.core_banking__customer set mobile = '13700137000' where customer_id = 'C2'")
    assert [
        "1 values of sources.core_banking__customer.mobile stand in clear" in each for each in check.check()[1]
    ] == [True]
    with pytest.raises(VaultError, match="1 findings:\n  1 values of sources.core_banking__customer.mobile"):
        daily.vault_check(date(2026, 1, 31))
    assert two.query("select kind, subject from governance.notice") == [("vault", "the vault has 1 findings")]
