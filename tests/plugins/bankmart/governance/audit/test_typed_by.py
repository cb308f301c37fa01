"""Who typed a command is in the audit where another is said to act, whichever command it is; in a task nobody types."""

from __future__ import annotations

import argparse
import getpass
import importlib
import os
from types import SimpleNamespace

import pytest

from bankmart import __main__ as command_line
from bankmart import db, settings
from bankmart.governance import audit
from bankmart.governance.audit.verify import verify
from ml import acts


@pytest.fixture
def typist(warehouse, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "typist")


def entries():
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select kind, actor, facts ->> 'typed_by' from audit.entry order by number")
        return cursor.fetchall()


HOLD = ["hold", "add", "--table", "customer_score", "--reason", "a case", "--by", "li"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([HOLD], [("hold", "li", "typist")]),
        ([HOLD, ["hold", "end", "1", "--by", "wu"]], [("hold", "li", "typist"), ("hold_end", "wu", "typist")]),
        ([["incident", "--date", "2026-11-02", "--reason", "x", "--by", "li"]], [("incident", "li", "typist")]),
        ([["incident", "--date", "2026-11-02", "--reason", "x", "--by", "typist"]], [("incident", "typist", None)]),
    ],
)
def test_who_typed_it_is_there_beside_who_acts(typist, words, expected):
    for each in words:
        assert command_line.main(each) == 0
    assert entries() == expected
    assert verify().findings == ()
    assert settings.TYPED_BY.get() is None


def test_a_promotion_by_command_and_one_by_a_task(typist):
    """Said again by somebody else it stays one promotion."""
    tags = {"approved_by": "li", "approved_at": "now", "replaced": "1"}
    for number, who in (("1", None), ("2", "typist"), ("2", None)):
        version = SimpleNamespace(model="churn", number=number, run_id="r", tags=tags)
        if who:
            with settings.typed():
                acts.promoting(version, "li")
                acts.promoted(version)
        else:
            acts.promoted(version)
    assert entries() == [("promote", "li", None), ("promote_begun", "li", "typist"), ("promote", "li", "typist")]


def test_what_a_command_says_itself_stays(typist):
    with settings.typed(), db.connect("platform") as link:
        audit.append(link, "erasure_approval", "li", "erasure 1", {"typed_by": "zhang"})
    assert entries() == [("erasure_approval", "li", "zhang")]


@pytest.mark.parametrize("name", sorted(command_line.COMMANDS))
def test_a_container_s_user_without_a_name_types_every_command(monkeypatch, name):
    def nameless():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    parser = argparse.ArgumentParser()
    importlib.import_module(command_line.COMMANDS[name][0]).add_arguments(parser)
    assert settings.who() == f"uid {os.getuid()}"
