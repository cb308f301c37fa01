"""A publication that one of its own gates stops is written down and told, as a layer's red gate is; one whose date
shows by now something else than it was compared with is refused."""

from __future__ import annotations

import threading
import time
from datetime import date

import pytest

from bankmart import db, dbt
from bankmart.governance import build as builds
from bankmart.governance import gate, masking, publication
from bankmart.governance.quality import results
from tests.plugins.bankmart.governance.described import column

MODEL = {
    "name": "dim_person", "resource_type": "model", "schema": "marts", "description": "One row per person.",
    "config": {"materialized": "state", "meta": {"published": "current", "zh": "人", "owner": "the-owner"}},
    "columns": {"number": column("account.number"), "build_id": column("platform", "bigint")},
}  # fmt: skip


def ask(statement, values=None):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def build(warehouse, monkeypatch):
    """A build whose layers are passed, behind a date that readers see."""
    monkeypatch.setattr(gate, "judge", lambda layer, build: None)
    monkeypatch.setattr(dbt, "manifest", lambda: {"nodes": {"m": MODEL}})
    monkeypatch.setattr(publication, "refresh", lambda manifest, build: None)
    monkeypatch.setattr(results, "record", lambda build, manifest: None)
    ask("create table marts.dim_person (number text, build_id bigint)")
    ids = [
        number
        for day, status in (("2026-11-02", "published"), ("2026-11-03", "building"))
        for (number,) in ask(
            "insert into governance.build (business_date, kind, status) values (%s, 'daily', %s) returning build_id",
            (day, status),
        )
    ]
    ask("insert into governance.publication (business_date, build_id) values ('2026-11-02', %s)", (ids[0],))
    ask("insert into marts.dim_person values ('6222021234567890', %s)", (ids[1],))
    return builds.get(ids[1])


def kept():
    stopped = ask("select layer, rule, row_count, owner, runbook, readers_see::text, says from governance.gate_stop")
    return stopped, ask("select kind, subject, body from governance.notice")


def test_a_publication_that_passes_tells_nothing(build):
    publication.publish(build, "ann")
    assert kept() == ([], [])
    assert ask("select max(business_date)::text from governance.publication") == [("2026-11-03",)]


def test_a_red_gate_of_access_is_kept_and_told(build):
    ask("grant usage on schema marts to marketer; grant select (number) on marts.dim_person to marketer")
    for _ in range(2):
        with pytest.raises(gate.GateStopped) as stopped:
            publication.publish(build, "ann")
    owner = "data-platform, with the data protection officer"
    for says in (f"owner     {owner}", "Readers still see 2026-11-02.", "docs/runbook.md#the-gate-of-access-is-red"):
        assert says in str(stopped.value)
    says = "marketer reads marts.dim_person.number and may not"
    page = "docs/runbook.md#the-gate-of-access-is-red"
    (row,), ((kind, subject, body),) = kept()
    assert row == ("access", "access_of_readers", 1, owner, page, "2026-11-02", says)
    assert (kind, subject) == ("red_gate", f"gate access is red for 2026-11-03 (build {build.build_id})")
    assert body == f"access_of_readers: 1 rows, owner {owner}\nReaders still see 2026-11-02.\nRunbook: {page}"


def test_a_red_gate_of_masks_is_kept_and_told(build):
    ask("update marts.dim_person set number = '*******'")
    with pytest.raises(gate.GateStopped, match=r"Readers still see 2026-11-02\.") as stopped:
        publication.publish(build, "ann")
    assert 'examples  [{"number": "****"}]' in str(stopped.value)
    says = "number shows 1 whole values, or clear ones where the vault's tokens belong"
    page = "docs/runbook.md#a-mask-fails"
    (row,), ((_, subject, body),) = kept()
    assert row == ("masks", "mask_of_dim_person", 1, "the-owner", page, "2026-11-02", says)
    assert ask("select examples from governance.gate_stop") == [([{"number": "****"}],)]
    assert subject == f"gate masks is red for 2026-11-03 (build {build.build_id})"
    assert body == f"mask_of_dim_person: 1 rows, owner the-owner\nReaders still see 2026-11-02.\nRunbook: {page}"


def test_a_mask_that_fails_is_kept_and_told_without_a_count(build, monkeypatch):
    monkeypatch.setitem(masking.MASKS, "ends", "(1 / (length({column}) - 16))::text")
    with pytest.raises(gate.GateStopped, match="division by zero"):
        publication.publish(build, "ann")
    ((layer, rule, count, *_),), ((_, _, body),) = kept()
    assert (layer, rule, count) == ("masks", "mask_of_dim_person", None)
    assert body.startswith("mask_of_dim_person: owner the-owner\n")


def another():
    """A build of the date by somebody else."""
    ((number,),) = ask(
        "insert into governance.build (business_date, kind, status) values ('2026-11-03', 'daily', 'published')"
        " returning build_id"
    )
    return number


SHOW = "insert into governance.publication (business_date, build_id) values ('2026-11-03', %s)"


def readers_see():
    return ask("select build_id from governance.publication where business_date = '2026-11-03'")


@pytest.fixture
def compared(build):
    """The build of the date beside one that readers see; returns both."""
    other = another()
    ask(SHOW, (other,))
    return build, other


def test_what_readers_see_as_it_was_compared_is_replaced(compared):
    build, other = compared
    for _ in range(2):
        # A task that is tried again after its publication: it changes nothing.
        publication.publish(build, "ann", "li", against=other)
    assert readers_see() == [(build.build_id,)]
    assert ask("select event, build_id, previous_build_id from governance.publication_event") == [
        ("publish", build.build_id, other)
    ]
    assert ask("select facts ->> 'approved_by' from audit.entry where kind = 'publish'") == [("li",)]


@pytest.mark.parametrize("then", ["rolled back", "taken back", "published again"])
def test_a_date_that_shows_something_else_by_now_is_not_published(compared, then):
    build, other = compared
    now = None if then == "taken back" else another()
    ask("delete from governance.publication where business_date = '2026-11-03'")
    if now:
        ask(SHOW, (now,))
    says = f"readers of 2026-11-03 see {f'build {now}' if now else 'nothing'} now, and build {build.build_id} was"
    with pytest.raises(publication.PublicationError, match=says) as refused:
        publication.publish(build, "ann", "li", against=other)
    for part in (f"compared with {other}", "readers keep", f"bankmart compare {build.build_id}", "clear `compare`"):
        assert part in str(refused.value)
    assert readers_see() == ([(now,)] if now else [])
    assert ask("select count(*) from governance.publication_event") == [(0,)]
    # Later dates don't wait for it, and it may still be published once it was compared again.
    ((status, reason),) = ask("select status, reason from governance.build where build_id = %s", (build.build_id,))
    assert status == "failed"
    assert reason.startswith(says)
    assert builds.unfinished(date(2026, 11, 3)) == build
    publication.publish(build, "ann", "li", against=now or 0)
    assert readers_see() == [(build.build_id,)]


def test_a_new_date_that_somebody_else_has_published_is_not_published_over(build):
    other = another()
    ask(SHOW, (other,))
    with pytest.raises(publication.PublicationError, match="was compared with nothing"):
        publication.publish(build, "ann", against=0)
    assert readers_see() == [(other,)]


def test_it_is_looked_at_behind_the_lock(compared, monkeypatch):
    """Another publication that is not committed yet can't be seen before: only its lock holds this one up."""
    build, other = compared
    now, said = another(), []

    def late():
        try:
            publication.publish(build, "ann", "li", against=other)
        except publication.PublicationError as error:
            said.append(str(error))

    monkeypatch.setattr(publication, "PATIENCE", "60s")
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(publication.ALONE)
        cursor.execute("update governance.publication set build_id = %s where build_id = %s", (now, other))
        thread = threading.Thread(target=late)
        thread.start()
        deadline = time.monotonic() + 60
        while not ask("select 1 from pg_locks where locktype = 'advisory' and not granted"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    thread.join(60)
    assert f"see build {now} now" in said[0]
    assert readers_see() == [(now,)]
