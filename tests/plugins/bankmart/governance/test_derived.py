"""Indicators and tags that don't say all of themselves are found."""

import pytest

from bankmart import settings
from bankmart.governance import derived

FAMILY = {
    "name": "call_count",
    "zh": "来电次数",
    "en": "Calls",
    "subject": "service",
    "aggregate": "count",
    "windows": [30, 90],
    "unit": "pieces",
    "class": "derived.indicator",
    "owner": "marketing-analytics",
    "direction": "none",
}
TAG = {
    "class": "derived.tag",
    "kind": "rule",
    "subject": "value",
    "values": ["none", "gold"],
    "default": None,
    "refresh": "daily",
    "status": "live",
    "version": 1,
    "review_date": "2027-06-30",
}


def model(name, *, families=None, columns=None):
    folder = "profile/customer" if name == "customer_360" else "tags/some"
    return {
        "name": name,
        "resource_type": "model",
        "raw_code": "{{ moves('ind_call', 'fct_call', 'call_date') }}" if name == "move_call" else "select 1",
        "original_file_path": f"models/{folder}/{name}.sql",
        "config": {"meta": {} if families is None else {"families": families}},
        "columns": {name: {"config": {"meta": meta}} for name, meta in (columns or {}).items()},
    }


def manifest(*nodes, tested=()):
    tests = {name: {"model": name} for name in tested}
    return {"nodes": {node["name"]: node for node in nodes}, "unit_tests": tests}


def test_a_good_project_has_no_findings():
    indicator, tag = {"class": "derived.indicator"}, {"class": "derived.tag"}
    profile = {"customer_id": {"class": "identity.customer_id"}, "tier": tag}
    profile |= dict.fromkeys(("call_count_30d", "call_count_90d", "days_since_call", "tenure_days"), indicator)
    families = [
        FAMILY,
        FAMILY | {"name": "days_since_call", "aggregate": "recency", "windows": [180], "unit": "days"},
    ]
    level = FAMILY | {"name": "tenure_days", "aggregate": "level", "windows": [], "unit": "days"}
    nodes = [
        model("move_call"),
        model("ind_call", families=families),
        model("ind_holding", families=[level]),
        model("tag_value", columns={"tier": TAG, "build_id": {"class": "platform"}}),
        model("customer_360", columns=profile),
    ]
    assert derived.findings(manifest(*nodes, tested=["tag_value"])) == []


@pytest.mark.parametrize("key", derived.TAG)
def test_a_tag_lacks_something(key):
    lacking = {name: value for name, value in TAG.items() if name != key}
    (finding,) = derived.validate_tags(model("tag_value", columns={"tier": lacking}))
    assert f"tag tier: give it {key}" in finding


def test_a_tag_says_something_wrong():
    assert "give it values" in derived.validate_tags(model("tag_value", columns={"tier": TAG | {"values": []}}))[0]
    wrong_date = model("tag_value", columns={"tier": TAG | {"review_date": "soon"}})
    assert "review_date must be a date" in derived.validate_tags(wrong_date)[0]


@pytest.mark.parametrize(
    ("said", "named"),
    [("derived.indicator", "derived.indicator"), ("asset.balance", "asset.balance"), (None, "missing")],
)
def test_a_column_of_a_tag_model_with_the_class_of_something_else(monkeypatch, tmp_path, said, named):
    """It says all that a tag says, but nothing would register, keep or watch it."""
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    file = tmp_path / "dbt_project/models/tags/some/tag_value.yml"
    file.parent.mkdir(parents=True)
    file.write_text("models:\n  - name: tag_value\n    columns:\n      - {name: customer_id}\n      - {name: tier}\n")
    columns = {"customer_id": {"class": "identity.customer_id"}, "tier": TAG | {"class": said}}
    (finding,) = derived.validate_tags(model("tag_value", columns=columns))
    assert finding.startswith("dbt_project/models/tags/some/tag_value.yml:5: tag tier: its class is ")
    assert f"its class is {named}, so" in finding
    assert "write class: derived.tag, or move the column" in finding


def test_a_tag_without_a_unit_test():
    (finding,) = derived.validate_unit_tests(manifest(model("tag_value"), model("tag_habit"), tested=["tag_habit"]))
    assert finding.startswith("dbt_project/models/tags/some/tag_value.yml: add a unit test")


def test_the_profile_shows_an_indicator_that_nobody_declares():
    shown = {"call_count_30d": {"class": "derived.indicator"}, "visit_count_30d": {"class": "derived.indicator"}}
    nodes = manifest(model("ind_call", families=[FAMILY]), model("customer_360", columns=shown))
    (unknown,) = derived.validate_profile_indicators(nodes)
    assert "visit_count_30d is not in config.meta.families" in unknown


def test_the_profile_misses_a_tag_and_has_one_too_many():
    nodes = manifest(
        model("tag_value", columns={"tier": TAG}), model("customer_360", columns={"trend": {"class": "derived.tag"}})
    )
    missing, unknown = derived.validate_profile_tags(nodes)
    assert missing.endswith("add tier")
    assert "trend is not in a tag_ model" in unknown
