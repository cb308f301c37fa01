"""What people typed freely stands beside the audit chain: erasures blacken it, and nobody else changes it unseen."""

from __future__ import annotations

import json
from contextlib import closing

import psycopg2
import pytest

from bankmart import __main__ as command_line
from bankmart import db, settings, vault
from bankmart.governance import audit
from bankmart.governance.audit.verify import verify
from bankmart.governance.commands import identity, incident
from bankmart.governance.people.erasure import cleaning, requests
from bankmart.governance.people.erasure import run as erasure
from tests.plugins.bankmart.governance.people.conftest import DAY

REASON = "X901 rang from 13800000001, for X902, not for X9010"
MOBILE = "the one of Y901 (13800000001) and nobody else's"
WORDS = "select entry, name, words from audit.said order by 1, 2"


@pytest.fixture
def spoken(bank):
    """X901 stands in reasons: of a read of another's clear values, and of a decision about another's number."""
    with db.connect("vault") as link:
        vault.clear(link, "X902", "li", REASON)
    identity.decide("X902", None, DAY, MOBILE, "li")
    incident.confirm(DAY, "X901", "of X902", "li")
    return bank


def forget(customer="X901"):
    made = requests.request([(customer, "asks")], "li")
    requests.decide(made, "wang", approve=True)
    return erasure.run("ops")


def said(bank):
    return {(entry, name): words for entry, name, words in bank.rows(WORDS) if "erasure " not in words}


def chain(bank):
    return "\n".join(text for (text,) in bank.rows("select entry::text from audit.entry"))


def tamper(dsn, statement):
    with closing(psycopg2.connect(dsn)) as link, link, link.cursor() as cursor:
        cursor.execute(f"alter table audit.said disable trigger all; {statement};"
                       "alter table audit.said enable always trigger said_stays")  # fmt: skip


def test_the_chain_has_no_word_of_a_reason_and_the_audit_shows_it(spoken, capsys):
    assert [word for word in ("X901", "13800000001", "X9010", "rang") if word in chain(spoken)] == []
    assert command_line.main(["audit", "show", "--kind", "vault_read"]) == 0
    assert REASON in capsys.readouterr().out
    assert verify().findings == ()


def test_somebody_who_is_named_in_reasons_is_erased_with_a_certificate(spoken, capsys):
    hashes = spoken.rows("select number, hash from audit.entry order by 1")
    salts = spoken.rows("select salt from audit.said")
    report = forget()
    text = (settings.state_dir() / "certificates" / f"erasure-{report.erasures[0]}.json").read_text()
    assert json.loads(text)["left_over"] == 0
    ((customer,),) = spoken.rows("select customer_id from intermediate.int_account where account_id <> 'Y902'")
    ((account,),) = spoken.rows("select account_id from intermediate.int_account where account_id <> 'Y902'")
    assert sorted(said(spoken).values()) == sorted([
        f"{customer} rang from erased, for X902, not for X9010", f"the one of {account} (erased) and nobody else's",
        customer, "of X902",
    ])  # fmt: skip
    assert verify().findings == ()
    assert spoken.rows("select number, hash from audit.entry order by 1")[: len(hashes)] == hashes
    # By the old salt the number could be guessed from the old hash.
    assert len(set(salts) - set(spoken.rows("select salt from audit.said"))) == 3
    assert command_line.main(["audit", "show", "--kind", "identity"]) == 0
    assert f"the one of {account} (" in capsys.readouterr().out
    assert spoken.rows("select kind from audit.entry where subject = 'erasure 1' order by number")[2:] == [
        ("erasure",), ("words_blackened",), ("erasure_certificate",),
    ]  # fmt: skip
    # The next one, too.
    assert forget("X902").erasures == [2]
    assert "X902" not in "".join(said(spoken).values())
    assert verify().findings == ()


def test_a_reason_that_is_given_meanwhile_is_blackened_by_the_next_run(bank, monkeypatch):
    search = cleaning.rest

    def meanwhile(*given):
        with db.connect("vault") as link:
            vault.clear(link, "X902", "li", REASON)
        return search(*given)

    with monkeypatch.context() as patch:
        patch.setattr(erasure.cleaning, "rest", meanwhile)
        with pytest.raises(requests.ErasureError, match="table audit.said"):
            forget()
    assert erasure.run("ops").erasures == [1]
    assert all("X901 " not in each for each in said(bank).values())
    assert verify().findings == ()


def test_killed_behind_the_blackening_it_is_said_once(spoken, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(erasure.cleaning, "rest", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forget()
    assert verify().findings == ()
    assert erasure.run("ops").erasures == [1]
    assert spoken.rows("select count(*) from audit.entry where kind = 'words_blackened'") == [(1,)]
    assert verify().findings == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("update audit.said set words = 'nothing' where entry = 1", "reason of entry 1 is not what it was"),
        ("update audit.said set words = 'nothing' where entry = 2", "reason of entry 2 is not what it was"),
        ("update audit.said set salt = repeat('0', 32) where entry = 2", "reason of entry 2 is not what it was"),
        ("delete from audit.said where entry = 1", "reason of entry 1 is gone"),
        ("insert into audit.said values (1, 'more', repeat('0', 32), 'x')", "more of entry 1 was not said with it"),
        ("truncate audit.said", "reason of entry 2 is gone"),
    ],
)
@pytest.mark.parametrize("is_after", [False, True])
def test_words_that_no_erasure_has_changed_are_found(spoken, warehouse, change, says, is_after):
    """Before an erasure and after one, of blackened words and of others."""
    if is_after:
        forget()
    assert verify().findings == ()
    tamper(warehouse, change)
    assert any(says in each for each in verify().findings), verify().findings


def test_an_entry_that_only_pretends_to_be_an_erasure_s_allows_nothing(spoken, warehouse):
    ((digest,),) = spoken.rows("select facts #>> '{reason,said}' from audit.entry where number = 2")
    tamper(warehouse, "update audit.said set (salt, words) ="
                      " (select salt, words from audit.said where entry = 2) where entry = 1")  # fmt: skip
    for role in ("platform", "eraser"):
        with db.connect(role) as link:
            audit.append(link, "words_blackened", "li", "erasure 1", {"words": {"1": {"reason": digest}}})
    assert verify().findings == ("what was said as reason of entry 1 is not what it was: changed by no erasure",)


@pytest.mark.parametrize("role", ["platform", "loader", "scorer", "vault", "eraser"])
def test_no_role_writes_over_it_by_itself(spoken, role):
    for statement in (
        "update audit.said set words = 'x'", "delete from audit.said", "truncate audit.said", "drop table audit.said",
        "insert into audit.said values (1, 'more', repeat('0', 32), 'x')",
        *(["select audit.blacken(1, 'reason', repeat('0', 32), 'x')"] if role != "eraser" else []),
    ):  # fmt: skip
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), db.connect(role) as link, link.cursor() as cursor:
            cursor.execute(statement)
    if role != "eraser":
        with db.connect(role) as link, link.cursor() as cursor:
            cursor.execute("select audit.say(1, 'more', repeat('0', 32), 'x')")
    assert verify().findings == ()


def test_what_was_said_is_a_fact_by_itself(warehouse):
    for facts in ({"all": [audit.Said("x")]}, {"in": {"it": audit.Said("x")}}):
        with pytest.raises(TypeError, match="never within another"), db.connect("platform") as link:
            audit.append(link, "probe", "li", "thing", facts)
    with pytest.raises(TypeError, match="never within another"), db.connect("platform") as link:
        audit.append_once(link, "probe", "li", "thing", {"reason": audit.Said("x")})
    with db.connect("platform") as link:
        audit.append(link, "probe", "li", "thing", {"odd": audit.Said("a\0b \ud800 张三\n\"'\\")})
    assert verify().findings == ()
