"""Who uses a column: the models made of it, the exposures behind them, the machine-learning specs that name it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bankmart.governance.catalogue.compiled import relation
from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.catalogue.query import Leaf
from bankmart.governance.policy import Node, models

# Columns of every feature table that say whose row it is and which build wrote it.
NO_CONTENT = ("customer_id", "as_of_date", "business_date", "build_id")
# models, exposures, ml → names.
Use = dict[str, list[str]]


class Users:
    """Everything that may use a column, read from the manifest and the specs once."""

    def __init__(self, manifest: Node, lineage: Lineage) -> None:
        self.lineage = lineage
        # What only keeps a tag's history doesn't use it.
        using = (node for node in models(manifest) if PurePosixPath(node["original_file_path"]).parts[2] != "history")
        self.names = {relation(node): str(node["name"]) for node in using}
        by_id = {node["unique_id"]: relation(node) for node in models(manifest)}
        self.exposures = {
            str(exposure["name"]): {by_id[name] for name in exposure["depends_on"]["nodes"] if name in by_id}
            for exposure in manifest["exposures"].values()
        }
        known = specs()
        self.features = [(spec.name, columns_of(spec, lineage.schema)) for spec in known]
        self.sources = {str(spec.name): tuple(spec.sources) for spec in known}

    def of(self, column: Leaf) -> Use:
        """Names of the models, exposures and specs that use a column, directly or through other columns."""
        reached, waiting = {column}, [column]
        while waiting:
            found = self.lineage.users.get(waiting.pop(), set()) - reached
            reached |= found
            waiting += found
        relations = {leaf.relation for leaf in reached}
        return {
            "models": sorted({self.names[name] for name in relations - {column.relation} if name in self.names}),
            "exposures": sorted(name for name, read in self.exposures.items() if read & relations),
            "ml": sorted(name for name, columns in self.features if columns & reached),
        }


def specs() -> list[Any]:
    """The specs of all models of `ml/models`."""
    from ml.spec import load_spec, model_names

    return [load_spec(name) for name in model_names()]


def tables_of(spec: Any) -> list[str]:
    """The relations that a spec's technique writes scores to ("scores.customer_score").

    Takes seconds at first: techniques import what they learn with.
    """
    from ml.techniques import technique

    how = technique(spec.technique)
    return [f"scores.{kind.table}" for kind in (how.scores, *how.more_scores)]


def fingerprint() -> str:
    """A hash of what `columns_of` and `tables_of` read, without importing a technique."""
    import ml

    made = hashlib.sha256()
    for spec in specs():
        made.update(f"{spec.name} {spec.hash()}".encode())
    home = Path(str(ml.__file__)).parent
    for path in sorted([home / "data" / "scores.py", *(home / "techniques").rglob("*.py")]):
        made.update(path.read_bytes())
    return made.hexdigest()


def columns_of(spec: Any, schema: Mapping[str, Collection[str]]) -> set[Leaf]:
    """The columns that a spec reads: features, baseline, population and label. `schema`: relation to its columns.

    A column that the features' table hasn't is of one of `more_tables`; one of those from which nothing is named is
    read whole, but for whose row it is and which build wrote it.
    """
    from ml.data.columns import column_of

    features, labels = ".".join(spec.features_table), ".".join(spec.label_table)
    more = [".".join(table) for table in spec.more_tables]
    named = {column_of(name) for name in (*spec.features, *spec.baseline_columns, spec.population.column) if name}
    found = set()
    for name in named:
        beside = [table for table in more if name in schema.get(table, ())]
        found.add(Leaf(features if name in schema.get(features, ()) or not beside else beside[0], name))
    for pattern, *_ in spec.params.get("own_line", ()):
        like = re.compile(re.escape(pattern).replace(re.escape("{line}"), "[a-z_]+"))
        found |= {Leaf(features, name) for name in schema.get(features, ()) if like.fullmatch(name)}
    for table in set(more) - {leaf.relation for leaf in found}:
        found |= {Leaf(table, name) for name in schema.get(table, ()) if name not in NO_CONTENT}
    return found | ({Leaf(labels, spec.label)} if spec.label else set())
