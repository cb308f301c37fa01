"""`bankmart check` as a person runs it: what is declared wrongly is said, file and line, and nothing breaks over it."""

from __future__ import annotations

import argparse
import re
from copy import deepcopy

import pytest

from bankmart import dbt
from bankmart.governance.commands import check


@pytest.fixture(scope="module")
def project():
    return dbt.manifest()


def family(manifest):
    """The first family of a model of card payments."""
    return manifest["nodes"]["model.bankmart.ind_card"]["config"]["meta"]["families"][0]


def column(manifest):
    return manifest["nodes"]["model.bankmart.tag_value"]["columns"]["aum_tier"]["config"]["meta"]


def without_class(manifest):
    del family(manifest)["class"]


def without_owner(manifest):
    del family(manifest)["owner"]


def odd_windows(manifest):
    family(manifest)["windows"] = [30, "ninety"]


def tag_without_class(manifest):
    del column(manifest)["class"]


def tag_of_unknown_class(manifest):
    column(manifest)["class"] = "derived.nothing"


def tags_without_owner(manifest):
    del manifest["nodes"]["model.bankmart.tag_value"]["config"]["meta"]["owner"]


def lower_than_its_parents(manifest):
    """A customer's name in a mart, declared as anybody's."""
    manifest["nodes"]["model.bankmart.dim_customer"]["columns"]["name"]["config"]["meta"]["class"] = "reference"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_class, r"ind_card\.yml:\d+: .*give it class"),
        (without_owner, r"ind_card\.yml:\d+: .*give it owner"),
        (odd_windows, r"ind_card\.yml:\d+: .*windows are whole numbers of days"),
        (tag_without_class, r"tag_value\.yml:\d+: .*aum_tier.*class"),
        (tag_of_unknown_class, r"tag_value\.yml:\d+: .*aum_tier.*derived\.nothing"),
        (
            lower_than_its_parents,
            r"dim_customer\.yml:\d+: marts\.dim_customer\.name is grade 1, .* but is made of .* so of",
        ),
        (tags_without_owner, r"tag_value\.yml:\d+: .*owner"),
    ],
)
def test_a_definition_that_lacks_something_is_named(project, spoil, said, monkeypatch, capsys):
    wrong = deepcopy(project)
    spoil(wrong)
    monkeypatch.setattr(dbt, "manifest", lambda: wrong)
    assert check.run(argparse.Namespace(portable=False)) == 1
    printed = capsys.readouterr().out
    assert re.search(said, printed), printed
    assert "findings" in printed.splitlines()[-1]
