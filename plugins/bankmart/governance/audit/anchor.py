"""The chain's head, written down outside the database: who can rewrite the chain there still can't rewrite it here."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bankmart import db, settings
from bankmart.governance import notices

log = logging.getLogger("bankmart")

NAME = "heads.jsonl"


@dataclass(frozen=True)
class Anchor:
    """What the head was at one moment, and where in the file it says so."""

    line: int
    number: int
    hash: str


def path() -> Path:
    """The file of heads: in BANKMART_AUDIT_DIR, best where the database's administrator can't write, else the state's.

    One JSON object a line, only ever appended to.
    """
    return Path(os.environ.get("BANKMART_AUDIT_DIR") or settings.state_dir() / "audit").resolve() / NAME


def head() -> tuple[int, str]:
    """Number and hash of the newest entry; 0 and zeros before the first."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select number, hash from audit.tip")
        number, digest = db.one(cursor)
    return int(number), str(digest)


def write(reason: str) -> tuple[int, str]:
    """Append the committed head to the file (on the disk when it returns) and return it; call it after the commit."""
    number, digest = head()
    stated = {"number": number, "hash": digest, "at": datetime.now(UTC).isoformat(timespec="seconds"), "why": reason}
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, f"{chr(10) if torn else ''}{json.dumps(stated)}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    return number, digest


def write_after(reason: str) -> None:
    """Write the head down after something that is done already: where it can't be written, people are told."""
    try:
        write(reason)
    except OSError as error:
        what = f"the audit chain's head can't be written to {path()}: {error.strerror or error}"
        log.warning("%s. `bankmart audit head --write` does it when that is mended.", what)
        notices.tell("audit", "the audit chain's head is not written down", f"{what}, after {reason}.")


def read() -> tuple[list[Anchor], list[int]]:
    """All heads in the file's order, and the numbers of lines that can't be read."""
    found, broken = [], []
    file = path()
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
    for place, line in enumerate(lines, 1):
        try:
            stated = json.loads(line)
            found.append(Anchor(place, int(stated["number"]), str(stated["hash"])))
        except (ValueError, KeyError, TypeError):
            if line.strip():
                broken.append(place)
    return found, broken
