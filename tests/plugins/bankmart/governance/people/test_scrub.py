"""Old versions of an erased person's rows go from the server's own files: tables, indexes, statistics and its log."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import psycopg2
import pytest
from psycopg2 import sql

from bankmart import db, settings, vault
from bankmart.governance.audit.verify import verify
from bankmart.governance.people.erasure import certificate, requests, scrub
from bankmart.governance.people.erasure import run as erasure
from bankmart.governance.people.erasure.requests import ErasureError
from bankmart.runtime import postgres, provision
from bankmart.sources import contract, load

DAY = date(2026, 2, 1)
# Of nobody else, in no other test.
NUMBER, ACCOUNT, SAID = "Q7319004625", "A5528817043", "zinnober kolibri 4471"
CUSTOMERS = "sources.core_banking__customer"
IN_STATISTICS = """
select count(*) from pg_stats where coalesce(most_common_vals::text, '') || coalesce(histogram_bounds::text, '') ~ %s
"""
RIGHTS = """
select relation.oid::regclass::text, relation.oid, relation.relacl::text
from pg_class as relation join pg_namespace as space on space.oid = relation.relnamespace
where space.nspname = any('{sources,marts,intermediate,scores,governance,vault,published}') and relkind in ('r', 'v')
order by 1
"""


@pytest.fixture
def lived(bank, delivered, monkeypatch):
    """Somebody was delivered, loaded, named in a reason and counted; a reader's view shows the customers."""
    bank.customer(NUMBER)
    bank.account(ACCOUNT, NUMBER)
    names = [column.name for column in contract.load()["card"]["card"].columns]
    row = ["K73", ACCOUNT, NUMBER, "6222021234567890", "debit", "gold", "2020-01-01", None, "active", str(DAY)]
    delivered("card.card", [dict(zip(names, row, strict=True))], DAY)
    load.load_system("card", DAY)
    bank.raw("contact_centre.feedback", DAY, feedback_id="F1", customer_id=NUMBER, given_at="2026-02-01 10:00+00",
             channel="app", language="zh", feedback_text=SAID)  # fmt: skip
    with db.connect("vault") as link:
        vault.clear(link, "X902", "li", f"{NUMBER} rang")
    as_admin("analyze")
    as_admin(f"create view published.seen with (security_barrier) as select customer_id, status from {CUSTOMERS};"
             " grant select on published.seen to bi_reader")  # fmt: skip
    monkeypatch.setattr(scrub, "PAUSE", 0.1)
    return bank


def as_admin(statement, *bound):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        link.autocommit = True
        cursor.execute(statement, bound or None)
        return cursor.fetchall() if cursor.description else []


def forget(*customers):
    made = requests.request([(customer, "asks") for customer in customers], "li")
    requests.decide(made, "wang", approve=True)
    return erasure.run("ops").erasures


def left():
    """What of the person stands in which folder of the server's, as bytes."""
    as_admin("checkpoint")
    data = postgres.place(settings.state_dir()).data
    found = {}
    for path in data.rglob("*"):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:
            continue  # the server has thrown it away meanwhile
        for text in (NUMBER, ACCOUNT, SAID):
            if text.encode() in content:
                found.setdefault(path.relative_to(data).parts[0], set()).add(text)
    return found


def files():
    return dict(as_admin("select oid::regclass::text, pg_relation_filenode(oid) from pg_class where relkind = 'r'"))


def test_nothing_is_left_in_the_servers_files(lived):
    (number,) = forget(NUMBER)
    before = left()
    assert before["base"] == {NUMBER, ACCOUNT, SAID}
    assert NUMBER in before["pg_wal"]
    assert as_admin(IN_STATISTICS, NUMBER) > [(0,)]
    assert scrub.waiting()[0].startswith("of erasure 1 old versions of rows are still in the server's files")
    said, rights = certificate.path(number).read_bytes(), as_admin(RIGHTS)
    rows = as_admin(f"select * from {CUSTOMERS} order by 1, 2, 3")
    report = scrub.run("ops")
    assert left() == {}
    assert as_admin(IN_STATISTICS, NUMBER) == [(0,)]
    assert (report.erasures, report.log["segments"] > 0) == ([number], True)
    # Everything else is as it was.
    assert as_admin(f"select * from {CUSTOMERS} order by 1, 2, 3") == rows
    assert as_admin(RIGHTS) == rights
    with db.connect("bi_reader") as link, link.cursor() as cursor:
        cursor.execute("select count(*), count(*) filter (where customer_id like 'erased-%') from published.seen")
        assert cursor.fetchall() == [(3, 1)]
    assert certificate.path(number).read_bytes() == said
    ((subject, facts),) = lived.rows("select subject, facts from audit.entry where kind = 'erasure_scrub'")
    assert subject == "erasure 1"
    assert (facts["tables"], facts["log"]["before"]) == (report.tables, report.log["before"])
    assert not verify().findings
    with db.connect("platform") as link, link.cursor() as cursor:
        assert [row[-1][:2] for row in requests.waiting(cursor)] == ["20"]
    assert scrub.waiting() == []
    assert scrub.run("ops").text() == "nothing to scrub: no erasure has left old versions of rows"


def test_it_goes_on_where_it_was_and_with_whom_came_since(lived, monkeypatch):
    forget(NUMBER)
    monkeypatch.setattr(scrub, "ROUNDS", 2)
    monkeypatch.setattr(scrub, "LOCK_PATIENCE", "50ms")
    before = files()
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute(f"lock table {CUSTOMERS} in access share mode")
        with pytest.raises(ErasureError, match=f"1 tables are in use and are not written anew yet: {CUSTOMERS}. The"):
            scrub.run("ops")
    first = files()
    assert first[CUSTOMERS] == before[CUSTOMERS]
    assert as_admin("select count(*) from vault.data_key") == [(0,)]
    assert first["sources.core_banking__account"] != before["sources.core_banking__account"]
    assert first["vault.data_key"] != before["vault.data_key"]

    def killed(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scrub, "_go_through_log", killed)
        with pytest.raises(KeyboardInterrupt):
            scrub.run("ops")
    second = files()
    assert {name for name in first if second[name] != first[name]} == {CUSTOMERS, "pg_statistic"}
    forget("X901")
    assert scrub.run("ops").erasures == [1, 2]
    assert left() == {}
    assert lived.rows("select subject from audit.entry where kind = 'erasure_scrub' order by number") == [
        ("erasure 1",), ("erasure 2",),
    ]  # fmt: skip
    assert lived.rows("select count(*) from governance.erasure_scrub") == [(0,)]


def test_what_somebody_still_sees_is_waited_for(lived, monkeypatch):
    monkeypatch.setattr(scrub, "PATIENCE", 0)
    with closing(psycopg2.connect(settings.dsn("loader"), application_name="a long report")) as link:
        link.set_session(isolation_level="repeatable read")
        with link.cursor() as cursor:
            cursor.execute("select 1")
            forget(NUMBER)
            before = files()
            with pytest.raises(ErasureError, match=r"still sees the old versions of rows: a long report \(process"):
                scrub.run("ops")
            assert files() == before
    assert scrub.run("ops").erasures == [1]
    assert left() == {}


def test_where_the_server_is_somebody_elses_it_says_what_is_left_to_do(lived):
    forget(NUMBER)
    owner = sql.SQL("alter database {} owner to {}")
    database, admin = sql.Identifier(settings.WAREHOUSE), sql.Identifier(settings.server().admin)
    as_admin("revoke execute on function pg_switch_wal() from eraser")
    try:
        as_admin(owner.format(database, admin))
        try:
            with pytest.raises(
                ErasureError, match=r"eraser may not write \d+ tables anew: audit.said, vault.data_key, vault"
            ):
                scrub.run("ops")
        finally:
            as_admin(owner.format(database, sql.Identifier("platform")))
        assert "checkpoint; select pg_switch_wal(); checkpoint" in scrub.run("ops").text()
    finally:
        as_admin("grant execute on function pg_switch_wal() to eraser")
    ((facts,),) = lived.rows("select facts ->> 'log' from audit.entry where kind = 'erasure_scrub'")
    assert "archived log, standbys and backups are the bank's own" in facts
    assert "base" not in left()
