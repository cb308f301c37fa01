"""Who is acted on is told why: the bands that tags act on are those for which reasons are given."""

from __future__ import annotations

import re

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


def acted_on(name):
    """Model → the bands in the conditions of a tag model."""
    (path,) = (settings.dbt_dir() / "models" / "profile").rglob(f"{name}.sql")
    found = {}
    for band, several, single in CONDITION.findall(path.read_text(encoding="utf-8")):
        found.setdefault(BANDS[name][band], set()).update(re.findall(r"'(\w+)'", several or single))
    return found


@pytest.mark.parametrize("name", list(BANDS))
def test_every_band_that_a_tag_acts_on_has_reasons(name):
    for model, bands in acted_on(name).items():
        assert bands <= set(load_spec(model).reasons_for), model


def test_retention_and_contacts_act_on_the_medium_band_too():
    assert acted_on("tag_model")["churn"] == {"high", "medium"}
    assert acted_on("tag_model_offer")["uplift"] == {"high", "medium"}
