"""Compiled SQL of the project as it is, with neutral variables: the same text whatever was built and delivered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bankmart import dbt, settings
from bankmart.governance.policy import Node, models
from bankmart.sources import contract

# A Monday in the past: what is compiled is read, never run.
NEUTRAL_DATE = "2000-01-03"


def models_of(*selection: str) -> dict[str, str]:
    """Relation ("tags.tag_value") → compiled SQL of the selected models, of all without a selection.

    Needs no database: as nothing was ever built, every state is computed whole. Raises DbtError with dbt's words.
    """
    arguments = ["compile", "--log-level", "none", "--no-populate-cache", "--indirect-selection", "empty"]
    arguments += ["--select", *(selection or ("resource_type:model",))]
    with _without_database():
        result = dbt.invoke(arguments, variables(), settings.state_dir() / "dbt" / "neutral")
    if not result.success:
        raise dbt.DbtError(f"dbt could not compile the models: {result.exception}")
    nodes = [item.node for item in result.result.results if str(item.node.resource_type) == "model"]
    return {f"{node.schema}.{node.alias}": node.compiled_code for node in nodes}


def all_models(manifest: Node) -> dict[str, str]:
    """The compiled SQL of all models, kept in the state folder for as long as nothing that it is made of changes."""
    kept, mark = settings.state_dir() / "dbt" / "neutral" / "compiled.json", fingerprint(manifest)
    if kept.exists():
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["mark"] == mark:
            return dict(found["models"])
    made = models_of()
    settings.write_private(kept, json.dumps({"mark": mark, "models": made}))
    return made


@contextmanager
def _without_database() -> Iterator[None]:
    """What models ask the database while they are compiled is answered from the project: its YAML lists the columns."""
    # Not at the top: dbt takes seconds to import.
    from dbt.adapters.postgres import PostgresAdapter, PostgresColumn

    known = known_columns(dbt.manifest())

    def relations(*_: Any) -> list[Any]:
        return []

    def columns(_: Any, asked: Any) -> list[Any]:
        return [PostgresColumn(name, "text") for name in known.get(f"{asked.schema}.{asked.identifier}", ())]

    with ExitStack() as stack:
        for name, answer in (("list_relations_without_caching", relations), ("get_columns_in_relation", columns)):
            stack.callback(setattr, PostgresAdapter, name, getattr(PostgresAdapter, name))
            setattr(PostgresAdapter, name, answer)
        yield


def variables() -> dict[str, Any]:
    """Every system has delivered, no build is there."""
    tables = [f"{system}.{table}" for system, tables in contract.load().items() for table in tables]
    return {"business_date": NEUTRAL_DATE, "delivered": sorted(tables)}


def known_columns(manifest: Node) -> dict[str, list[str]]:
    """Relation → the columns that its YAML lists: what the source contract and the models' contracts promise."""
    described = [*manifest["sources"].values(), *models(manifest)]
    return {relation(node): list(node["columns"]) for node in described if node["columns"]}


def relation(node: Node) -> str:
    """A node's relation, as it stands in compiled SQL without the database's name."""
    return f"{node['schema']}.{node.get('alias') or node.get('identifier') or node['name']}"


def fingerprint(manifest: Node) -> str:
    """A hash of all that compiled SQL and the catalogue are made of: models, macros, YAML, exposures."""
    said = [
        *((node["unique_id"], node["checksum"]["checksum"], node["config"], node["columns"], node["description"])
          for node in models(manifest)),
        *((node["unique_id"], node["columns"], node["config"]) for node in manifest["sources"].values()),
        *((name, macro["macro_sql"]) for name, macro in manifest["macros"].items() if ".bankmart." in name),
        *((name, exposure["depends_on"]) for name, exposure in manifest["exposures"].items()),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(sorted(said, key=str), sort_keys=True, default=str).encode()).hexdigest()
