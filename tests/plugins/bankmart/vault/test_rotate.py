"""A new master key while everything goes on: killed half-way, resumed, with reads and loads between."""

from datetime import date

import pytest

from bankmart import db, settings, vault
from bankmart.vault import check, keys, rotate
from bankmart.vault.keys import VaultError, master

NAMES = {letter: master(letter * 43).name for letter in "abc"}
WRAPPED = "select master, count(*) from (select master from vault.data_key union all select master from vault.load_key)"
WRAPPED += " as key group by 1"


class Killed(Exception):
    pass


@pytest.fixture
def many(people, given_keys, monkeypatch):
    monkeypatch.setattr(rotate, "BATCH", 10)
    customers = [{"customer_id": f"C{number}"} for number in range(200)]
    people.customers(*customers, {"customer_id": "C200", "open_date": "when?"})
    return people


def read(customer):
    with db.connect("vault") as link:
        return {each["value"] for each in vault.clear(link, customer, "tester", "a test")}


def test_interrupted_and_resumed_with_readers_and_a_load_between(many, given_keys, monkeypatch):
    before, token = many.raw(), vault.token("contact.mobile", "13800138000")
    given_keys("b", "a")
    many.customers({"customer_id": "D1"}, day=date(2026, 1, 1))
    assert dict(many.query(WRAPPED)) == {NAMES["a"]: 202}, "a key that is given, and not in use yet, wraps nothing"
    batches = iter(range(7))
    whole = rotate._batch

    def killed(cursor, known, table):
        if next(batches, None) is None:
            raise Killed
        done = whole(cursor, known, table)
        assert "张三丰" in read("C0")
        assert "张三丰" in read("C199")
        return done

    monkeypatch.setattr(rotate, "_batch", killed)
    with pytest.raises(Killed):
        rotate.rotate("tester")
    monkeypatch.setattr(rotate, "_batch", whole)
    assert dict(many.query(WRAPPED)) == {NAMES["a"]: 132, NAMES["b"]: 70}
    assert any("still wrapped with master key" in each for each in check.check()[1])
    many.customers({"customer_id": "D2"}, {"customer_id": "C5"}, day=date(2026, 1, 2))
    given_keys("b")
    with pytest.raises(VaultError, match="which was not given"):
        read("C199")
    with pytest.raises(VaultError, match="which was not given"):
        rotate.rotate("tester")
    given_keys("b", "a")
    done = rotate.rotate("tester")
    assert (done.before, done.now, done.wrapped) == (NAMES["b"], NAMES["b"], 132)
    assert dict(many.query(WRAPPED)) == {NAMES["b"]: 203}
    given_keys("b")
    assert "张三丰" in read("C199")
    assert check.check()[1] == []
    assert vault.token("contact.mobile", "13800138000") == token
    assert [row for row in many.raw() if row in before] == before
    given_keys("a")
    with pytest.raises(VaultError, match="is a wrong one"):
        read("C199")
    facts = [facts for (facts,) in many.query("select facts from audit.entry where kind = 'vault_rotate' order by 1")]
    assert len(facts) == 2


def test_again_and_back(many, given_keys):
    for given in ("ba", "cba", "ac"):
        given_keys(*given)
        assert rotate.rotate("tester").wrapped == 201
        assert rotate.rotate("tester").wrapped == 0
        assert check.check()[1] == []


def test_a_load_that_began_before_the_rotation_wraps_under_the_new_key(many, given_keys):
    """Its keys were unlocked with the old master; the vault says, at the moment of wrapping, which one counts."""
    given_keys("b", "a")
    with db.connect("loader") as link, link.cursor() as cursor:
        known = keys.unlock(cursor)
        link.commit()
        assert known.current.name == NAMES["a"]
        rotate.rotate("tester")
        vault.store.data_keys(cursor, known, ["E1"])
    assert many.query("select master from vault.data_key where customer_id = 'E1'") == [(NAMES["b"],)]


def test_a_new_key_in_the_state_folder(people, monkeypatch):
    people.customers({})
    before = settings.given_secret(keys.SECRET)
    keys.make_new()
    newest, *older = settings.given_secret(keys.SECRET).split(",")
    assert older == before.split(",")
    assert rotate.rotate("tester").now == master(newest).name
    assert "张三丰" in read("C1")
    monkeypatch.setenv("BANKMART_MASTER_KEY", "a" * 43)
    with pytest.raises(VaultError, match="given from outside"):
        keys.make_new()


def test_a_late_twin_says_nothing_that_was_said(many, given_keys, monkeypatch):
    """A rotation that was thought dead goes on when its twin is done: the chain has one change of the key."""
    given_keys("b", "a")
    begun = rotate.audit.attempt

    def overtaken(*words):
        monkeypatch.setattr(rotate.audit, "attempt", begun)
        assert rotate.rotate("twin").wrapped == 201
        return begun(*words)

    monkeypatch.setattr(rotate.audit, "attempt", overtaken)
    assert rotate.rotate("tester").wrapped == 0
    said = many.query("select kind, actor, subject from audit.entry where kind like 'vault_rotate%' order by number")
    assert said == [
        ("vault_rotate_begun", "twin", "master key"), ("vault_rotate", "twin", "master key"),
        ("vault_rotate", "twin", "data keys"), ("vault_rotate_begun", "tester", "master key"),
    ]  # fmt: skip
