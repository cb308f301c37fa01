"""What the contract must say of a column whose clear values go to the vault."""

from __future__ import annotations

from bankmart.governance.masking import data_classes
from bankmart.sources import contract
from bankmart.sources.contract import Table
from bankmart.vault import loading
from bankmart.vault.tokenise import MASKS

PAGE = "see docs/how-to/keep-the-keys.md"


def findings() -> list[str]:
    """What breaks the vault's rules, in sentences; empty where all is well."""
    found = [
        f"dbt_project/dbt_project.yml: class {name} goes to the vault, so its mask is {' or '.join(sorted(MASKS))}, "
        f"which its tokens wear; and clear: names who may ask the vault: {PAGE}"
        for name, about in data_classes().items()
        if about.get("vault") and (about["mask"] not in MASKS or not about.get("clear"))
    ]
    tables = [table for tables in contract.load().values() for table in tables.values()]
    return found + [line for table in tables for line in _of_table(table)]


def _of_table(table: Table) -> list[str]:
    problem = loading.problem(table)
    return [f"dbt_project/models/sources/{table.system}/__sources.yml: {problem}: {PAGE}"] if problem else []
