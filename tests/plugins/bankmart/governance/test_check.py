"""`bankmart check` fails by what it finds, and what the Makefile calls is there."""

import re

import pytest

from bankmart import __main__ as command_line
from bankmart import dbt, settings
from bankmart.governance import derived, grades, policy, reference, size
from bankmart.governance.access import probe, readers
from bankmart.governance.tags import ledger

RULES = (policy, derived, size, reference, ledger, grades, probe, readers)


@pytest.mark.parametrize("broken", [None, *RULES])
def test_any_finding_fails_the_check(broken, monkeypatch, capsys):
    monkeypatch.setattr(dbt, "manifest", lambda: {"nodes": {}, "sources": {}, "unit_tests": {}})
    for module in RULES:
        found = ["a.yml: mend it"] if module is broken else []
        monkeypatch.setattr(module, "findings", lambda *_, found=found: found)
    monkeypatch.setattr(settings, "apply_environment", lambda: None)
    assert command_line.main(["check"]) == (1 if broken else 0)
    assert ("a.yml: mend it" in capsys.readouterr().out) is bool(broken)


def test_the_makefile_calls_commands_that_there_are():
    called = re.findall(r"\$\(BANKMART\) ([a-z-]+)", (settings.ROOT / "Makefile").read_text(encoding="utf-8"))
    assert called
    assert [name for name in called if name not in command_line.COMMANDS] == []
