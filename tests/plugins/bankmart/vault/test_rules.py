"""What `make check` says of classes and tables that the vault could not keep."""

import dataclasses

from bankmart.governance import masking
from bankmart.sources import contract
from bankmart.vault import rules


def test_the_project_keeps_them():
    assert rules.findings() == []


def test_a_class_whose_tokens_could_wear_no_mask(monkeypatch):
    classes = masking.data_classes()
    about = classes["identity.birth_date"] | {"vault": True}
    monkeypatch.setattr(rules, "data_classes", lambda: classes | {"identity.birth_date": about})
    (found,) = rules.findings()
    assert "identity.birth_date goes to the vault, so its mask is ends or hide or surname" in found


def test_a_table_whose_identifiers_are_nobodys_or_bind(monkeypatch):
    real = contract.load()["card"]["card"]
    cases = {
        "needs one column of class": [each for each in real.columns if each.data_class != "identity.customer_id"],
        "no key": [dataclasses.replace(each, is_key=each.name == "card_number") for each in real.columns],
    }
    for says, columns in cases.items():
        table = dataclasses.replace(real, columns=tuple(columns))
        monkeypatch.setattr(contract, "load", lambda table=table: {"card": {"card": table}})
        (found,) = rules.findings()
        assert says in found
        assert "dbt_project/models/sources/card/__sources.yml" in found
