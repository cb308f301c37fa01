"""`bankmart vault show`: for who logs in with the right, with a reason, and never without a word in the chain."""

import pytest

from bankmart import __main__ as command_line
from bankmart.governance.access import command as reader
from bankmart.governance.audit.verify import verify
from bankmart.vault import bench

ENTRIES = (
    "select kind, actor, words from audit.entry join audit.said on entry = number where kind ~ '^vault' order by number"
)


@pytest.fixture
def logins(people):
    people.customers({})
    made = {"v_anna": "dpo", "v_ben": "bi_reader"}
    for name, role in made.items():
        reader.grant(name, role, {"branch": [], "manager": []})
    yield people
    for name in made:
        reader.remove(name)


def vault(*words):
    return command_line.main(["vault", *words])


def test_clear_values_for_who_may_read_them(logins, capsys, monkeypatch):
    seen = []
    import builtins

    printing = builtins.print
    monkeypatch.setattr(
        builtins, "print", lambda *what, **how: (seen.append(logins.query(ENTRIES)), printing(*what, **how))
    )
    assert vault("show", "C1", "--login", "v_anna", "--reason", "the customer asks") == 0
    monkeypatch.undo()
    printed = capsys.readouterr().out
    assert all(value in printed for value in ("张三丰", "13800138000", "110101199003070011", "core_banking.customer"))
    assert seen[0] == [("vault_read", "v_anna", "the customer asks")], "printed before it was in the chain"
    assert verify().findings == ()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--login", "v_anna"], "without a reason"),
        (["--login", "v_anna", "--reason", "  "], "without a reason"),
        (["--login", "v_ben", "--reason", "curious"], "v_ben may not read clear values"),
        (["--login", "nobody_known", "--reason", "curious"], "can't log in"),
        (["--login", "platform", "--reason", "curious"], "platform may not read clear values"),
        (["--login", "bankmart_admin", "--reason", "curious"], "bankmart_admin may not read clear values"),
    ],
)
def test_refused(logins, capsys, words, says):
    assert vault("show", "C1", *words) == 1
    printed = capsys.readouterr()
    assert says in printed.err
    assert "张三丰" not in printed.out + printed.err
    entries = logins.query(ENTRIES)
    assert entries == ([("vault_refused", words[1], "curious")] if "may not" in says else [])


def test_bench_measures(capsys):
    found = bench.measure(200)
    assert all(each["processor"] > 0 for each in found.values())
    assert len(found) == 4
