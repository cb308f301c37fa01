"""The chain is added to and nothing else; whatever is done to it behind its back is found."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import date
from decimal import Decimal

import psycopg2
import pytest

from bankmart import db
from bankmart.governance import audit
from bankmart.governance.audit import anchor
from bankmart.governance.audit.chain import canonical, entry_hash
from bankmart.governance.audit.verify import verify


def add(count=1, role="platform", kind="probe", **facts):
    for number in range(count):
        with db.connect(role) as link:
            audit.append(link, kind, "tester", f"thing {number}", {"n": number, **facts})


@pytest.fixture
def chain(warehouse):
    """Eight entries; the head of the fifth is written down outside."""
    add(5)
    anchor.write("test")
    add(3)
    return warehouse


def tamper(dsn, *statements):
    """What a superuser can do: switch the protection off, change, and switch it on again."""
    with closing(psycopg2.connect(dsn)) as link, link, link.cursor() as cursor:
        cursor.execute("alter table audit.entry disable trigger all; alter table audit.tip disable trigger all")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(
            "alter table audit.entry enable always trigger entry_stays;"
            "alter table audit.entry enable always trigger entry_follows;"
            "alter table audit.tip enable always trigger tip_stays"
        )


def said(*parts):
    findings = verify().findings
    assert findings
    for part in parts:
        assert any(part in finding for finding in findings), findings


def test_an_untouched_chain_is_whole(chain):
    report = verify()
    assert (report.entries, report.anchors, report.findings, report.notes) == (8, 1, (), ())
    assert report.head == anchor.head()[1]


def test_a_clock_that_jumps_breaks_nothing(chain):
    add_by = "select audit.add(%s, %s, %s, 'probe', 'tester', 'a clock', '{}', %s, %s)"
    for years in (-50, 100):
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute(f"select number + 1, moment + interval '{years} years', role_name, hash from audit.head()")
            *about, previous = db.one(cursor)
            cursor.execute(add_by, (*about, previous, entry_hash(*about, "probe", "tester", "a clock", {}, previous)))
    assert (verify().entries, verify().findings) == (10, ())


def test_the_hash_is_sm3_of_the_canonical_text(chain):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select * from audit.entry where number = 2")
        number, moment, role, kind, actor, subject, facts, previous, digest = cursor.fetchone()
    assert entry_hash(number, moment, role, kind, actor, subject, facts, previous) == digest
    from cryptography.hazmat.primitives.hashes import SM3, Hash

    # GB/T 32905-2016, annex A.1.
    vector = Hash(SM3())
    vector.update(b"abc")
    assert vector.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


ATTACKS = [
    "update audit.entry set actor = 'nobody' where number = 3",
    "delete from audit.entry where number = 3",
    "truncate audit.entry",
    "insert into audit.entry values (9, now(), 'x', 'probe', 'a', 'b', '{}', repeat('0', 64), repeat('1', 64))",
    "update audit.tip set number = 0",
    "delete from audit.tip",
    "alter table audit.entry disable trigger entry_stays",
    "drop table audit.entry cascade",
    "drop schema audit cascade",
    "create or replace function audit.refuse() returns trigger language plpgsql as $$begin return new; end$$",
    "select audit.add(9, now(), current_user, 'probe', 'a', 'b', '{}', repeat('0', 64), repeat('1', 64))",
    "set role bankmart_audit",
]
# Nobody logs in as the owner; what an administrator does in its name verifying finds.
OWNERS = ("alter", "drop", "create", "update audit.tip", "set role")


def test_no_role_of_the_platform_can_change_it(chain):
    for role in ("platform", "loader", "scorer", "bi_reader", "bankmart_audit"):
        for statement in ATTACKS:
            if role == "bankmart_audit" and statement.startswith(OWNERS):
                continue
            with closing(psycopg2.connect(chain)) as link, link.cursor() as cursor:
                cursor.execute(f"set session authorization {role}")
                with pytest.raises(psycopg2.Error):
                    cursor.execute(statement)
    assert verify().findings == ()


def test_the_owner_cannot_log_in_and_even_replication_mode_is_refused(chain):
    with closing(psycopg2.connect(chain)) as link, link.cursor() as cursor:
        cursor.execute("select rolcanlogin from pg_roles where rolname = 'bankmart_audit'")
        assert cursor.fetchone() == (False,)
        cursor.execute("set session_replication_role = replica")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="only be added to"):
            cursor.execute("delete from audit.entry")


ALTERED = [
    "actor = 'somebody'",
    "subject = subject || ' '",
    "kind = 'other'",
    "role_name = 'loader'",
    "happened_at = happened_at + interval '1 microsecond'",
    "facts = jsonb_set(facts, '{n}', '7')",
    "facts = facts || '{\"more\": null}'",
    "hash = translate(hash, '0123456789abcdef', '123456789abcdef0')",
]


def test_any_altered_field_is_found(chain):
    tamper(chain, "create table public.kept as select * from audit.entry")
    for change in ALTERED:
        tamper(chain, f"update audit.entry set {change} where number = 3")
        said("entry 3")
        tamper(chain, "truncate audit.entry", "insert into audit.entry select * from public.kept")
        assert verify().findings == ()
    tamper(chain, "drop table public.kept")


def test_a_deleted_entry_is_found(chain):
    tamper(chain, "delete from audit.entry where number = 4")
    said("entries 4 to 4 are missing", "entry 5 does not follow")


def test_a_deleted_entry_is_found_when_the_others_close_ranks(chain):
    tamper(
        chain,
        "delete from audit.entry where number = 4",
        "update audit.entry set number = number - 1 where number > 4",
        "update audit.tip set number = number - 1",
    )
    said("entry 4")


def test_two_entries_that_changed_places_are_found(chain):
    tamper(
        chain,
        "update audit.entry set number = -3 where number = 3",
        "update audit.entry set number = 3 where number = 4",
        "update audit.entry set number = 4 where number = -3",
    )
    said("entry 3", "entry 4")


def test_an_emptied_chain_is_found(chain):
    tamper(chain, "truncate audit.entry")
    said("the tip says that entry 8", "its end is cut off")


def test_an_emptied_chain_that_pretends_to_be_new_is_found(chain):
    tamper(chain, "truncate audit.entry", "update audit.tip set number = 0, hash = repeat('0', 64)")
    said("entry 5 was the newest once, now the chain ends at 0")
    add(7)
    said("the chain before it was rewritten")


def test_a_forged_entry_is_found(chain):
    tamper(
        chain,
        "insert into audit.entry select number + 100, happened_at, role_name, kind, 'forger', subject, facts,"
        " repeat('a', 64), repeat('b', 64) from audit.entry where number = 2",
    )
    said("entries 9 to 101 are missing", "entry 102 does not follow", "entry 102 (probe thing 1) is not what was")


def test_a_chain_that_was_cut_before_a_head_and_made_anew_is_found(chain):
    """With right hashes all through: only the head outside contradicts it."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select hash from audit.entry where number = 3")
        (third,) = cursor.fetchone()
    tamper(chain, "delete from audit.entry where number > 3", f"update audit.tip set number = 3, hash = '{third}'")
    said("entry 5 was the newest once, now the chain ends at 3: its end is cut off")
    add(4)
    report = verify()
    assert len(report.findings) == 1
    assert "entry 5 had another hash then: the chain before it was rewritten" in report.findings[0]


def test_a_cut_end_behind_the_last_head_shows_by_the_tip(chain):
    tamper(chain, "delete from audit.entry where number > 6")
    said("the tip says that entry 8 is the newest, the newest is 6")


def test_protection_that_is_switched_off_is_found(chain):
    with closing(psycopg2.connect(chain)) as link, link, link.cursor() as cursor:
        cursor.execute("alter table audit.entry disable trigger entry_stays")
        cursor.execute("grant update on audit.entry to platform")
        cursor.execute("grant bankmart_audit to loader")
        cursor.execute("alter table audit.tip owner to platform")
    try:
        said("trigger entry_stays", "platform was given update", "loader was given membership", "tip belongs to")
    finally:
        with closing(psycopg2.connect(chain)) as link, link, link.cursor() as cursor:
            cursor.execute("revoke bankmart_audit from loader")


def test_a_damaged_file_of_heads_is_said(chain):
    with anchor.path().open("a") as file:
        file.write('{"number": 8, "ha')
    said("line 2 of heads.jsonl can't be read")
    anchor.write("after it")
    assert [each.number for each in anchor.read()[0]] == [5, 8]
    anchor.path().unlink()
    assert any("no head is written down" in note for note in verify().notes)


def test_a_head_that_cannot_be_written_is_told_and_undoes_nothing(chain, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BANKMART_AUDIT_DIR", str(tmp_path / "file"))
    anchor.write_after("publish")
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select subject from governance.notice")
        assert cursor.fetchall() == [("the audit chain's head is not written down",)]


def test_appending_at_once_never_forks(warehouse):
    failures = []

    def work(role):
        try:
            for _ in range(25):
                add(1, role)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(role,)) for role in ("platform", "loader", "scorer", "platform")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = verify()
    assert failures == []
    assert (report.entries, report.findings) == (100, ())


def test_an_entry_is_kept_with_what_it_records_or_not_at_all(warehouse):
    def fail():
        with db.connect("platform") as link, link.cursor() as cursor:
            audit.append(link, "probe", "tester", "nothing", {})
            cursor.execute("select 1 / 0")

    with pytest.raises(psycopg2.errors.DivisionByZero):
        fail()
    assert verify().entries == 0
    add(2)
    report = verify()
    assert (report.entries, report.findings) == (2, ())


def test_an_old_snapshot_cannot_fork_it(warehouse):
    with db.connect("platform") as link:
        link.set_session(isolation_level="repeatable read")
        with link.cursor() as cursor:
            cursor.execute("select count(*) from audit.entry")
        add(1)
        with pytest.raises(psycopg2.errors.SerializationFailure):
            audit.append(link, "probe", "tester", "late", {})
        link.rollback()
    assert verify().entries == 1


def test_odd_facts_come_back_as_they_were_hashed(warehouse):
    facts = {
        "名": "张三 𠮷", "day": date(2026, 1, 31), "sum": Decimal("0.10"), "rate": 0.1, "nul": "a\0b", "half": "\ud800",
        "large": 2**80, "set": {"b", "a"}, "none": None, "true": True, "inner": {"b": [1, (2,)], "a": "\n\"'\\"},
    }  # fmt: skip
    with db.connect("loader") as link:
        audit.append(link, "probe", "tester\0", "odd \ud800", facts)
    assert verify().findings == ()
    assert canonical({"b": 1, "a": {"d": 2, "c": (1,)}}) == '{"a":{"c":[1],"d":2},"b":1}'


def test_a_kind_is_one_word(warehouse):
    with pytest.raises(psycopg2.errors.CheckViolation):
        add(1, kind="two words")
