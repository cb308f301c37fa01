"""What is outside the warehouse's tables: landing files, logs, artefacts; and the search that nothing is left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2.extras import Json

from bankmart import db, faults
from bankmart.governance.audit import anchor
from bankmart.governance.people.erasure import artefacts, landing_files
from bankmart.governance.people.erasure.landing_files import delivery
from bankmart.governance.people.erasure.replace import Known
from bankmart.governance.people.erasure.requests import ErasureError
from bankmart.governance.people.erasure.search import residue
from bankmart.governance.people.erasure.search.folders import Walk
from bankmart.governance.people.erasure.work import LANDING, REMOVED, Work
from bankmart.sources import contract
from bankmart.sources.delivery import Delivery

log = logging.getLogger("bankmart")


def landing(work: Work) -> int:
    """Take everybody out of the landing files that their rows came from, and out of those that were never loaded.

    Each file by itself, so that the next run goes on behind the last one that is done. Returns how many have changed.
    """
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute(
            "select target, detail ->> 'sha256' from governance.erasure_work where step = %s and state = 'open'",
            (LANDING,),
        )
        expected = dict(cursor.fetchall())
        cursor.execute("select system || '/' || table_name || '/' || business_date from governance.load"
                       " where status = 'loaded'")  # fmt: skip
        loaded = {name for (name,) in cursor.fetchall()}
    unloaded = {f"{table.system}/{table.name}/{day}" for table, day in landing_files.folders()} - loaded

    def one(target: str) -> bool:
        has_changed = _clean_target(target, work, expected.get(target))
        if target in expected:
            _done(target)
        return has_changed

    with ThreadPoolExecutor(residue.WORKERS) as pool:
        return sum(pool.map(one, sorted({*expected, *unloaded})))


def _clean_target(target: str, work: Work, expected: str | None) -> bool:
    system, name, day = target.split("/")
    of = delivery(contract.load()[system][name], date.fromisoformat(day))
    if of is None:
        return False
    faults.point("erase.file")
    try:
        return clean(of, Known(work.numbers), expected, lambda cursor, digest: _expect(cursor, work, target, digest))
    except OSError as error:
        raise ErasureError(
            f"landing file {target} can't be written again: {error.strerror or error}. The tables are done; run"
            " `bankmart erase run` where the landing folder can be written: docs/how-to/erase-a-person.md."
        ) from error


def clean(
    of: Delivery, numbers: Known, expected: str | None = None, expect: Callable[[Any, str], None] = lambda *_: None
) -> bool:
    """Write one file again; the ledger knows both contents for the same delivery. True where it has changed.

    `expect` is told the new content's hash, in the ledger's transaction, before the file is put in its place;
    `expected` is what an earlier run was told.
    """

    def tell(digest: str) -> None:
        with db.connect("eraser") as link, link.cursor() as cursor:
            expect(cursor, digest)
            cursor.execute(
                "update governance.load set erased_sha256 = %s"
                " where system = %s and table_name = %s and business_date = %s and status = 'loaded'",
                (digest, of.table.system, of.table.name, of.business_date),
            )

    landing_files.mend(of, expected)
    now = delivery(of.table, of.business_date)
    return now is not None and landing_files.rewrite(now, numbers, tell) is not None


def _expect(cursor: Any, work: Work, target: str, digest: str) -> None:
    """Note what the file will be, for a run that ends this one. Raises ErasureError where another one has ended it."""
    work.stay(cursor)
    cursor.execute(
        "insert into governance.erasure_work (step, target, detail) values (%s, %s, %s)"
        " on conflict (step, target) do update set detail = excluded.detail",
        (LANDING, target, Json({"sha256": digest})),
    )


def rest(work: Work, known: Sequence[str], walk: Walk | None = None) -> int:
    """Search everything for the numbers and values; text files that have them are blackened, other artefacts of
    MLflow removed. Returns how many were.

    Raises ErasureError, naming places and never what was found there, where something is left or a place that belongs
    to the platform could not be searched. `walk` says what was.
    """
    walk = walk or Walk()
    search = residue.Search([*work.all, *known])
    left, count = [found.place for found in residue.databases(search, walk)], 0
    for found in residue.files(search, walk):
        if found.path and artefacts.is_of_model(found.path):
            left.append(f"{found.place} ({artefacts.OF_MODEL})")
        elif _is_blackened(found, search) or _is_removed(found, work):
            count += 1
        else:
            left.append(found.place)
    if left or walk.unread:
        raise ErasureError(_said(work, left, walk.unread))
    return count


def _said(work: Work, left: Sequence[str], unread: Sequence[str]) -> str:
    parts = []
    if left:
        parts.append(f"something is left in {len(left)} places:\n  " + "\n  ".join(left))
    if unread:
        parts.append(f"{len(unread)} places could not be searched:\n  " + "\n  ".join(unread))
    return (
        f"of erasure {', '.join(map(str, work.erasures))} " + "\n  and ".join(parts) + "\n"
        "  It means: the person is gone from the tables, but there is no certificate yet.\n"
        "  What to do: clear or mount these places, then `bankmart erase run` again; it searches anew."
    )


def _is_blackened(found: residue.Found, search: residue.Search) -> bool:
    if found.path is None or not _may_blacken(found.path):
        return False
    try:
        return residue.redact(found.path, search)
    except OSError as error:
        log.warning("%s can't be blackened: %s", found.place, error.strerror or error)
        return False


def _is_removed(found: residue.Found, work: Work) -> bool:
    if found.path is None or not artefacts.is_one(found.path):
        return False
    try:
        with db.connect("eraser") as link, link.cursor() as cursor:
            work.stay(cursor)
            cursor.execute(
                "insert into governance.erasure_work (step, target, state) values (%s, %s, 'done')"
                " on conflict do nothing",
                (REMOVED, found.place),
            )
            artefacts.remove(found.path, list(work.erasures))
    except OSError as error:
        log.warning("%s can't be removed: %s", found.place, error.strerror or error)
        return False
    return True


def _may_blacken(path: Path) -> bool:
    # A landing file with an x in it would be another delivery: it is written again, not blackened. Heads of the audit
    # chain stay as they are, or nothing can be verified by them.
    return not path.is_relative_to(landing_files.root()) and path != anchor.path()


def _done(target: str) -> None:
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute(
            "update governance.erasure_work set state = 'done' where step = %s and target = %s", (LANDING, target)
        )
