"""`bankmart docs`: make docs/reference from the code."""

from __future__ import annotations

import argparse

from bankmart import dbt, settings
from bankmart.governance import reference


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(args: argparse.Namespace) -> int:
    """Write every page; pages that no longer are made are deleted."""
    made = {settings.ROOT / path: text for path, text in reference.pages(dbt.manifest()).items()}
    folder = settings.ROOT / reference.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for path in set(folder.glob("*.md")) - set(made):
        path.unlink()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(settings.ROOT))
    return 0
