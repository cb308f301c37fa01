"""A publication that one of its own gates stops is written down and told, as a layer's red gate is."""

from __future__ import annotations

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
