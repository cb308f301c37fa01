"""Who is acted on is told why: the bands that tags act on are those for which reasons are given."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bankmart import settings
from ml.spec import load_spec

# What each tag model calls the band of a model.
BANDS = {
    "tag_model": {"band": "churn"},
    "tag_model_offer": {"uplift_band": "uplift", "response_band": "response"},
    "tag_model_value": {"growth_band": "value_up", "value_band": "clv", "unusual_band": "anomaly"},
}
CONDITION = re.compile(r"\b(\w*band) (?:in \(([^)]*)\)|= ('\w+'))")
# A band that is a tag's value as it stands: whoever lists customers by the tag takes the first band.
AS_IT_STANDS = re.compile(r"coalesce\((\w*band), 'unscored'\)")
CASE = re.compile(r"case (\w*band)((?:\s+when '\w+' then '\w+')+)")
# The band of those in none, of whom nobody makes a list.
REST = "low"


def acted_on(name):
    """Model → the bands that a tag model acts on: in its conditions, in a case of its own, first as they stand."""
    (path,) = (settings.dbt_dir() / "models" / "profile").rglob(f"{name}.sql")
    text, found = path.read_text(encoding="utf-8"), {}
    for band, several, single in CONDITION.findall(text):
        found.setdefault(BANDS[name][band], set()).update(re.findall(r"'(\w+)'", several or single))
    for band, cases in CASE.findall(text):
        found.setdefault(BANDS[name][band], set()).update(set(re.findall(r"when '(\w+)'", cases)) - {REST})
    for band in AS_IT_STANDS.findall(text):
        if band in BANDS[name]:
            model = BANDS[name][band]
            found.setdefault(model, set()).add(next(iter(load_spec(model).bands)))
    return found


def without_reasons(name, spec_of=load_spec):
    """Model → the bands that are acted on and have no reasons."""
    found = {model: bands - set(spec_of(model).reasons_for) for model, bands in acted_on(name).items()}
    return {model: bands for model, bands in found.items() if bands}


@pytest.mark.parametrize("name", list(BANDS))
def test_every_band_that_a_tag_acts_on_has_reasons(name):
    assert set(acted_on(name)) == set(BANDS[name].values()), "a model's band was not found in the tags' SQL"
    assert without_reasons(name) == {}


@pytest.mark.parametrize("name", list(BANDS))
def test_a_model_that_gives_no_reasons_is_named(name):
    unsaid = without_reasons(name, lambda model: replace(load_spec(model), reasons_for=()))
    assert set(unsaid) == set(BANDS[name].values())


def test_what_is_acted_on_is_what_the_tags_say():
    assert acted_on("tag_model") == {"churn": {"high", "medium"}}
    assert acted_on("tag_model_offer") == {"uplift": {"high", "medium"}, "response": {"high"}}
    assert acted_on("tag_model_value") == {"anomaly": {"high", "medium"}, "value_up": {"high"}, "clv": {"top"}}
