"""By hand a published date that would change needs a name: `bankmart publish` and `bankmart build --publish`."""

from __future__ import annotations

import argparse
import importlib
from datetime import date

import pytest

from bankmart import db, dbt
from bankmart.governance import gate, publication, show
from bankmart.governance.quality import results

DAY = date(2026, 10, 31)


def ask(statement, values=None):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def fill(warehouse, monkeypatch):
    """The line's real commands over one small table, that the only layer of this test fills with `rows`."""
    rows = []

    def build_layer(layer, build):
        if layer == "profile":
            for name in rows:
                ask("insert into profile.person values (%s, %s)", (name, build.build_id))
        return []

    monkeypatch.setattr(dbt, "build_layer", build_layer)
    monkeypatch.setattr(dbt, "manifest", lambda: {"nodes": {}})
    monkeypatch.setattr(gate, "judge", lambda layer, build: gate.Verdict(layer, 0, 0, 0, ()))
    monkeypatch.setattr(publication, "refresh", lambda manifest, build: None)
    monkeypatch.setattr(results, "record", lambda build, manifest: None)
    monkeypatch.setattr(show, "nodes", lambda nodes: "")
    ask("create table profile.person (customer_id text, build_id bigint, primary key (customer_id, build_id))")
    ask(
        "insert into governance.load (system, table_name, business_date, status, accepted_count, file_name)"
        " values ('core_banking', 'customer', %s, 'loaded', 1, 'x')",
        (DAY,),
    )
    return rows


def bankmart(command, *words):
    module = importlib.import_module(f"bankmart.governance.commands.{command}")
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args(["--date", str(DAY), *words]))


def readers_see():
    return [number for (number,) in ask("select build_id from governance.publication")]


def test_a_new_date_and_the_same_again_need_nobody(fill, capsys):
    fill += ["C1", "C2"]
    assert bankmart("build", "--publish") == 0
    assert readers_see() == [1]
    assert bankmart("build", "--publish") == 0
    assert readers_see() == [2]
    assert capsys.readouterr().out.count(f"published {DAY}") == 2
    assert ask("select facts ->> 'approved_by' from audit.entry where kind = 'publish'") == [(None,), (None,)]


def test_a_build_that_changes_a_published_date_is_published_by_a_named_person_only(fill, capsys):
    fill += ["C1", "C2"]
    assert bankmart("build", "--publish") == 0
    fill += ["C3"]
    assert bankmart("build", "--publish") == 1
    said = capsys.readouterr().out
    assert "build 2 against build 1, which readers see" in said
    assert "It is not published" in said
    assert f"bankmart publish --date {DAY} --approved-by NAME" in said
    assert readers_see() == [1]
    with pytest.raises(publication.PublicationError, match=r"profile\.person +1 +0 +0") as refused:
        bankmart("publish")
    assert f"somebody has to agree: bankmart publish --date {DAY} --approved-by NAME" in str(refused.value)
    assert readers_see() == [1]
    assert bankmart("publish", "--approved-by", "Wang Li") == 0
    assert readers_see() == [2]
    assert ask("select facts ->> 'approved_by' from audit.entry where kind = 'publish' order by 1") == [
        ("Wang Li",), (None,)
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["publish", "build"])
def test_a_date_that_changes_after_it_was_compared_is_not_published(fill, monkeypatch, command):
    """Somebody takes the date back while this command is between its comparison and its publication."""
    fill += ["C1"]
    assert bankmart("build", "--publish") == 0
    module = importlib.import_module(f"bankmart.governance.commands.{command}")
    compare = module.compare

    def overtaken(build):
        found = compare(build)
        publication.rollback(DAY, "somebody else")
        return found

    assert bankmart("build") == 0
    monkeypatch.setattr(module, "compare", overtaken)
    with pytest.raises(publication.PublicationError, match=f"readers of {DAY} see nothing now"):
        bankmart(command, *["--publish"] * (command == "build"))
    assert readers_see() == []
