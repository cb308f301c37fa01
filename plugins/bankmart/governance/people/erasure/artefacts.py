"""MLflow's artefacts that hold somebody's rows and are no text: removed, with a note in their place.

The platform logs none that hold rows (reports, figures, models); a person may: a table, arrays, a packed dump.
A model's own file is never touched: with another one the model would no longer load.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bankmart import settings

NOTE = ".erased.txt"
# What a folder is a model's by.
MODEL = "MLmodel"
OF_MODEL = (
    "a file of a model, which would no longer load without it: train the model anew, delete this version and its run "
    "in MLflow for good (`mlflow gc`)"
)


def root() -> Path:
    """The folder of all artefacts."""
    moved = os.environ.get("BANKMART_ARTIFACTS_DIR")
    return Path(moved).resolve() if moved else settings.state_dir() / "mlflow" / "artifacts"


def is_one(path: Path) -> bool:
    """Whether a file lies there."""
    return path.is_relative_to(root())


def is_of_model(path: Path) -> bool:
    """Whether a file is part of a model, wherever in its folder it lies."""
    return is_one(path) and any((folder / MODEL).exists() for folder in path.parents if folder.is_relative_to(root()))


def remove(path: Path, erasures: Sequence[int]) -> None:
    """Put a note in a file's place: when and why it went. Killed between the two, both are there, and it goes again."""
    numbers = ", ".join(map(str, sorted(erasures)))
    path.with_name(path.name + NOTE).write_text(
        f"{path.name} was removed on {date.today()} by erasure {numbers}: it held rows of somebody who has asked to be"
        " forgotten, in a form that can't be blackened. `bankmart erase list` shows the request. Make it anew from the"
        " warehouse where it is needed.\n",
        encoding="utf-8",
    )
    path.unlink()
