"""What was done to the chain's protection, to its heads or beside it is found, whoever did it and for whomever."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import psycopg2
import pytest

from bankmart import db
from bankmart.governance import audit, daily
from bankmart.governance.audit import anchor
from bankmart.governance.audit.verify import AuditBroken, verify

SWALLOW = "create function audit.swallow() returns trigger language plpgsql as 'begin return null; end'"


def admin(dsn, statement):
    with closing(psycopg2.connect(dsn)) as link, link, link.cursor() as cursor:
        cursor.execute(statement)


def published(events=1, entries=1):
    """Publications, and what the chain says of them."""
    for number in range(max(events, entries)):
        with db.connect("platform") as link, link.cursor() as cursor:
            if number < events:
                cursor.execute(
                    "insert into governance.publication_event (event, business_date, build_id, actor)"
                    " values ('publish', '2026-11-02', %s, 'ann')",
                    (number + 1,),
                )
            if number < entries:
                audit.append(link, "publish", "ann", "2026-11-02", {"build_id": number + 1})


@pytest.mark.parametrize("role", ["loader", "scorer", "eraser", "bi_reader", "public"])
@pytest.mark.parametrize("right", ["update", "update (actor)", "insert", "trigger", "delete", "truncate"])
def test_a_right_of_anybody_is_found(warehouse, role, right):
    for table in ("entry", "tip"):
        column = right.replace("actor", "hash" if table == "tip" else "actor")
        admin(warehouse, f"grant {column} on audit.{table} to {role}")
        found = verify().findings
        admin(warehouse, f"revoke {column} on audit.{table} from {role}")
        who = "everybody" if role == "public" else role
        assert any(f"{who} was given {right.split(' ')[0]} on the audit chain" in each for each in found), found
    assert verify().findings == ()


@pytest.mark.parametrize(
    ("hole", "says"),
    [
        ("create or replace function audit.refuse() returns trigger language plpgsql set search_path = '' as"
         " 'begin return new; end'", "function audit.refuse is not the one"),
        ("create or replace function audit.follow() returns trigger language plpgsql set search_path = '' as"
         " 'begin return new; end'", "function audit.follow is not the one"),
        ("alter function audit.head() reset all", "function audit.head is not the one"),
        ("alter function audit.add security invoker", "function audit.add is not the one"),
        ("create function audit.more() returns int language sql as 'select 1'", "function audit.more is not the one"),
        ("drop function audit.add", "function audit.add is gone"),
        ("create rule quiet as on insert to audit.entry do instead nothing", "rule quiet on audit.entry is not"),
        (f"{SWALLOW}; create trigger a before insert on audit.entry for each row execute function audit.swallow()",
         "trigger a on audit.entry is not"),
        ("drop trigger entry_stays on audit.entry; create trigger entry_stays before truncate on audit.entry for each"
         " statement execute function audit.refuse(); alter table audit.entry enable always trigger entry_stays",
         "trigger entry_stays of schema audit is gone, switched off or another one"),
        ("alter table audit.entry enable row level security", "row-level security of audit.entry"),
        ("grant create on schema audit to platform", "platform was given create on the audit chain (schema)"),
        ("grant update on audit.entry to bankmart_audit", "bankmart_audit was given update"),
    ],
)  # fmt: skip
def test_a_changed_protection_is_found(warehouse, hole, says):
    assert verify().findings == ()
    admin(warehouse, hole)
    assert any(says in each for each in verify().findings), verify().findings


def test_heads_that_are_gone_are_found(warehouse):
    """All of them, and the chain begun anew: without this the next verification would write a new first head."""
    published()
    anchor.write("publish 2026-11-02")
    assert verify().findings == ()
    anchor.path().unlink()
    (finding,) = verify().findings
    assert "though one was after each of 1 publications" in finding
    admin(
        warehouse,
        "alter table audit.entry disable trigger all; alter table audit.tip disable trigger all; truncate audit.entry;"
        "update audit.tip set number = 0, hash = repeat('0', 64);"
        "alter table audit.entry enable always trigger entry_stays;"
        "alter table audit.entry enable always trigger entry_follows;"
        "alter table audit.tip enable always trigger tip_stays",
    )
    with pytest.raises(AuditBroken, match="no head is written down") as broken:
        daily.verify_audit(date(2026, 11, 3))
    assert "publish of 2026-11-02 (build 1) is not in the chain" in str(broken.value)
    assert not anchor.path().exists()


def test_a_publication_that_the_chain_does_not_have_is_found(warehouse):
    published(events=3, entries=2)
    anchor.write("publish 2026-11-02")
    assert verify().findings == ("publish of 2026-11-02 (build 3) is not in the chain",)


def test_a_new_installation_is_whole(warehouse):
    """Before its first publication no head is missed; an act of the first day changes nothing of that."""
    for _ in range(2):
        report = verify()
        assert (report.findings, ["no head is written down" in note for note in report.notes]) == ((), [True])
        with db.connect("platform") as link:
            audit.append(link, "load", "ann", "card", {})
    assert "the audit chain is whole" in daily.verify_audit(date(2026, 11, 2))
