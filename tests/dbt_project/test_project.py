"""The dbt project parses without a warning and keeps the project's rules."""

import pytest

from bankmart import dbt, settings
from bankmart.governance import derived, policy, size
from bankmart.governance.tags import registry
from ml.spec import model_names


@pytest.fixture(scope="module")
def manifest():
    return dbt.manifest()


def test_parsing_warns_of_nothing():
    # Of our own materializations dbt doesn't know that they make constraints.
    options = '{"error": "all", "silence": ["UnsupportedConstraintMaterialization"]}'
    result = dbt.invoke(["parse", "--quiet", "--no-partial-parse", "--warn-error-options", options], {})
    assert result.success, result.exception


def test_the_rules_are_kept(manifest):
    assert policy.findings(manifest) + derived.findings(manifest) + size.findings(settings.ROOT) == []


def test_every_tag_is_tested_at_its_limits(manifest):
    tags = {node["name"] for node in policy.models(manifest) if policy.is_tag_model(node)}
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    assert tags
    assert tags - tested == set()


def test_every_model_has_a_tag(manifest):
    assert registry.models_of_tags(manifest) == set(model_names())


def test_every_check_is_about_a_model(manifest):
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    assert tests
    assert [node["name"] for node in tests if not node["depends_on"]["nodes"]] == []


def generic(manifest, *names):
    """(Model, arguments) of every generic test of these names."""
    return [
        (node["attached_node"].split(".")[-1], node["test_metadata"]["kwargs"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("test_metadata", {}).get("name") in names
    ]


def test_every_key_of_another_mart_is_checked(manifest):
    """Of the business objects, of events, of customers: by a test that the key is there (decision 30)."""
    marts = {node["name"]: node for node in policy.models(manifest) if policy.layer(node) == "marts"}
    keys = {"customer_id"} | {
        constraint["columns"][0]
        for name, node in marts.items()
        for constraint in node["constraints"]
        if name.startswith(("dim_", "fct_")) and len(set(constraint["columns"]) - {"build_id"}) == 1
    }
    assert {"branch_id", "district_id", "manager_id", "product_id", "campaign_id", "customer_id"} <= keys
    assert {"contact_id", "lead_id", "opportunity_id", "session_id"} <= keys
    checked = {(name, says["column_name"]) for name, says in generic(manifest, "relationships", "is_known")}
    # Where a number is first heard of: it is its own key there. Customers are made known by their versions.
    first = {
        (name, column)
        for name, node in marts.items()
        for constraint in node["constraints"]
        for column in constraint["columns"]
        if len(set(constraint["columns"]) - {"build_id"}) == 1
    } | {("dim_customer", "customer_id")}
    lacking = [
        f"{name}.{column}"
        for name, node in marts.items()
        if node["config"]["meta"].get("published")
        for column in node["columns"]
        if column in keys and (name, column) not in first | checked
    ]
    assert lacking == [], " ".join(lacking)


def test_no_event_comes_twice(manifest):
    """One number in the files of two dates would count twice: the primary key has the build in it."""
    events = {
        node["name"]: [column for column in constraint["columns"] if column != "build_id"]
        for node in policy.models(manifest)
        for constraint in node["constraints"]
        if policy.layer(node) == "marts" and node["config"]["materialized"] == "slice"
        and node["name"].startswith("fct_") and constraint["columns"][-2].endswith("_id")
    }  # fmt: skip
    assert len(events) > 15
    found = {
        name: [says["key"]] if isinstance(says["key"], str) else says["key"]
        for name, says in generic(manifest, "is_delivered_once")
    }
    assert found == events
