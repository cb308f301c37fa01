"""Each rule is kept by a good node, and says so of the node that breaks it."""

import pytest

from bankmart.governance import policy


def column(**meta):
    about = {"class": "reference", "zh": "列"} | meta
    return {"description": "A column.", "data_type": "text", "config": {"meta": about}}


def model(name="dim_branch", layer="marts", subject="party", reads=(), **changes):
    path = f"{layer}/{subject}/{name}.sql"
    return {
        "name": name,
        "unique_id": name,
        "resource_type": "model",
        "path": path,
        "original_file_path": f"models/{path}",
        "patch_path": f"bankmart://models/{layer}/{subject}/{name}.yml",
        "description": "One row per branch.",
        "depends_on": {"nodes": list(reads)},
        "config": {
            "meta": {"owner": "data-platform", "zh": "网点", "published": "current", "promised_time": "08:00"},
            "contract": {"enforced": True},
        },
        "constraints": [{"type": "primary_key"}],
        "columns": {"branch_id": column()},
    } | changes


def source(layer="sources", **changes):
    meta = {"zh": "网点", "extract": "full", "required": False, "quarantine_limit": 0.01, "legal_basis": "contract"}
    return {
        "name": "branch",
        "resource_type": "source",
        "original_file_path": f"models/{layer}/core_banking/__sources.yml",
        "description": "One row per branch.",
        "config": {"meta": meta},
        "columns": {"branch_id": column()},
    } | changes


def manifest(*nodes):
    sources = {node["name"]: node for node in nodes if node["resource_type"] == "source"}
    found = {node["name"]: node for node in nodes if node["name"] not in sources}
    exposures = {"e": {"depends_on": {"nodes": list(found)}}}
    return {"nodes": found, "sources": sources, "exposures": exposures}


def test_a_good_project_has_no_findings():
    nodes = [
        source(),
        model("stg_core_banking__branch", "staging", "core_banking", ["branch"]),
        model("int_branch", "intermediate", "party", ["stg_core_banking__branch"]),
        model("dim_branch", "marts", "party", ["int_branch", "stg_core_banking__branch"]),
        model("ind_branch", "tags", "indicators", ["dim_branch"]),
        model("tag_branch", "tags", "value", ["ind_branch"]),
        model("customer_360", "profile", "customer", ["tag_branch", "dim_branch"]),
    ]
    assert policy.findings(manifest(*nodes)) == []


@pytest.mark.parametrize(
    ("reader", "read", "says"),
    [
        (
            model("dim_branch"),
            model("tag_value", "tags", "value"),
            "marts reads tag_value of tags, which comes after it",
        ),
        (model("int_a", "intermediate"), model("dim_b"), "intermediate reads dim_b of marts, which comes after it"),
        (model("tag_a", "tags", "value"), model("int_b", "intermediate"), "which nothing behind marts may"),
        (model("customer_360", "profile"), model("stg_b__c", "staging", "b"), "which nothing behind marts may"),
        (model("ftr_a", "features"), source(), "features reads branch of sources, which nothing behind marts may"),
    ],
)
def test_the_layer_law(reader, read, says):
    reader["depends_on"]["nodes"] = [read["name"]]
    (finding,) = policy.validate_layer_law(manifest(reader, read))
    assert says in finding
    assert finding.startswith(f"dbt_project/{reader['original_file_path']}: ")


def test_a_layer_may_read_itself():
    assert policy.validate_layer_law(manifest(model("dim_a", reads=["dim_b"]), model("dim_b"))) == []


@pytest.mark.parametrize(
    "path", ["models/mart/party/dim_a.sql", "models/marts/dim_a.sql", "models/marts/a/b/dim_a.sql"]
)
def test_a_model_outside_the_rooms(path):
    assert "move it to models/<layer>/<subject>/" in policy.validate_layer(model(original_file_path=path))[0]


@pytest.mark.parametrize(
    ("name", "layer", "subject"),
    [
        ("branch", "marts", "party"),
        ("tag_branch", "marts", "party"),
        ("dim_branch", "tags", "value"),
        ("dim_branch", "intermediate", "party"),
        ("stg_branch", "staging", "core_banking"),
        ("stg_card__branch", "staging", "core_banking"),
    ],
)
def test_a_wrong_name(name, layer, subject):
    (finding,) = policy.validate_name(model(name, layer, subject))
    assert "rename it" in finding


@pytest.mark.parametrize("patch_path", [None, "bankmart://models/marts/party/all.yml"])
def test_a_model_without_its_pair(patch_path):
    (finding,) = policy.validate_pair(model(patch_path=patch_path))
    assert "models/marts/party/dim_branch.yml; put it there" in finding


def test_a_model_nobody_describes_or_owns():
    bare = model(description="")
    bare["config"]["meta"] = {"published": "current"}
    (finding,) = policy.validate_description(bare)
    assert "give it description and config.meta.owner and config.meta.zh" in finding


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda node: node["config"]["contract"].update(enforced=False), "contract: {enforced: true}"),
        (lambda node: node["constraints"].clear(), "primary_key"),
        (lambda node: node["columns"].clear(), "list its columns"),
        (lambda node: node["config"]["meta"].update(published="sometimes"), "use all or current"),
        (lambda node: node["columns"]["branch_id"].update(description=""), "give it description"),
        (lambda node: node["columns"]["branch_id"].update(data_type=None), "give it data_type"),
        (lambda node: node["columns"].update(branch_id=column(zh="")), "give it config.meta.zh"),
        (lambda node: node["columns"].update(branch_id=column(**{"class": None})), "give it config.meta.class"),
        (lambda node: node["columns"].update(branch_id=column(**{"class": "secret"})), "class secret is not in"),
    ],
)
def test_what_readers_see_is_held_to_more(change, says):
    node = model()
    change(node)
    (finding,) = policy.validate_published(node)
    assert says in finding
    node["config"]["meta"]["published"] = None
    assert policy.validate_published(node) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda node: node["config"]["meta"].pop("legal_basis"), "legal_basis must be one of"),
        (lambda node: node["config"]["meta"].update(legal_basis="habit"), "legal_basis must be one of"),
        (lambda node: node["config"]["meta"].pop("extract"), "give it config.meta.extract"),
        (lambda node: node["config"]["meta"].pop("quarantine_limit"), "give it config.meta.quarantine_limit"),
        (lambda node: node.update(description=""), "give it description"),
        (lambda node: node["columns"].update(branch_id=column(**{"class": "secret"})), "class secret is not in"),
        (lambda node: node["columns"].update(branch_id=column(**{"class": ""})), "give it config.meta.class"),
    ],
)
def test_the_source_contract_is_complete(change, says):
    node = source()
    assert policy.validate_source(node) == []
    change(node)
    (finding,) = policy.validate_source(node)
    assert says in finding


def test_what_models_say_is_no_extract():
    node = source("scores")
    node["config"]["meta"] = {"zh": "评分"}
    assert policy.validate_source(node) == []


def test_a_contract_that_the_loader_cannot_read(monkeypatch):
    def broken():
        raise policy.contract.ContractError("core_banking: no key")

    monkeypatch.setattr(policy.contract, "load", broken)
    assert policy.validate_contract() == ["core_banking: no key"]


@pytest.mark.parametrize("said", [None, "", "8:00", "24:00", "08:60", 480, "at night"])
def test_what_readers_see_has_a_promised_time(said):
    meta = {"owner": "data-platform", "zh": "网点", "published": "current", "promised_time": said}
    (finding,) = policy.validate_published(model(config={"meta": meta, "contract": {"enforced": True}}))
    assert finding.startswith("dbt_project/models/marts/")
    assert ".yml:" in finding
    assert "say by when each day: config.meta.promised_time" in finding


def test_what_readers_see_has_an_exposure():
    known = manifest(model(), model("dim_manager"), model("dim_hidden", config={"meta": {}}))
    known["exposures"] = {"e": {"depends_on": {"nodes": ["dim_manager"]}}}
    (finding,) = policy.validate_exposed(known)
    assert "readers see dim_branch, but no exposure says what for" in finding
    assert "add it to one in dbt_project/models/marts/exposures.yml" in finding
    assert len(policy.findings(known)) == 1 + len(policy.findings(manifest(*known["nodes"].values())))
