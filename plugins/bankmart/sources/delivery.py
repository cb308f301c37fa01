"""Finding a delivery: every check that can be made before its data are read."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from bankmart.sources.contract import Table
from bankmart.sources.landing import MANIFEST, Manifest, folder
from bankmart.sources.reading.csv_file import is_readable
from bankmart.sources.refusal import LoadRefused

LARGEST_MANIFEST = 1 << 20
AGAIN = "correct the manifest and write it again; the data file need not change."


@dataclass(frozen=True)
class Delivery:
    """A data file that has arrived, with its manifest."""

    table: Table
    business_date: date
    path: Path
    manifest: Manifest

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"{self.table.system}.{self.table.name} of {self.business_date}, file {self.path.name}"

    def open(self) -> BinaryIO:
        """The data file, opened so that a link put in its place meanwhile is not followed."""
        return os.fdopen(os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def find(landing: Path, table: Table, business_date: date) -> Delivery | None:
    """The delivery of one table and date; None while its manifest is not there, however much of the data is.

    Raises LoadRefused for a link anywhere below `landing`, anything but one data file and a wrong manifest.
    """
    place = folder(landing, table.system, table.name, business_date)
    where = f"{table.system}.{table.name} of {business_date}"
    for part in (landing / table.system, place.parent, place, place / MANIFEST):
        if part.is_symlink():
            raise _linked(where, part.relative_to(landing))
    if not (place / MANIFEST).exists():
        return None
    files = sorted(path for path in place.iterdir() if path.name != MANIFEST and not path.name.startswith("."))
    manifest = _read(place / MANIFEST, table, where)
    if len(files) != 1:
        what = f"{len(files)} data files lie in {place.relative_to(landing)}, where one must"
        remedy = "leave the one that the manifest names, and send a correction in its place, not beside it."
        raise LoadRefused(where, "one_file", what, remedy)
    path = files[0]
    if path.is_symlink():
        raise _linked(where, path.relative_to(landing))
    if not stat.S_ISREG(path.stat().st_mode):
        raise LoadRefused(where, "one_file", "the data file is no ordinary file", "send an ordinary file.")
    if manifest.file != path.name:
        raise LoadRefused(where, "manifest", "the manifest names another file than the one that is there", AGAIN)
    return Delivery(table, business_date, path, manifest)


def _linked(where: str, path: Path) -> LoadRefused:
    remedy = "send the file itself: a link could lead to anything this machine can read."
    return LoadRefused(where, "link", f"{path} is a symbolic link", remedy)


def _read(path: Path, table: Table, where: str) -> Manifest:
    def refuse(what: str) -> LoadRefused:
        return LoadRefused(f"{where}, file {MANIFEST}", "manifest", what, AGAIN)

    try:
        if path.stat().st_size > LARGEST_MANIFEST:
            raise refuse("the manifest is longer than 1 MB")
        stated: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise refuse(f"the manifest is no readable JSON ({type(error).__name__})") from None
    if not isinstance(stated, dict):
        raise refuse("the manifest is no JSON object")
    known = {one.name: stated[one.name] for one in fields(Manifest) if one.name in stated}
    for name, types in {"file": str, "format": str, "row_count": int, "sha256": str}.items():
        if not isinstance(known.get(name), types) or isinstance(known[name], bool):
            raise refuse(f"{name} is missing or no {types.__name__}")
    manifest = Manifest(**known)
    problem = _problem(manifest, table)
    if problem:
        raise refuse(problem)
    return manifest


def _problem(manifest: Manifest, table: Table) -> str | None:
    """What is wrong with a manifest's values, if anything is."""
    name = manifest.file
    if Path(name).name != name or name.startswith(".") or "\\" in name or "\0" in name:
        return "file must be the plain name of a file in the manifest's own folder"
    if manifest.format not in ("csv", "parquet"):
        return "format must be csv or parquet"
    if manifest.row_count < 0 or len(manifest.sha256) != 64 or set(manifest.sha256) - set("0123456789abcdef"):
        return "row_count must be 0 or more, sha256 64 lower-case hexadecimal digits"
    if not isinstance(manifest.encoding, str) or not is_readable(manifest.encoding):
        return "encoding must be one that keeps ASCII, such as utf-8, gb18030, big5, iso8859-2 (not UTF-16)"
    mark = manifest.delimiter
    if not isinstance(mark, str) or len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0' or mark.isalnum():
        return "delimiter must be one ASCII character such as , ; | or a tab"
    if not _is_zone(manifest.timezone):
        return "timezone must be a name such as UTC or Asia/Shanghai"
    if not isinstance(manifest.control_totals, dict) or set(manifest.control_totals) != set(table.totals):
        return f"control_totals must state a total of each of: {', '.join(table.totals) or 'nothing'}"
    for column, total in manifest.control_totals.items():
        try:
            is_exact = isinstance(total, str) and Decimal(total).is_finite()
        except InvalidOperation:
            is_exact = False
        if not is_exact:
            return f'control_totals.{column} must be a decimal number in quotes, such as "1234.50"'
    return None


def _is_zone(name: object) -> bool:
    try:
        return isinstance(name, str) and bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):  # unknown, or no plain name
        return False


class HashedFile(io.RawIOBase):
    """A file whose SHA-256 is taken as it is read: of the very bytes that are loaded."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the file."""
        block = self._file.read(size)
        self._hash.update(block)
        return block

    def read_all(self) -> None:
        """Take the whole file's hash and go back to its start, for a reader that jumps about in it."""
        while self.read(1 << 20):
            pass
        self._file.seek(0)

    @property
    def sha256(self) -> str:
        """The hash of what was read so far."""
        return self._hash.hexdigest()
