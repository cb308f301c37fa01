"""Kinds of readers are whole, and people are members of one."""

import argparse
from contextlib import closing

import psycopg2
import pytest

from bankmart import db, settings
from bankmart.governance import project
from bankmart.governance.access import command, readers
from bankmart.runtime import provision


def run(*arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ("name", "about", "says"),
    [
        ("Analyst", {}, "a name"),
        ("pg_analyst", {}, "a name"),
        ("platform", {}, "another name"),
        ("analyst", {"rows": "some"}, "rows (all, own"),
        ("analyst", {"grade": 0}, "a grade"),
        ("analyst", {"zh": ""}, "a Chinese name"),
    ],
)
def test_a_kind_is_whole(name, about, says, monkeypatch):
    said = {name: {"zh": "分析", "rows": "all", "grade": 3} | about}
    monkeypatch.setattr(project, "variables", lambda: {"readers": said})
    (found,) = readers.findings()
    assert says in found


def test_servers_let_every_kind_in():
    assert readers.findings() == []
    rules = (settings.ROOT / "docker/pg_hba.conf").read_text(encoding="utf-8")
    for reader in readers.readers():
        assert f"+{reader.name}" in rules


def test_a_login_is_member_of_one_kind_with_just_its_scopes(warehouse, capsys):
    run("y_bo", "--role", "branch_user", "--branch", "B1", "--manager", "M1")
    run("y_bo", "--role", "branch_user", "--branch", "B2")
    assert [row for row in command.listed() if row[0] == "y_bo"] == [("y_bo", "branch_user", "branch B2")]
    with db.connect("y_bo") as link, link.cursor() as cursor:
        cursor.execute("select session_user::text, current_setting('statement_timeout')")
        assert cursor.fetchone() == ("y_bo", readers.STATEMENT_TIMEOUT)
    with db.connect("bi_reader") as link, link.cursor() as cursor:
        cursor.execute("show statement_timeout")
        assert cursor.fetchone() == (readers.STATEMENT_TIMEOUT,)
    with closing(psycopg2.connect(provision.admin_dsn())) as link, link, link.cursor() as cursor:
        cursor.execute("alter role y_bo set statement_timeout = '30min'")
    run("y_bo", "--role", "dpo")
    with db.connect("y_bo") as link, link.cursor() as cursor:
        cursor.execute("show statement_timeout")
        assert cursor.fetchone() == ("30min",), "what somebody has set stays"
    assert [row for row in command.listed() if row[0] == "y_bo"] == [("y_bo", "dpo", "")]
    run("y_bo", "--remove")
    with pytest.raises(psycopg2.OperationalError), db.connect("y_bo"):
        pass
    assert settings.secret("reader y_bo") not in capsys.readouterr().out
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select facts from audit.entry where kind = 'reader' and subject = 'y_bo' order by number")
        said = [facts for (facts,) in cursor.fetchall()]
    assert [facts.get("role") for facts in said] == ["branch_user", "branch_user", "dpo", None]
    assert (said[1]["branch"], said[3]) == (["B2"], {"removed": True})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["y_bo"], "say what"),
        (["y_bo", "--role", "king"], "no reader king"),
        (["y_bo", "--role", "branch_user"], "needs --branch"),
        (["y_bo", "--role", "dpo", "--branch", "B1"], "has no --branch"),
        (["platform", "--role", "dpo"], "can't be a login"),
        (["marketer", "--role", "dpo"], "can't be a login"),
        (["bo; drop table x", "--role", "dpo"], "can't be a login"),
        (["y_nobody", "--remove"], "no login"),
    ],
)
def test_what_is_refused(warehouse, arguments, says):
    with pytest.raises(command.ReaderError, match=says):
        run(*arguments)
