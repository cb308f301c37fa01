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


def test_every_key_of_another_mart_is_checked(manifest):
    """By the database, or by a test that the key is there."""
    marts = {node["name"]: node for node in policy.models(manifest) if policy.layer(node) == "marts"}
    keys = {
        constraint["columns"][0]: name
        for name, node in marts.items()
        for constraint in node["constraints"]
        if name.startswith("dim_") and len(set(constraint["columns"]) - {"build_id"}) == 1
    }
    assert {"branch_id", "district_id", "manager_id", "product_id", "campaign_id", "customer_id"} <= set(keys)
    checked = {
        (node["attached_node"].split(".")[-1], node["column_name"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("test_metadata", {}).get("name") == "relationships"
    }
    # Customers are people: their numbers are looked up in the ledger of identities.
    lacking = [
        f"{name}.{column}"
        for name, node in marts.items()
        if node["config"]["meta"].get("published")
        for column in node["columns"]
        if column in keys and keys[column] != name and column != "customer_id" and (name, column) not in checked
    ]
    assert lacking == [], " ".join(lacking)
