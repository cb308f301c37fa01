"""What the dbt project says: the variables of dbt_project.yml, once for everybody, and any of its YAML files."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bankmart import settings

# libyaml, where PyYAML has it, takes a seventh of the time of PyYAML's own reader and makes the same of a file.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def variables() -> dict[str, Any]:
    """`vars` of dbt_project.yml, read again when the file has changed."""
    path = settings.dbt_dir() / "dbt_project.yml"
    return _read(str(path), path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: str, _changed: int) -> dict[str, Any]:
    # Asked once a column, thousands of times a publication.
    found: dict[str, Any] = said(Path(path))["vars"]
    return found


def said(path: Path) -> Any:
    """What a YAML file says. Raises yaml.YAMLError, with line and column, for what isn't YAML."""
    # Either loader makes nothing but plain values.
    return yaml.load(path.read_text(encoding="utf-8"), LOADER)  # noqa: S506


def tree(path: Path) -> yaml.Node | None:
    """The same as nodes, which know their lines."""
    found: yaml.Node | None = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    return found
