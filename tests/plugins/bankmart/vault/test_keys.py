"""A wrong, short, missing or changed master key is an error before anything is written; never garbage."""

import sys

import pytest

from bankmart import settings, vault
from bankmart.vault import keys
from bankmart.vault.keys import VaultError

HELD = "select (select count(*) from sources.core_banking__customer), (select count(*) from vault.sealed),"
HELD += " (select count(*) from vault.data_key), (select count(*) from governance.load)"


@pytest.mark.parametrize(
    ("letters", "says"),
    [
        ("b", "is a wrong one"),
        ("bc", "is a wrong one"),
        ("", "no master key is given"),
    ],
)
def test_another_key_loads_nothing_reads_nothing(people, given_keys, letters, says):
    people.customers({})
    before = people.query(HELD)
    given_keys(*letters)
    with pytest.raises(VaultError, match=says) as caught:
        people.customers({"customer_id": "C2"})
    assert "It means:" in str(caught.value)
    assert "What to do:" in str(caught.value)
    assert "b" * 43 not in str(caught.value)
    with pytest.raises(VaultError, match=says):
        vault.token("contact.mobile", "13800138000")
    assert people.query(HELD) == before
    given_keys("a")
    people.customers({"customer_id": "C2"})
    assert people.query(HELD)[0][:2] == (1, 1)


def test_a_short_key_is_said_without_showing_it(people, monkeypatch):
    monkeypatch.setenv("BANKMART_MASTER_KEY", "a" * 43 + ",too-short")
    with pytest.raises(VaultError, match="master key 2 of 2 has 9 characters") as caught:
        people.customers({})
    assert "too-short" not in str(caught.value)
    assert people.query("select count(*) from vault.master") == [(0,)]


def test_a_command_prints_the_key(people, given_keys, monkeypatch):
    known = vault.token("contact.mobile", "13800138000")
    monkeypatch.delenv("BANKMART_MASTER_KEY")
    monkeypatch.setenv("BANKMART_MASTER_KEY_COMMAND", f"{sys.executable} -c 'print(\"a\" * 43)'")
    assert vault.token("contact.mobile", "13800138000") == known
    monkeypatch.setenv("BANKMART_MASTER_KEY_COMMAND", f"{sys.executable} -c 'raise SystemExit(1)'")
    with pytest.raises(VaultError, match="did not print the key"):
        vault.token("contact.mobile", "13800138000")


def test_on_a_server_no_key_is_made_up(people, given_keys, monkeypatch):
    given_keys()
    monkeypatch.setattr(settings, "is_embedded", lambda: False)
    with pytest.raises(VaultError, match="none is made up"):
        people.customers({})


def test_the_first_load_makes_a_key_in_the_state_folder(people):
    people.customers({})
    text = settings.given_secret(keys.SECRET).split(",")[0]
    assert len(text) >= keys.SHORTEST
    assert people.query("select name from vault.master where is_current") == [(keys.master(text).name,)]
    assert (settings.state_dir() / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert text not in repr(keys.given())


def test_an_altered_token_key_is_said(people, given_keys):
    people.customers({})
    people.query("update vault.master set token_key = set_byte(token_key, 20, get_byte(token_key, 20) # 1)")
    with pytest.raises(VaultError, match="the key of tokens was altered"):
        people.customers({"customer_id": "C2"})


def test_the_same_key_makes_the_same_tokens_in_a_new_warehouse(people, given_keys):
    people.customers({})
    before = people.raw("customer_id, name, id_number, mobile")
    people.query("truncate vault.master, vault.data_key, vault.sealed; truncate sources.core_banking__customer")
    people.customers({})
    assert people.raw("customer_id, name, id_number, mobile") == before
