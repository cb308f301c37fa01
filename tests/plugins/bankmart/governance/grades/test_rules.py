"""What `make check` says of grades: file, line, rule and remedy."""

import pytest

from bankmart import settings
from bankmart.governance import masking, project
from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.grades import place, rules, secret
from bankmart.sources import contract


def column(data_class=None, **meta):
    return {"config": {"meta": ({"class": data_class} if data_class else {}) | meta}}


def manifest(source_class="asset.balance", mart_class="asset.balance"):
    return {
        "nodes": {
            "m": {
                "unique_id": "m", "resource_type": "model", "name": "fct_balance_current", "schema": "marts",
                "alias": "fct_balance_current", "config": {"meta": {}}, "depends_on": {"nodes": ["s"]},
                "original_file_path": "models/marts/balance/fct_balance_current.sql",
                "columns": {"balance_amount": column(mart_class)},
            },
        },
        "sources": {
            "s": {
                "unique_id": "s", "name": "balance", "source_name": "core_banking", "schema": "sources",
                "identifier": "core_banking__balance", "config": {"meta": {}},
                "original_file_path": "models/sources/core_banking/__sources.yml",
                "columns": {"balance_amount": column(source_class)},
            },
        },
    }  # fmt: skip


@pytest.fixture
def no_models(monkeypatch):
    monkeypatch.setattr(rules.use, "specs", list)


def judged(said):
    compiled = {
        "marts.fct_balance_current": "select sum(balance_amount) as balance_amount from sources.core_banking__balance"
    }
    known = {"sources.core_banking__balance": ["balance_amount"]}
    return rules.judge(said, Lineage(compiled, known, list(compiled)))[1]


def test_a_column_lower_than_what_it_is_made_of_is_named(no_models):
    (found,) = judged(manifest(mart_class="behaviour.campaign"))
    file = "dbt_project/models/marts/balance/fct_balance_current.yml"
    line = int(found.split(":")[1])
    assert "name: balance_amount" in (settings.ROOT / file).read_text(encoding="utf-8").splitlines()[line - 1]
    assert found.startswith(f"{file}:{line}: marts.fct_balance_current.balance_amount is grade 2, category C1")
    assert "sources.core_banking__balance.balance_amount, so of grade 3, category C2" in found
    assert "Name a class" in found


def test_as_high_is_enough(no_models):
    assert judged(manifest()) == []


@pytest.mark.parametrize(
    ("data_class", "says"), [(None, "has no class"), ("asset.balence", "does not have"), ("secret.pin", "category C3")]
)
def test_a_source_column_without_a_class_that_there_is(data_class, says, monkeypatch):
    known = masking.data_classes() | {
        "secret.pin": {"grade": 4, "category": "C3", "mask": "hide", "retention_years": 1}
    }
    monkeypatch.setattr(masking, "data_classes", lambda: known)
    (found,) = rules.sources(manifest(source_class=data_class))
    assert says in found
    assert found.startswith("dbt_project/models/sources/core_banking/__sources.yml:")
    assert found.split(":")[1].isdigit()


@pytest.mark.parametrize(
    "name",
    ["cvn", "card_cvn2", "CVV2", "track2", "track2_data", "pin_block", "login_password", "otp", "card_expiry_date"],
)
def test_what_authenticates_a_person_is_known_by_its_columns_name(name):
    delivered = manifest()
    delivered["sources"]["s"]["columns"][name] = column("reference")
    (found,) = rules.sources(delivered)
    assert f"core_banking.balance.{name} has the name of what authenticates a person (category C3)" in found


def test_no_column_of_the_contract_nor_like_it_is_taken_for_one():
    names = {each.name for system in contract.load().values() for table in system.values() for each in table.columns}
    assert len(names) > 130
    harmless = {"spin_count", "pinned", "expires_date", "track_record", "pine", "postcode", "opinion"}
    assert {name for name in names | harmless if secret.is_secret(name)} == set()


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"grade": 6}, "a grade from 1 to 5"),
        ({"category": "C4"}, "a category"),
        ({"mask": "blur"}, "a mask"),
        ({"retention_years": None}, "retention_years"),
        ({"purpose": None}, "a purpose"),
        ({"purpose": {"zh": "识别客户", "en": " "}}, "a purpose"),
        ({"clear": ["everybody"]}, "not everybody"),
    ],
)
def test_a_class_is_whole(about, says, monkeypatch):
    good = {"grade": 3, "category": "C2", "mask": "hide", "retention_years": 5, "clear": ["dpo"]}
    good |= {"purpose": {"zh": "识别客户", "en": "telling customers apart"}}
    monkeypatch.setattr(masking, "data_classes", lambda: {"a.good": good, "a.bad": good | about})
    (found,) = rules.classes()
    assert "data class a.bad" in found
    assert says in found


def test_the_projects_own_classes_are_whole():
    assert rules.classes() == []
    assert project.variables()["data_classes"] == masking.data_classes()


def test_a_link_that_isnt_there_is_named():
    linking = manifest()
    linking["nodes"]["m"]["name"] = "int_identity_link"
    (found,) = rules.links(linking)
    assert "grade_breakers.link names the model int_identity_match, which isn't there" in found


def test_a_column_declared_twice_is_named_with_both_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    file = tmp_path / "dbt_project/models/marts/balance/fct_balance_current.yml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "models:\n  - name: fct_balance_current\n    columns:\n      - {name: amount}\n      - {name: day}\n"
        "      - name: amount\n        description: another\n",
        encoding="utf-8",
    )
    (found,) = rules.repeated(manifest())
    assert found.startswith(
        "dbt_project/models/marts/balance/fct_balance_current.yml:6: fct_balance_current declares amount already on"
        " line 4: "
    )
    assert "another name" in found


def test_a_line_is_found_and_a_file_without_one_is_named():
    path = "dbt_project/models/sources/core_banking/__sources.yml"
    line = int(place.of_column(path, "customer", "mobile").split(":")[1])
    assert "name: mobile" in (settings.ROOT / path).read_text(encoding="utf-8").splitlines()[line - 1]
    assert place.of_column("nothing.yml", "a", "b") == "nothing.yml"
