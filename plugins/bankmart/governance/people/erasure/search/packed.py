"""What packed files hold: gzip, bzip2, xz, each file of a zip archive, and NumPy's arrays as text."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import numpy as np

# What a file begins with → what opens it.
STREAMS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
ARCHIVE, ARRAY = b"PK\x03\x04", b"\x93NUMPY"
LONGEST = 8
# What is said of a file that is cut off, damaged, locked with a password or packed in a way that isn't known here.
UNREADABLE = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)
# Kinds of arrays in which a number of a person can stand: texts and whole numbers.
KINDS = "USiu"


def is_packed(path: Path) -> bool:
    """Whether a file looks like one."""
    return _begin(path).startswith((*STREAMS, ARCHIVE, ARRAY))


def contents(path: Path) -> Iterator[IO[bytes]]:
    """What is inside, one after the other. Raises OSError, or one of UNREADABLE, behind what could be read."""
    begin = _begin(path)
    for mark, opener in STREAMS.items():
        if begin.startswith(mark):
            with closing(opener(path, "rb")) as opened:
                yield opened
            return
    if begin.startswith(ARRAY):
        yield _as_text(np.load(path, allow_pickle=False))
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as opened:
                yield opened
            if member.filename.endswith(".npy"):
                with archive.open(member) as opened:
                    yield _as_text(np.lib.format.read_array(opened, allow_pickle=False))


def _begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LONGEST)


def _as_text(array: Any) -> IO[bytes]:
    values = np.unique(array).tolist() if array.dtype.kind in KINDS else []
    return io.BytesIO("\n".join(map(str, values)).encode())
