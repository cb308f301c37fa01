"""The whole way of a column: through dbt's models, through those that learn, to scores, audiences and exposures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from bankmart.governance import views
from bankmart.governance.catalogue.compiled import relation
from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.catalogue.query import Leaf
from bankmart.governance.catalogue.use import columns_of, specs, tables_of
from bankmart.governance.policy import SCORE, Node, models

# In a leaf: what is no relation. The column is the name of a model of ml/models, or of an exposure.
LEARNED, EXPOSURE = "ml", "exposure"
# The schema of the views that audiences are chosen from.
AUDIENCE = "marketing"


class Web:
    """Every step from one column to the next, in both directions."""

    def __init__(self, manifest: Node, lineage: Lineage) -> None:
        self.down: dict[Leaf, set[Leaf]] = defaultdict(set)
        self.up: dict[Leaf, set[Leaf]] = defaultdict(set)
        for made, found in [(made, found) for made, users in lineage.users.items() for found in users]:
            self._add(made, found)
        for made, found in [*_learned(manifest, lineage), *_chosen_from(manifest), *_exposed(manifest, lineage)]:
            self._add(made, found)

    def _add(self, made: Leaf, found: Leaf) -> None:
        self.down[made].add(found)
        self.up[found].add(made)

    def steps(self) -> list[tuple[Leaf, Leaf]]:
        """All steps, in order."""
        return sorted((made, found) for made, users in self.down.items() for found in users)


def kind(leaf: Leaf) -> str:
    """What a leaf is: the layer of a column (marketing: what audiences are chosen from), ml or exposure."""
    return leaf.relation.partition(".")[0]


def _learned(manifest: Node, lineage: Lineage) -> Iterator[tuple[Leaf, Leaf]]:
    # Feature → model → the scores that it writes. A table has rows of all models whose technique writes it.
    written: dict[str, list[Leaf]] = defaultdict(list)
    for node in manifest["sources"].values():
        for name, column in node["columns"].items():
            if column["config"]["meta"].get("class") == SCORE:
                written[relation(node)].append(Leaf(relation(node), name))
    for spec in specs():
        model = Leaf(LEARNED, spec.name)
        yield from ((column, model) for column in columns_of(spec, lineage.schema))
        yield from ((model, score) for table in tables_of(spec) for score in written[table])


def _chosen_from(manifest: Node) -> Iterator[tuple[Leaf, Leaf]]:
    # An audience is chosen from the views for marketing, and from nothing else.
    by_name = {node["name"]: relation(node) for node in models(manifest)}
    for view in views.published(manifest):
        if view.schema == AUDIENCE:
            for column in view.grades:
                yield Leaf(by_name[view.model], column), Leaf(f"{AUDIENCE}.{view.name}", column)


def _exposed(manifest: Node, lineage: Lineage) -> Iterator[tuple[Leaf, Leaf]]:
    by_id = {node["unique_id"]: relation(node) for node in models(manifest)}
    for exposure in manifest["exposures"].values():
        for name in exposure["depends_on"]["nodes"]:
            for column in lineage.schema.get(by_id.get(name, ""), ()):
                yield Leaf(by_id[name], column), Leaf(EXPOSURE, str(exposure["name"]))
