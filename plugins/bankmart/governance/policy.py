"""The rules of layers, names, descriptions and sources, checked from dbt's manifest.

Each says in plain sentences what is wrong where and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from bankmart import settings
from bankmart.governance.masking import data_classes
from bankmart.sources import contract

LAYERS = ("sources", "staging", "intermediate", "marts", "tags", "features", "scores", "profile")
# What lies behind marts sees the bank as marts have it.
BEFORE_MARTS = ("sources", "staging", "intermediate")
PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts": ("dim_", "fct_", "bridge_"),
    "tags": ("ind_", "level_", "move_", "tag_"),
    "features": ("ftr_", "lbl_"),
    "profile": ("customer_", "tag_"),
}
# The class of what a model says.
SCORE = "derived.score"
# Why the bank may handle the data at all: PIPL article 13, as far as banks use it; `public` is no personal data.
LEGAL_BASES = ("consent", "contract", "legal_obligation", "public")

# A time of day, as in config.meta.promised_time.
# Where YAML names something: a model, a column, a family.
NAME = re.compile(r"\bname: *[\"']?([^\"',}]*?)[\"']? *(?:[,}]|$)")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")

Node = dict[str, Any]


def findings(manifest: Node) -> list[str]:
    """What breaks a rule of layers, names, descriptions or the source contract; empty where all is well."""
    of_model: list[Callable[[Node], list[str]]] = [
        validate_layer,
        validate_name,
        validate_pair,
        validate_description,
        validate_published,
    ]
    found = [line for rule in of_model for node in models(manifest) for line in rule(node)]
    found += [line for node in manifest["sources"].values() for line in validate_source(node)]
    return found + validate_layer_law(manifest) + validate_exposed(manifest) + validate_contract()


def models(manifest: Node) -> list[Node]:
    """The models, by name."""
    nodes = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return sorted(nodes, key=lambda node: str(node["name"]))


def layer(node: Node) -> str:
    """A node's layer: its first folder under models/."""
    return PurePosixPath(node["original_file_path"]).parts[1]


def is_tag_model(node: Node) -> bool:
    """Whether a model's columns are tags: named tag_…, and not the history of the others."""
    return str(node["name"]).startswith("tag_") and PurePosixPath(node["original_file_path"]).parts[2] != "history"


def file_of(node: Node) -> str:
    """The file that a node is in."""
    return f"dbt_project/{node['original_file_path']}"


def yaml_of(node: Node) -> str:
    """The YAML file of a model or a source."""
    return str(PurePosixPath(file_of(node)).with_suffix(".yml"))


def place(node: Node, name: str) -> str:
    """`file:line` of where a model's or a source's YAML declares it or a column of it."""
    return f"{yaml_of(node)}:{line_of(settings.ROOT / yaml_of(node), name)}"


def line_of(path: Path, name: str, time: int = 1) -> int:
    """The line on which a file declares a family, for the first or a later time; 1 where it can't be found."""
    found = _named(path).get(name, [])
    return found[time - 1] if len(found) >= time else 1


@cache
def _named(path: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for at, text in enumerate(lines, 1):
        for name in dict.fromkeys(NAME.findall(text)):
            found.setdefault(name, []).append(at)
    return found


@cache
def known_classes() -> frozenset[str]:
    """The names of `vars.data_classes` of dbt_project.yml."""
    return frozenset(data_classes())


def validate_layer(node: Node) -> list[str]:
    """A model lies in `models/<layer>/<subject>/`."""
    if layer(node) in PREFIXES and len(PurePosixPath(node["original_file_path"]).parts) == 4:
        return []
    return [f"{file_of(node)}: move it to models/<layer>/<subject>/, the layers being {', '.join(PREFIXES)}"]


def validate_layer_law(manifest: Node) -> list[str]:
    """A layer reads itself and layers to its left; behind marts nothing reads what marts are made of."""
    found = []
    nodes = manifest["nodes"] | manifest["sources"]
    for node in models(manifest):
        own = layer(node)
        for read in (nodes[name] for name in node["depends_on"]["nodes"] if name in nodes):
            other = layer(read)
            if own not in LAYERS or other not in LAYERS:
                continue
            if LAYERS.index(other) > LAYERS.index(own):
                found.append(
                    f"{file_of(node)}: {own} reads {read['name']} of {other}, which comes after it; "
                    f"move the model to {other} or a later layer"
                )
            elif LAYERS.index(own) > LAYERS.index("marts") and other in BEFORE_MARTS:
                found.append(
                    f"{file_of(node)}: {own} reads {read['name']} of {other}, which nothing behind marts may; "
                    "read it from a mart"
                )
    return found


def validate_name(node: Node) -> list[str]:
    """A model's prefix is its layer's; a staging model says system and entity."""
    prefixes = PREFIXES.get(layer(node), ())
    name = node["name"]
    if prefixes and not name.startswith(prefixes):
        return [f"{file_of(node)}: a model of {layer(node)} is named {' or '.join(prefixes)}…; rename it"]
    if layer(node) == "staging" and not re.fullmatch(rf"stg_{PurePosixPath(node['path']).parts[1]}__[a-z0-9_]+", name):
        return [f"{file_of(node)}: rename it to stg_<system>__<entity>, in the folder of its system"]
    return []


def validate_pair(node: Node) -> list[str]:
    """A model is a pair: `<model>.sql` and `<model>.yml` beside it."""
    wanted = str(PurePosixPath(node["original_file_path"]).with_suffix(".yml"))
    if (node.get("patch_path") or "").split("://")[-1] == wanted:
        return []
    return [f"{file_of(node)}: its description is not in {wanted}; put it there"]


def validate_description(node: Node) -> list[str]:
    """Every model has a description, an owner and a Chinese name."""
    meta = node["config"]["meta"]
    lacks = [] if node["description"] else ["description"]
    lacks += [f"config.meta.{key}" for key in ("owner", "zh") if not meta.get(key)]
    return [f"{place(node, node['name'])}: give it {' and '.join(lacks)}"] if lacks else []


def validate_published(node: Node) -> list[str]:
    """What readers see keeps an enforced contract, has a primary key, and every column is described and classed."""
    published = node["config"]["meta"].get("published")
    if published is None:
        return []
    found = []
    if published not in ("all", "current"):
        found.append(f"{file_of(node)}: config.meta.published is {published}; use all or current")
    if not node["config"]["contract"]["enforced"]:
        found.append(f"{file_of(node)}: readers see it, so add `contract: {{enforced: true}}`")
    if not any(constraint["type"] == "primary_key" for constraint in node["constraints"]):
        found.append(f"{file_of(node)}: readers see it, so add a constraint of type primary_key")
    if not node["columns"]:
        found.append(f"{file_of(node)}: readers see it, so list its columns")
    if not TIME.fullmatch(str(node["config"]["meta"].get("promised_time"))):
        found.append(
            f"{place(node, node['name'])}: readers see it, so say by when each day: config.meta.promised_time, "
            'a time in quotes such as "08:00"'
        )
    return found + _columns(node)


def validate_exposed(manifest: Node) -> list[str]:
    """What readers see is read by somebody: an exposure names it."""
    exposed = {name for exposure in manifest["exposures"].values() for name in exposure["depends_on"]["nodes"]}
    return [
        f"{place(node, node['name'])}: readers see {node['name']}, but no exposure says what for; add it to one in "
        f"dbt_project/models/{layer(node)}/exposures.yml, or take config.meta.published away"
        for node in models(manifest)
        if node["config"]["meta"].get("published") and node["unique_id"] not in exposed
    ]


def validate_source(node: Node) -> list[str]:
    """Source tables and columns are described and classed; an extract says how it comes and on what legal grounds."""
    where, meta = f"{file_of(node)}: {node['name']}", node["config"]["meta"]
    found = _columns(node)
    lacks = [] if node["description"] else ["description"]
    needed = ["zh"]
    if layer(node) == "sources":
        needed += ["extract", "required", "quarantine_limit"]
        if meta.get("legal_basis") not in LEGAL_BASES:
            found.append(f"{where}: config.meta.legal_basis must be one of {', '.join(LEGAL_BASES)}")
    lacks += [f"config.meta.{key}" for key in needed if key not in meta]
    return found + ([f"{where}: give it {' and '.join(lacks)}"] if lacks else [])


def validate_contract() -> list[str]:
    """The loader can read the contract."""
    try:
        contract.load()
    except contract.ContractError as error:
        return [str(error)]
    return []


def _columns(node: Node) -> list[str]:
    found = []
    for name, column in node["columns"].items():
        meta = column["config"]["meta"]
        lacks = [key for key in ("description", "data_type") if not column.get(key)]
        lacks += [f"config.meta.{key}" for key in ("class", "zh") if not meta.get(key)]
        where = f"{place(node, name)}: {node['name']}.{name}"
        if lacks:
            found.append(f"{where}: give it {' and '.join(lacks)}")
        if meta.get("class") and meta["class"] not in known_classes():
            found.append(f"{where}: class {meta['class']} is not in vars.data_classes of dbt_project.yml")
    return found
