"""`bankmart lineage COLUMN`: what a column is made of down to the sources, and what is made of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection

from bankmart import dbt
from bankmart.errors import BankmartError
from bankmart.governance.catalogue.query import ROW, Leaf
from bankmart.governance.catalogue.refresh import lineage
from bankmart.governance.catalogue.use import Users
from bankmart.governance.catalogue.web import EXPOSURE, LEARNED, Web


class UnknownColumn(BankmartError):
    """No model has a column of this name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """COLUMN."""
    parser.add_argument("column", help="aum_tier, tag_value.aum_tier or tags.tag_value.aum_tier")


def run(args: argparse.Namespace) -> int:
    """Print both trees for each model that has the column. Raises UnknownColumn."""
    manifest = dbt.manifest()
    graph = lineage(manifest)
    found = graph.named(args.column)
    if not found:
        raise UnknownColumn(
            f"no model and no source has a column {args.column}. `bankmart docs` lists them; "
            "write model.column where several have it."
        )
    users, web = Users(manifest, graph), Web(manifest, graph)
    # A name that travels through models is shown where it is made first.
    made = [leaf for leaf in found if not any(part in found for part in graph.direct(leaf))] or found
    for leaf in made:
        print(f"{_say(leaf)}\n  is made of")
        print(
            "\n".join(tree(leaf, lambda part: web.up.get(part, set()), 2))
            or "    nothing: it is delivered, or a constant"
        )
        print("  and makes")
        print("\n".join(tree(leaf, lambda part: web.down.get(part, set()), 2)) or "    nothing")
        use = users.of(leaf)
        print(f"  exposures: {', '.join(use['exposures']) or 'none'}; ml: {', '.join(use['ml']) or 'none'}\n")
    return 0


def tree(leaf: Leaf, step: Callable[[Leaf], Collection[Leaf]], depth: int, seen: set[Leaf] | None = None) -> list[str]:
    """The lines of a tree; a branch that was printed already is only named."""
    seen = set() if seen is None else seen
    lines = []
    for part in sorted(step(leaf)):
        again = part in seen
        further = bool(step(part))
        lines.append("  " * depth + _say(part) + (" (above)" if again and further else ""))
        if not again:
            seen.add(part)
            lines += tree(part, step, depth + 1, seen)
    return lines


def _say(leaf: Leaf) -> str:
    if leaf.relation in (LEARNED, EXPOSURE):
        return f"{'model' if leaf.relation == LEARNED else 'exposure'} {leaf.column}"
    return f"{leaf.relation}: its rows" if leaf.column == ROW else f"{leaf.relation}.{leaf.column}"
