"""A model's files: which may be there, their hashes, and the check before anything is read from them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ml.errors import ArtefactRefused

ALLOWED = {".lgb", ".json", ".yaml", ".txt", ".md", ""}
ALLOWED_BARE = {"MLmodel"}
# MLflow writes this one into every download of a registered version.
DOWNLOADED = {"registered_model_meta"}
_PICKLE_START = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def refuse_unsafe(folder: Path) -> None:
    """Raise ArtefactRefused where a file isn't plain text of a known kind (pickle, joblib, code, a link)."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise ArtefactRefused(f"The model brings {name}, a link: refused. Only plain files are loaded.")
        if path.is_dir() or name in DOWNLOADED:
            continue
        known = path.suffix in ALLOWED and (path.suffix or path.name in ALLOWED_BARE)
        with path.open("rb") as file:
            start = file.read(2)
        if not known or start in _PICKLE_START:
            raise ArtefactRefused(
                f"The model brings {name}: refused. Only booster text, JSON, YAML and text are loaded:"
                " other kinds can run code when they are read."
            )


def hashes(folder: Path) -> dict[str, str]:
    """Relative path → SHA-256 of every file in the folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in DOWNLOADED
    }


def verify(folder: Path, tag: str | None, what: str) -> None:
    """Raise ArtefactRefused where the files aren't exactly those that `tag` (hashes as JSON) names."""
    advice = (
        "Nothing was read from it. Restore the artefacts from a backup, or take it back: `python -m ml rollback MODEL`."
        " Or train again and promote with --without-champion, as it can't be compared with."
    )
    if not tag:
        raise ArtefactRefused(f"{what} carries no hashes: it wasn't registered by `python -m ml train`. {advice}")
    refuse_unsafe(folder)
    promised, found = json.loads(tag), hashes(folder)
    wrong = [f"{name} is missing" for name in promised.keys() - found.keys()]
    wrong += [f"{name} wasn't there at training" for name in found.keys() - promised.keys()]
    wrong += [f"{name} was changed" for name in promised.keys() & found.keys() if promised[name] != found[name]]
    if wrong:
        raise ArtefactRefused(f"{what} is damaged or was tampered with: {'; '.join(sorted(wrong))}. {advice}")
