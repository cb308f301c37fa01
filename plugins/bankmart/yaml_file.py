"""YAML of the project, by libyaml where PyYAML has it: a seventh of the time of its own reader, and the same tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Any:
    """What a file says. Raises yaml.YAMLError, with line and column, for what isn't YAML."""
    # Both make nothing but plain values.
    return yaml.load(path.read_text(encoding="utf-8"), LOADER)  # noqa: S506


def tree(path: Path) -> yaml.Node | None:
    """The same as nodes, which know their lines."""
    found: yaml.Node | None = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    return found
