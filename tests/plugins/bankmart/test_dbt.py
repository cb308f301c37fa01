"""dbt's manifest is read once for a build's layers, and never shared where it would carry something over."""

from __future__ import annotations

import pytest

from bankmart.dbt import Known

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
