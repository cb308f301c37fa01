"""Which code makes models: a hash of what a training runs, the same in a checkout and in an installed copy."""

from __future__ import annotations

import hashlib
from pathlib import Path

import ml

# What no training runs: measurements, and the other models' specs (a model's own has a hash of its own).
_ASIDE = ("bench", "public", "models")


def code_hash() -> str:
    """SHA-256 over the Python files of `ml` that a training may run, by path and content.

    A git revision would change with every word of the documentation, and an installed copy has none.
    """
    root = Path(ml.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if name.parts[0] not in _ASIDE:
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
