"""Where something stands in the project's YAML: the line that a finding names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml

from bankmart import settings
from bankmart.governance import project


def of_column(file: str, table: str, column: str) -> str:
    """`file:line` of a column, or of an indicator family, of a model or source table; `file` where it has no line.

    `file`: as it is below the checkout.
    """
    lines = _lines(str(settings.ROOT / file))
    line = lines.get((table, column)) or lines.get((table, ""))
    return f"{file}:{line[0]}" if line else file


def repeated(file: str) -> list[tuple[str, str, list[int]]]:
    """What a file declares more than once in one model or source table: table, name of the column, its lines."""
    lines = _lines(str(settings.ROOT / file))
    return [(table, name, places) for (table, name), places in lines.items() if name and len(places) > 1]


@lru_cache(maxsize=256)
def _lines(path: str) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    if Path(path).is_file():
        tree = project.tree(Path(path))
        for table, inside in _named(_under(tree, "models", "tables")):
            found[table, ""] = [inside.start_mark.line + 1]
            for name, column in _named(_under(inside, "columns", "families")):
                found.setdefault((table, name), []).append(column.start_mark.line + 1)
    return found


def _under(node: yaml.Node | None, *keys: str) -> Iterator[yaml.Node]:
    # The entries of all lists of these names, however deep.
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in keys and isinstance(value, yaml.SequenceNode):
                yield from value.value
            else:
                yield from _under(value, *keys)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _under(item, *keys)


def _named(nodes: Iterator[yaml.Node]) -> Iterator[tuple[str, yaml.Node]]:
    for node in nodes:
        if isinstance(node, yaml.MappingNode):
            name = next((value.value for key, value in node.value if key.value == "name"), None)
            if name:
                yield name, node
