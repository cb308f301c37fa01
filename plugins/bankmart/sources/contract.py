"""The source contract, read from dbt's `__sources.yml` files: its one definition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from bankmart import settings
from bankmart.errors import BankmartError
from bankmart.governance import project

TYPES = ("text", "integer", "bigint", "double precision", "boolean", "date", "timestamptz")
EXTRACTS = ("full", "delta", "event")
NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
NAME = re.compile(r"[a-z][a-z0-9_]*")


class ContractError(BankmartError):
    """The contract itself is wrong: says file, table, column and what to do."""


@dataclass(frozen=True)
class Column:
    """One field of an extract."""

    name: str
    data_type: str
    data_class: str
    is_key: bool = False
    is_nullable: bool = False
    is_total: bool = False
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    references: str | None = None
    description: str = ""
    zh: str = ""


@dataclass(frozen=True)
class Table:
    """One extract of one source system."""

    system: str
    name: str
    extract: str
    is_required: bool
    quarantine_limit: float
    columns: tuple[Column, ...]
    description: str = ""
    zh: str = ""
    # An event that counts until the next one of the same columns: the last of them is never too old.
    stands_by: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        """The raw table's name in schema `sources`."""
        return f"{self.system}__{self.name}"

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row within one business date."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def totals(self) -> tuple[str, ...]:
        """The columns whose sum the manifest states."""
        return tuple(column.name for column in self.columns if column.is_total)

    @property
    def event_column(self) -> str | None:
        """What dates an event: its first date that is always there, else its first moment."""
        if self.extract == "event":
            for data_type in ("date", "timestamptz"):
                for column in self.columns:
                    if column.data_type == data_type and not column.is_nullable:
                        return column.name
        return None


def load(models: Path | None = None) -> dict[str, dict[str, Table]]:
    """The whole contract: system → table → Table, in the order in which tables must load.

    Raises ContractError for an unknown type, a missing or unknown class or a reference to nowhere.
    """
    return _load((models or settings.dbt_dir() / "models" / "sources").resolve())


@cache
def _load(models: Path) -> dict[str, dict[str, Table]]:
    systems: dict[str, dict[str, Table]] = {}
    for path in sorted(models.glob("*/__sources.yml")):
        for source in project.said(path)["sources"]:
            made = (_table(path, source["name"], spec) for spec in source["tables"])
            systems[source["name"]] = {table.name: table for table in made}
    for tables in systems.values():
        for table in tables.values():
            _check_references(table, systems)
    first = {"core_banking": systems.pop("core_banking")} if "core_banking" in systems else {}
    return first | systems


def _table(path: Path, system: str, spec: dict[str, Any]) -> Table:
    where = f"{path}: {system}.{spec['name']}"
    meta = spec.get("config", {}).get("meta", {})
    if meta.get("extract") not in EXTRACTS:
        raise ContractError(f"{where}: meta.extract must be one of {', '.join(EXTRACTS)}")
    table = Table(
        system=system,
        name=spec["name"],
        extract=meta["extract"],
        is_required=bool(meta.get("required", False)),
        quarantine_limit=float(meta.get("quarantine_limit", 0)),
        columns=tuple(_column(where, column) for column in spec["columns"]),
        description=spec.get("description", ""),
        zh=meta.get("zh", ""),
        stands_by=tuple(meta.get("stands_by", ())),
    )
    if unknown := set(table.stands_by) - {column.name for column in table.columns}:
        raise ContractError(f"{where}: meta.stands_by names {', '.join(sorted(unknown))}, which it doesn't have")
    for name in (system, table.name, *(column.name for column in table.columns)):
        if not NAME.fullmatch(name):
            raise ContractError(f"{where}: the name {name!r} must be lower-case letters, digits and _")
    if not table.key:
        raise ContractError(f"{where}: no column has meta.key: true; say what identifies a row")
    return table


def _column(where: str, spec: dict[str, Any]) -> Column:
    where = f"{where}.{spec['name']}"
    meta = spec.get("config", {}).get("meta", {})
    if spec.get("data_type") not in TYPES and not NUMERIC.fullmatch(str(spec.get("data_type"))):
        allowed = ", ".join((*TYPES, "numeric(p,s)"))
        raise ContractError(f"{where}: data_type {spec.get('data_type')!r} is unknown; use one of {allowed}")
    if not meta.get("class"):
        raise ContractError(f"{where}: no meta.class; name one of vars.data_classes in dbt_project.yml")
    known = project.variables()["data_classes"]
    if str(meta["class"]) not in known:
        near = get_close_matches(str(meta["class"]), known, 1)
        raise ContractError(
            f"{where}: meta.class {meta['class']!r} is none of vars.data_classes in dbt_project.yml, so nobody knows "
            f"whether its values may be kept in clear: nothing is loaded. "
            f"{f'Did you mean {near[0]}? ' if near else ''}Name a class that is there, or add this one."
        )
    return Column(
        name=spec["name"],
        data_type=spec["data_type"],
        data_class=meta["class"],
        is_key=bool(meta.get("key")),
        is_nullable=bool(meta.get("nullable")),
        is_total=bool(meta.get("total")),
        values=tuple(str(value) for value in meta.get("values", ())),
        minimum=meta.get("min"),
        maximum=meta.get("max"),
        references=meta.get("references"),
        description=spec.get("description", ""),
        zh=meta.get("zh", ""),
    )


def _check_references(table: Table, systems: dict[str, dict[str, Table]]) -> None:
    for column in table.columns:
        if column.references:
            system, _, name = column.references.partition(".")
            if name not in systems.get(system, {}):
                raise ContractError(
                    f"{table.system}.{table.name}.{column.name}: references {column.references}, "
                    "which the contract does not have"
                )
            target = systems[system][name]
            types = {each.data_type for each in target.columns if each.is_key}
            if len(target.key) != 1 or types != {column.data_type}:
                raise ContractError(
                    f"{table.system}.{table.name}.{column.name}: {column.references} must have one "
                    f"key column, and it must be {column.data_type} as this one is"
                )
