"""Who uses a column: the models made of it, the exposures behind them, the machine-learning specs that name it."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Any

from bankmart.governance.catalogue.compiled import relation
from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.catalogue.query import Leaf
from bankmart.governance.policy import Node, models

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
        self.features = [(spec.name, columns_of(spec)) for spec in known]
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


def columns_of(spec: Any) -> set[Leaf]:
    """The columns that a spec reads: features, baseline, population and label."""
    features, labels = ".".join(spec.features_table), ".".join(spec.label_table)
    named = {*spec.features, *spec.baseline_columns, spec.population.column}
    found = {Leaf(features, name) for name in named if name}
    return found | ({Leaf(labels, spec.label)} if spec.label else set())
