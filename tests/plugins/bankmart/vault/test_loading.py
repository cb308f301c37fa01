"""What is in a file in clear is nowhere in the data directory or the logs afterwards, and in the vault whole."""

import csv
import shutil
import threading
from contextlib import suppress
from datetime import date

import pytest

from bankmart import db, settings, vault
from bankmart.errors import BankmartError
from bankmart.runtime import postgres
from bankmart.sources import contract, repair
from bankmart.sources.contract import Column, Table
from bankmart.sources.quarantine_command import summary
from bankmart.sources.refusal import LoadRefused
from bankmart.vault import loading
from bankmart.vault.keys import Keys, VaultError, master

DAY = date(2026, 1, 31)
PLANTED = {
    "id_number": "510184195507120329", "name": "欧阳昀璟", "mobile": "19977330518",
    "email": "ouyang.canary@mail.example", "address": "四川省崇州市金丝雀路77号",
}  # fmt: skip
BAD = {
    "customer_id": "C9", "id_number": "510184197703150418", "name": "上官翮雪", "mobile": "19866220417",
    "email": "shangguan.canary@mail.example", "address": "四川省邛崃市金丝雀路99号", "open_date": "when?",
}  # fmt: skip
NUMBER = "6225758301941577"


def everywhere():
    """Every file of the server's data directory and every log of the state folder, with its bytes."""
    state = settings.state_dir()
    for path in [*postgres.place(state).data.rglob("*"), *state.glob("*.log")]:
        # The server removes files as it goes.
        with suppress(FileNotFoundError, IsADirectoryError):
            yield path, path.read_bytes()


def found(values):
    wanted = {value: (value.encode(), value.encode().hex().encode()) for value in values}
    return {
        (value, path) for path, data in everywhere() for value, forms in wanted.items() if any(f in data for f in forms)
    }


def test_planted_values_are_nowhere_on_disk(people, capfd, tmp_path):
    others = [{"customer_id": f"P{number}"} for number in range(200)]
    people.customers({"customer_id": "C7", **PLANTED}, *others, BAD)
    people.cards({"customer_id": "C7", "card_number": NUMBER})
    # A file that is refused: its records wait in quarantine, too.
    with pytest.raises(LoadRefused) as refused:
        people.customers(BAD, day=date(2026, 1, 30))
    people.query("insert into governance.incident values ('2026-01-31', 'canary in its place', 'x', 'y')")
    people.query("checkpoint")
    values = [*PLANTED.values(), NUMBER, *(value for name, value in BAD.items() if name in PLANTED)]
    # What can be found is found.
    assert "pg_wal" in {path.parent.name for _, path in found(["canary in its place"])}
    assert found(values) == set()
    printed = capfd.readouterr()
    assert not [value for value in values if value in printed.out + printed.err + str(refused.value)]
    assert not [each.reason for each in summary() for value in values if value in each.reason]
    with db.connect("vault") as link:
        held = {each["column"]: each["value"] for each in vault.clear(link, "C7", "tester", "a test")}
    assert held == PLANTED | {"card_number": NUMBER}


def test_raw_tables_have_tokens_that_match_where_values_do(people):
    third = {"customer_id": "C3", "mobile": "", "name": "王"}
    people.customers({"customer_id": "C1"}, {"customer_id": "C2", "mobile": "138 0013 8000"}, third)
    rows = people.raw("customer_id, name, mobile, id_number, email, birth_date::text")
    assert rows[0][1:] == rows[1][1:]
    assert rows[0][1] == vault.token("identity.name", "张三丰")
    assert rows[0][5] == "1990-03-07"
    assert rows[2][2] is None
    assert rows[2][1].startswith("*")
    # As it was written, not as it was compared.
    with db.connect("vault") as link:
        held = vault.clear(link, "C2", "tester", "a test")
    assert {each["value"] for each in held if each["column"] == "mobile"} == {"138 0013 8000"}
    assert {(each["table"], each["row_key"], each["business_date"]) for each in held} == {
        ("core_banking.customer", "C2", DAY)
    }


def test_a_date_sent_again_replaces_what_was_sealed(people):
    people.customers({"customer_id": "C1"}, {"customer_id": "C2"})
    people.customers({"customer_id": "C1"}, day=date(2026, 1, 30))
    people.customers({"customer_id": "C1", "mobile": "13900139000"}, {"customer_id": "C3"})
    sealed = people.query("select business_date::text, row_key from vault.sealed order by 1, 2")
    assert sealed == [("2026-01-30", "C1"), ("2026-01-31", "C1"), ("2026-01-31", "C3")]
    again = people.customers({"customer_id": "C1", "mobile": "13900139000"}, {"customer_id": "C3"})
    assert [each.status for each in again.tables] == ["unchanged"]


def test_a_refused_file_seals_nothing(people):
    with pytest.raises(LoadRefused):
        people.customers({"customer_id": "C1"}, {"customer_id": "C1", "name": "other"})
    assert people.query("select count(*) from vault.sealed") == [(0,)]


def test_quarantined_records_are_sealed_and_still_repaired(people, tmp_path):
    others = [{"customer_id": f"P{number}"} for number in range(200)]
    people.customers(*others, BAD)
    ((raw, reason),) = people.query("select raw_text, reason from governance.quarantine")
    assert raw.startswith("sealed:")
    assert not [value for name, value in BAD.items() if name in PLANTED and value in raw + reason]
    table, file = contract.load()["core_banking"]["customer"], tmp_path / "out.csv"
    assert repair.take_out(table, DAY, file, "Wang Li") == 1
    ((actor, subject),) = people.query("select actor, subject from audit.entry where kind = 'vault_read'")
    assert (actor, subject) == ("Wang Li", "quarantine of core_banking.customer of 2026-01-31")
    with file.open(newline="") as text:
        (row,) = csv.DictReader(text)
    assert {name: row[name] for name in BAD} == BAD
    with file.open("w", newline="") as text:
        writer = csv.DictWriter(text, list(row))
        writer.writeheader()
        writer.writerow(row | {"open_date": "2020-01-01"})
    assert repair.put_back(table, DAY, file, "Wang Li", "asked").repaired == 1
    assert people.raw("customer_id, mobile")[0] == ("C9", vault.token("contact.mobile", BAD["mobile"]))
    with db.connect("vault") as link:
        assert BAD["name"] in {each["value"] for each in vault.clear(link, "C9", "tester", "a test")}


def test_two_loads_of_one_new_customer_share_its_key(people):
    threads = [
        threading.Thread(target=lambda day=day: people.customers({"customer_id": "C1"}, day=day))
        for day in (date(2026, 1, 29), date(2026, 1, 30), DAY)
    ]
    for day in (date(2026, 1, 29), date(2026, 1, 30), DAY):
        people.send("core_banking.customer", [], day)
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with db.connect("vault") as link:
        assert len(vault.clear(link, "C1", "tester", "a test")) == 15


def test_who_is_erased_while_a_file_is_loaded_does_not_come_in(people, monkeypatch):
    people.customers({"customer_id": "C1"}, {"customer_id": "C2"}, day=date(2026, 1, 30))
    whole = loading.Sealer.write

    def late(sealer, cursor):
        with db.connect("platform") as link:
            assert vault.destroy(link, ["C1"], "tester") == 1
        whole(sealer, cursor)

    monkeypatch.setattr(loading.Sealer, "write", late)
    with pytest.raises(VaultError, match="was destroyed while the file was loaded") as caught:
        people.customers({"customer_id": "C1"}, {"customer_id": "C2"})
    assert "C1" not in str(caught.value)
    assert people.query("select count(*) from sources.core_banking__customer where business_date = %s", (DAY,)) == [
        (0,)
    ]
    assert people.query("select customer_id from vault.sealed") == [("C2",)]


def test_a_table_that_does_not_say_whose_it_is_is_refused():
    one = master("a" * 43)
    keys = Keys(one, {one.name: one}, one.token_key)
    columns = (Column("id", "text", "account.number", is_key=True), Column("mobile", "text", "contact.mobile"))
    with pytest.raises(BankmartError, match="needs one column of class identity.customer_id"):
        loading.Sealer(Table("s", "t", "full", False, 0, columns), DAY, keys)


def test_a_table_without_identifiers_is_left_alone():
    table = contract.load()["card"]["card_transaction"]
    assert loading.unlocked([table]) is None
    with loading.sealer(None, table, DAY) as sealer:
        assert sealer is None


def test_odd_values_come_back_as_they_were(people):
    odd = {"name": 'O\'Neill\t"quoted"', "address": "line\nline\\x", "email": "a,b;c", "mobile": "+86-138😀"}
    people.customers({"customer_id": "C\t1", **odd})
    with db.connect("vault") as link:
        held = {each["column"]: each["value"] for each in vault.clear(link, "C\t1", "tester", "a test")}
    assert held == odd | {"id_number": "110101199003070011"}


def test_a_class_that_does_not_exist_loads_nothing(people, monkeypatch, tmp_path):
    """What the vault should keep is known by its class alone: a misspelt one would let clear values through."""
    wrong = tmp_path / "dbt_project"
    shutil.copytree(settings.dbt_dir() / "models" / "sources", wrong / "models" / "sources")
    shutil.copy(settings.dbt_dir() / "dbt_project.yml", wrong)
    file = wrong / "models" / "sources" / "core_banking" / "__sources.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("class: contact.mobile", "class: contact.mobil"))
    people.send("core_banking.customer", [{"customer_id": "C7", **PLANTED, "mobile": "19911223344"}])
    with monkeypatch.context() as patch:
        patch.setattr(settings, "dbt_dir", lambda: wrong)
        told = r"mobile: .*'contact.mobil' is none of.*Did you mean contact.mobile\?"
        with pytest.raises(contract.ContractError, match=told):
            people.load("core_banking")
    tables = people.query("select 1 from pg_tables where schemaname = 'sources'")
    assert tables + people.query("select 1 from governance.load") + people.query("select 1 from vault.sealed") == []
    assert found(["19911223344"]) == set()
