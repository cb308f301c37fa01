"""What the dbt project says once for everybody: the variables of dbt_project.yml."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from bankmart import settings, yaml_file


def variables() -> dict[str, Any]:
    """`vars` of dbt_project.yml, read again when the file has changed."""
    path = settings.dbt_dir() / "dbt_project.yml"
    return _read(str(path), path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: str, _changed: int) -> dict[str, Any]:
    # Asked once a column, thousands of times a publication.
    found: dict[str, Any] = yaml_file.read(Path(path))["vars"]
    return found
