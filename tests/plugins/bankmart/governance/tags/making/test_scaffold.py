"""The limits of an expression are found, and tried where they show."""

import pandas as pd
import pytest
import yaml

from bankmart import settings
from bankmart.governance.tags.making import overlap, scaffold


def test_below_at_and_above_each_limit():
    types = {"calls": "integer", "amount": "double precision"}
    first, second = scaffold.limits("calls >= 3 and amount > 10.5", types)
    assert [row["calls"] for row in first[0]] == [2, 3, 4]
    assert [row["amount"] for row in second[0]] == [10.49, 10.5, 10.51]
    assert {row["amount"] for setting in first for row in setting} == {0, 10.49, 10.5, 10.51}


def test_the_setting_in_which_the_limit_shows():
    silent = ([{"calls": 2}, {"calls": 3}], [False, False])
    shown = ([{"calls": 2, "amount": 99}, {"calls": 3, "amount": 99}], [False, True])
    assert scaffold.telling([silent, shown]) == [
        ({"calls": 2, "amount": 99}, False),
        ({"calls": 3, "amount": 99}, True),
    ]
    assert scaffold.telling([silent])[0] == ({"calls": 2}, False)


def test_the_exposure_of_all_tags_has_a_new_model():
    text = (settings.dbt_dir() / scaffold.EXPOSURES).read_text(encoding="utf-8")
    made = scaffold.exposed(text, "tag_dull")
    assert made.replace("      - ref('tag_dull')\n", "") == text
    named = {each["name"]: each["depends_on"] for each in yaml.safe_load(made)["exposures"]}
    assert "ref('tag_dull')" in named["tags_by_subject"]
    assert named["tags_by_subject"] == sorted(named["tags_by_subject"])
    assert scaffold.exposed(made, "tag_dull") == made


def test_the_history_waits_for_a_new_model():
    text = "-- a remark\n-- depends_on: {{ ref('tag_b') }}\n-- depends_on: {{ ref('tag_d') }}\nselect 1\n"
    assert scaffold.waits_for(text, "tag_c").splitlines()[2] == "-- depends_on: {{ ref('tag_c') }}"
    assert scaffold.waits_for(scaffold.waits_for(text, "tag_c"), "tag_c") == scaffold.waits_for(text, "tag_c")


@pytest.mark.parametrize(
    ("rows", "strength"),
    [([[10, 0], [0, 10]], 1.0), ([[5, 5], [5, 5]], 0.0), ([[10, 10]], 0.0), ([[30, 10], [10, 30]], 0.5)],
)
def test_cramers_v(rows, strength):
    assert overlap.cramers_v(pd.DataFrame(rows)) == pytest.approx(strength)
