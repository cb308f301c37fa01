"""The contract is read from dbt's source files, and a wrong one says where and what to do."""

from __future__ import annotations

import pytest

from bankmart.sources import contract
from bankmart.sources.contract import ContractError

GOOD = """
version: 2
sources:
  - name: crm
    tables:
      - name: manager
        description: "One row per manager."
        config: {meta: {extract: full, quarantine_limit: 0.01, zh: 经理}}
        columns:
          - {name: manager_id, data_type: text, description: "Number.", config: {meta: {class: reference, key: true}}}
          - {name: name, data_type: text, config: {meta: {class: staff.name}}}
      - name: visit
        config: {meta: {extract: event}}
        columns:
          - {name: visit_id, data_type: text, config: {meta: {class: reference, key: true}}}
          - {name: manager_id, data_type: text, config: {meta: {class: reference, references: crm.manager}}}
          - {name: noted_date, data_type: date, config: {meta: {class: reference, nullable: true}}}
          - {name: visited_at, data_type: timestamptz, config: {meta: {class: reference}}}
"""


def read(tmp_path, text):
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "__sources.yml").write_text(text)
    return contract.load(tmp_path)


def test_a_contract(tmp_path):
    tables = read(tmp_path, GOOD)["crm"]
    assert tables["manager"].identifier == "crm__manager"
    assert (tables["manager"].key, tables["manager"].zh) == (("manager_id",), "经理")
    assert tables["manager"].columns[0].description == "Number."
    assert (tables["manager"].event_column, tables["visit"].event_column) == (None, "visited_at")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("extract: full", "extract: sometimes", "meta.extract must be one of"),
        ("data_type: text", "data_type: varchar", "data_type 'varchar' is unknown"),
        ("class: staff.name", "zh: x", "no meta.class"),
        ("class: staff.name", "class: staff.nam", "manager.name: meta.class 'staff.nam' is none of vars."),
        ("class: staff.name", "class: staff.nam", "nothing is loaded. Did you mean staff.name?"),
        ("class: staff.name", "class: [staff.name]", "is none of vars.data_classes"),
        ("key: true", "zh: x", "no column has meta.key"),
        ("crm.manager}", "crm.boss}", "which the contract does not have"),
        ("class: staff.name", "class: staff.name, key: true", "must have one key column"),
        ("name: visit_id", 'name: "visit_id; drop table x"', "must be lower-case letters"),
    ],
)
def test_a_wrong_contract_says_where(tmp_path, old, new, words):
    with pytest.raises(ContractError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert words in str(caught.value)
    assert "crm." in str(caught.value)


def test_every_event_of_the_banks_contract_has_a_date():
    tables = [table for system in contract.load().values() for table in system.values()]
    assert [table.identifier for table in tables if table.extract == "event" and not table.event_column] == []
    assert next(iter(contract.load())) == "core_banking"
