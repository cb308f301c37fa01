"""dbt's manifest is read once for a build's layers, and never shared where it would carry something over."""

from __future__ import annotations

from datetime import date

import pytest

from bankmart import dbt
from bankmart.dbt import DbtError, Known
from bankmart.governance.build import Build
from bankmart.results import Node

MARTS, TAGS = ("build", "--select", "path:models/marts"), ("build", "--select", "path:models/tags")


@pytest.mark.parametrize(
    ("arguments", "mark", "variables", "serves"),
    [
        pytest.param(TAGS, "project", "build 7", True, id="the next layer of the build"),
        pytest.param(MARTS, "project", "build 7", False, id="a layer once more"),
        pytest.param(TAGS, "project", "build 8", False, id="another build"),
        pytest.param(TAGS, "changed", "build 7", False, id="a project that has changed"),
        pytest.param(("compile", *TAGS[1:]), "project", "build 7", False, id="another command"),
    ],
)
def test_a_manifest_serves_the_other_layers_of_its_build(arguments, mark, variables, serves):
    known = Known("project", "build 7", manifest=None, built={MARTS})
    assert known.serves(arguments, mark, variables) is serves


def test_what_another_command_has_read_serves_no_build():
    known = Known("project", "build 7", manifest=None, built={("compile", "--select", "tag_value")})
    assert not known.serves(TAGS, "project", "build 7")


@pytest.mark.parametrize(
    ("message", "told", "may_pass"),
    [
        ('Database Error\n  could not extend file "base/5/1": File too large', "The disk is full: make room", True),
        ("Database Error\n  could not write to file: No space left on device", "#the-disk-is-full) and clear", True),
        ('Database Error\n  column "x" does not exist', "Mend the cause and clear this task", False),
    ],
)
def test_a_model_that_is_not_built_says_what_to_do(monkeypatch, message, told, may_pass):
    node = Node("model.x", "x", "model", None, "error", None, None, 0.1, message, None, "data-platform")
    monkeypatch.setattr("bankmart.governance.build.is_open", lambda build_id: False)
    monkeypatch.setattr("bankmart.governance.build.finish", lambda *_: None)
    with pytest.raises(DbtError) as broken:
        dbt._keep("marts", Build(1, date(2026, 11, 1), "daily", 0, (), ()), [node], {})
    assert told in str(broken.value)
    assert "Readers still see what was published before" in str(broken.value)
    assert broken.value.may_pass is may_pass
