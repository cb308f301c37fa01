"""What the columns of a feature table are called in Chinese and English, as its YAML says."""

from __future__ import annotations

from bankmart import settings
from bankmart.governance import project
from ml.judging.reasons import Description


def words(table: str) -> dict[str, Description]:
    """Column → its words; empty where the project has no such table."""
    found = {}
    for path in sorted((settings.dbt_dir() / "models" / "features").rglob(f"{table}.yml")):
        for model in project.said(path)["models"]:
            for column in model.get("columns", ()):
                meta = column.get("config", {}).get("meta", {})
                found[column["name"]] = Description(
                    meta.get("zh", column["name"]),
                    column.get("description", column["name"]).rstrip("."),
                    meta.get("unit", ""),
                    meta.get("window"),
                )
    return found
