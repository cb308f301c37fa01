"""The folders that an erasure searches: where this platform's settings say that its files are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bankmart import settings

# What a folder is called in the certificate → the variable that moves it out of the state folder.
MOVED = {
    "logs": "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
    "lineage": "BANKMART_LINEAGE_DIR",
    "audit": "BANKMART_AUDIT_DIR",
    "artifacts": "BANKMART_ARTIFACTS_DIR",
}
# Folders of a bank's own, such as exports or notebooks, with colons between.
MORE = "BANKMART_SEARCH_DIRS"
# The server's own files are read as tables. The environment and the simulator's answers are no data of a bank.
NOT_FOLDERS = ("postgres", "venv", "truth", "bin", "certificates")


@dataclass(frozen=True)
class Folder:
    """One folder; `is_named`: a setting says that it is there, so that it has to be."""

    name: str
    path: Path
    is_named: bool


@dataclass
class Walk:
    """What a search has really read, and what it could not."""

    tables: dict[str, int] = field(default_factory=dict)
    folders: dict[str, dict[str, int | str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def about(self) -> dict[str, dict[str, object]]:
        """For the certificate: tables by database; path, files and bytes by folder."""
        return {"databases": dict(self.tables), "folders": dict(self.folders)}


def folders() -> list[Folder]:
    """State and landing folder, and what settings have moved out of these."""
    found = [Folder("state", settings.state_dir(), True)]
    found.append(Folder("landing", settings.landing_dir(), bool(os.environ.get("BANKMART_LANDING_DIR"))))
    found += [Folder(name, Path(at).resolve(), True) for name, variable in MOVED.items()
              if (at := os.environ.get(variable))]  # fmt: skip
    given = filter(None, os.environ.get(MORE, "").split(":"))
    found += [Folder(f"other {number}", Path(at).resolve(), True) for number, at in enumerate(given, 1)]
    return found


def files(walk: Walk) -> Iterator[tuple[Folder, Path]]:
    """Every file of them, once; what is walked, and what can't be, is entered in `walk`."""
    chosen = folders()
    roots = {folder.path for folder in chosen}
    seen: set[Path] = set()
    for folder in chosen:
        if folder.path in seen:
            continue
        seen.add(folder.path)
        if not folder.path.is_dir():
            if folder.is_named:
                walk.unread.append(f"folder {folder.name} ({folder.path}): it is not there")
            continue
        count = size = 0
        for path in _below(folder, roots, walk):
            try:
                size += path.stat().st_size
            except OSError:
                continue  # put aside or thrown away since it was listed
            count += 1
            yield folder, path
        walk.folders[folder.name] = {"path": str(folder.path), "files": count, "bytes": size}


def _below(folder: Folder, roots: set[Path], walk: Walk) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            walk.unread.append(f"folder {folder.name} ({error.filename}): {error.strerror or error}")

    for at, names, found in os.walk(folder.path, onerror=unreadable):
        here = Path(at)
        if here == settings.state_dir():
            names[:] = [name for name in names if name not in NOT_FOLDERS]
        # One that lies in another is walked by itself.
        names[:] = [name for name in names if here / name not in roots]
        for name in found:
            path = here / name
            try:
                if path.is_file() and not path.is_symlink():
                    yield path
            except OSError as error:
                walk.unread.append(f"folder {folder.name} ({path}): {error.strerror or error}")
