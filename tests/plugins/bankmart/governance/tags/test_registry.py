"""What a tag says of itself is read as it stands, and what is wrong names file, line and remedy."""

from datetime import date

import pytest

from bankmart import settings
from bankmart.governance.tags import registry


def node(name="tag_value", folder="value", **columns):
    path = f"models/tags/{folder}/{name}.sql"
    return {
        "name": name, "resource_type": "model", "original_file_path": path, "schema": "tags", "alias": name,
        "config": {"meta": {"owner": "marketing"}},
        "columns": {
            column: {"description": "D.", "data_type": "text", "config": {"meta": meta}}
            for column, meta in columns.items()
        },
    }  # fmt: skip


META = {
    "class": "derived.tag", "kind": "rule", "subject": "value", "values": ["low", "high"], "default": "low",
    "refresh": "daily", "status": "live", "version": 1, "review_date": "2027-06-30", "zh": "标签",
}  # fmt: skip


def read(*nodes):
    return registry.tags({"nodes": {each["name"]: each for each in nodes}})


def test_tags_are_the_classed_columns_of_tag_models(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    file = tmp_path / "dbt_project/models/tags/value/tag_value.yml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "models:\n  - name: tag_value\n    columns:\n      - name: aum_tier\n      - {name: aum_tier_v2, x: 1}\n"
    )
    frozen = META | {"status": "frozen", "end_date": "2027-01-31"}
    found = read(
        node(customer_id={"class": "identity.customer_id"}, aum_tier=frozen, aum_tier_v2=META | {"version": 2}),
        node("tag_change", "history", value=META),
        node("ind_balance", "indicators", aum_amount=META),
    )
    assert [(tag.key, tag.version, tag.column, tag.line) for tag in found] == [
        ("aum_tier", 1, "aum_tier", 4), ("aum_tier", 2, "aum_tier_v2", 5),
    ]  # fmt: skip
    assert found[0].end_date == date(2027, 1, 31)
    assert found[0].where == "dbt_project/models/tags/value/tag_value.yml:4"
    assert found[0].owner == "marketing"


def test_the_newest_version_may_keep_the_bare_name():
    (tag,) = read(node(aum_tier=META | {"version": 3}))
    assert (tag.key, tag.version) == ("aum_tier", 3)
    assert registry.validate(tag) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "guess"}, "use one of rule, statistical, model"),
        ({"status": "old"}, "use one of draft, live, frozen, retired"),
        ({"refresh": "monthly"}, "nothing makes one less often; write refresh: daily"),
        ({"version": 0}, "version counts from 1"),
        ({"column": "aum_tier_v2"}, "or aum_tier_v1 while two versions are readable"),
        (
            {"status": "retired"},
            "retired is what the ledger says of a tag that is gone: set status: frozen with an end_",
        ),
        ({"status": "frozen"}, "say until when it can be read: end_date"),
        ({"default": "middle"}, "default 'middle' is not among its values"),
    ],
)
def test_what_is_wrong_is_said(make_tag, changes, says):
    assert registry.validate(make_tag()) == []
    (finding,) = registry.validate(make_tag(**changes))
    assert finding.startswith("dbt_project/models/tags/value/tag_value.yml:15: tag ")
    assert says in finding


def test_two_tags_of_one_key_and_version(make_tag):
    first, draft = make_tag(status="draft"), make_tag(status="draft", model="tag_other", file="other.yml", line=7)
    assert registry.twice([first, make_tag(version=2), make_tag("other")]) == []
    (finding,) = registry.twice([first, draft])
    assert finding.startswith("other.yml:7: tag aum_tier: key aum_tier version 1 is declared already at dbt_project/")
    assert "tag_value.yml:15 (aum_tier); give this one another key, or version 2 as column aum_tier_v2" in finding


def test_values_as_the_database_writes_them(make_tag):
    assert make_tag(data_type="integer", values=(1, 4)).known_values == ("1", "2", "3", "4")
    assert make_tag(data_type="boolean", values=(True, False)).known_values == ("true", "false")
