"""Compiled SQL of the project as it is, with neutral variables: the same text whatever was built and delivered."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from bankmart import dbt, settings
from bankmart.governance.policy import Node, models
from bankmart.sources import contract

# A Monday in the past: what is compiled is read, never run.
NEUTRAL_DATE = "2000-01-03"


def models_of(*selection: str, offline: bool = False) -> dict[str, str]:
    """Relation ("tags.tag_value") → compiled SQL of the selected models, of all without a selection.

    `offline`: without a database, which models with dbt's own hash macro can't do. Raises DbtError with dbt's words.
    """
    arguments = ["compile", "--log-level", "none", "--no-populate-cache", "--indirect-selection", "empty"]
    arguments += ["--no-introspect"] if offline else []
    arguments += ["--select", *(selection or ("resource_type:model",))]
    result = dbt.invoke(arguments, variables(), settings.state_dir() / "dbt" / "neutral")
    if not result.success:
        raise dbt.DbtError(f"dbt could not compile the models: {result.exception}")
    nodes = [item.node for item in result.result.results if str(item.node.resource_type) == "model"]
    return {f"{node.schema}.{node.alias}": node.compiled_code for node in nodes}


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
