"""Sizes: what grows past its limit is split, or named with a reason in pyproject.toml."""

from __future__ import annotations

import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path, PurePosixPath

# Lines of a file, by where it lies and what it is; the first that fits counts.
LIMITS = {
    "dags/*.py": 80,
    "**/*.py": 300,
    "**/*.sql": 150,
    "dbt_project/**/*.yml": 200,
}
# Names in a folder: a pair of SQL and YAML is one.
FOLDER = 15
ROOMS = ("dags", "dbt_project", "ml", "plugins", "tests")
# They say nothing of their own.
UNCOUNTED = ("__init__", "__main__")


def findings(root: Path) -> list[str]:
    """Every file and folder of the rooms under `root` that is too large, and every exception that isn't needed."""
    sizes = {path: len((root / path).read_bytes().splitlines()) for path in files(root)}
    return judge(sizes, exceptions(root))


def files(root: Path) -> list[PurePosixPath]:
    """The files of the rooms, without what git leaves out."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "--", *ROOMS]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = {name for name in listed.stdout.splitlines() if (root / name).is_file()}
    else:
        # A copy without git's folder.
        names = {str(path.relative_to(root)) for room in ROOMS for path in (root / room).rglob("*") if path.is_file()}
    paths = sorted(PurePosixPath(name) for name in names)
    return [path for path in paths if not any(part.startswith((".", "__pycache__")) for part in path.parts)]


def exceptions(root: Path) -> dict[str, str]:
    """Path → reason, from `[tool.bankmart.size_exceptions]`."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(project.get("tool", {}).get("bankmart", {}).get("size_exceptions", {}))


def judge(sizes: dict[PurePosixPath, int], excepted: dict[str, str]) -> list[str]:
    """What is too large; `sizes`: path → lines."""
    large = {}
    folders: dict[PurePosixPath, set[str]] = defaultdict(set)
    for path, lines in sizes.items():
        if path.stem not in UNCOUNTED:
            folders[path.parent].add(path.stem)
        limit = next((limit for pattern, limit in LIMITS.items() if _fits(path, pattern)), None)
        if limit is not None and lines > limit:
            large[str(path)] = f"has {lines} lines, at most {limit} are allowed; split it"
    for folder, names in folders.items():
        if len(names) > FOLDER:
            large[str(folder)] = f"holds {len(names)} files or pairs, at most {FOLDER} are allowed; make a room of some"
    found = [f"{path}: {what}" for path, what in sorted(large.items()) if path not in excepted]
    found += [f"pyproject.toml: {path} needs no size exception; remove it" for path in excepted if path not in large]
    found += [f"pyproject.toml: say why {path} may be large" for path, reason in excepted.items() if not reason.strip()]
    return found


def _fits(path: PurePosixPath, pattern: str) -> bool:
    folder, _, name = pattern.rpartition("/")
    if not path.match(name):
        return False
    room, _, rest = folder.partition("/")
    if room == "**":
        return True
    return path.parts[0] == room and (rest == "**" or len(path.parts) == 2)
