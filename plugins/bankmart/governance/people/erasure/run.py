"""Erasing people: in the warehouse all at once, then in files, then a search for what is left, then the certificate.

Killed anywhere, `run` again goes on where it was: governance.erasure says which are under way, governance.erasure_work
what is still to be done for them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql
from psycopg2.extras import Json, execute_values

from bankmart import db, dbt, faults, vault
from bankmart.governance import audit
from bankmart.governance.people import hold, person
from bankmart.governance.people.erasure import (
    anonymise,
    certificate,
    cleaning,
    fence,
    identifiers,
    replace,
    requests,
    retrain,
)
from bankmart.governance.people.erasure.anonymise import Numbers
from bankmart.governance.people.erasure.requests import ErasureError
from bankmart.governance.people.erasure.search.folders import Walk
from bankmart.governance.people.erasure.work import LANDING, NUMBERS, REMOVED, VALUES, Work, merged, read
from bankmart.governance.people.places import OWN, Table, tables

if TYPE_CHECKING:
    from bankmart.governance.policy import Node

# How long to wait for the build or load that is running.
PATIENCE = "30min"
APPROVED = "select erasure_id, customer_id from governance.erasure where state = 'approved' order by 1"


@dataclass
class Report:
    """What a run did."""

    erasures: list[int] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    held: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Time a step."""
        started = time.monotonic()
        yield
        self.seconds[what] = time.monotonic() - started

    def text(self) -> str:
        """For the log and the terminal."""
        lines = list(self.held)
        if self.erasures:
            numbers = ", ".join(map(str, self.erasures))
            lines.append(f"erased: request {numbers}; {sum(self.rows.values())} rows of {len(self.rows)} tables and"
                         f" {self.files} files changed")  # fmt: skip
            lines.append(", ".join(f"{what} {seconds:.1f} s" for what, seconds in self.seconds.items()))
            lines += [f"certificate: {certificate.path(number)}" for number in self.erasures]
        return "\n".join(lines or ["no approved request"])


def run(by: str, manifest: Node | None = None, report: Report | None = None) -> Report:
    """Erase everybody whose request is approved, and end what an earlier run has begun; `report` is filled.

    Raises ErasureError where something is left of somebody, or something is loaded or built for too long.
    """
    report = report or Report()
    with db.connect("eraser") as guard, guard.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext('bankmart erase'))")
        if not db.one(cursor)[0]:
            raise ErasureError("an erasure is running already, or a scrub: wait for its end (`bankmart erase list`)")
        project = manifest or dbt.manifest()
        with report.timed("warehouse"):
            _begin(report, by, project)
        certificate.keep_missing(cursor)
        work = read()
        if work is None:
            return report
        report.erasures, report.rows = sorted(work.erasures), work.rows
        with report.timed("landing files"):
            report.files = cleaning.landing(work)
        with report.timed("search for what is left"):
            known = identifiers.alone([*work.values, *identifiers.clear(work.customers, by, _reason(work.erasures))])
            anonymise.said(work, known, by)
            walk = Walk()
            report.files += cleaning.rest(work, known, walk)
        faults.point("erase.searched")
        _finish(report, work, by, walk, searched=len(known) + len(work.all))
    return report


def _reason(numbers: Iterable[int]) -> str:
    return f"erasure {', '.join(map(str, sorted(numbers)))}: what is left is searched for by them"


def _begin(report: Report, by: str, manifest: Node) -> None:
    """The warehouse, in one transaction: readers see a person whole or not at all."""
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute(APPROVED)
        if not cursor.fetchall():
            return
        _alone(cursor)
        cursor.execute(APPROVED)
        approved, found = cursor.fetchall(), tables(cursor, manifest)
        mine = {}
        for number, customer in approved:
            one = person.find(cursor, customer)
            if stop := _held(cursor, one, found):
                report.held.append(f"request {number} waits: {stop}")
            else:
                mine[number] = one
        if not mine:
            return
        numbers: dict[int, Numbers] = {}
        for number, one in mine.items():
            # Two requests may have become one person's since they were made.
            numbers[number] = anonymise.anonymous(one.numbers, merged(numbers.values()))
        customers = sorted({customer for one in mine.values() for customer in one.customers})
        clear = identifiers.clear(customers, by, _reason(mine))
        rows = _change(cursor, found, numbers, clear)
        _remember(cursor, numbers)
        for number in mine:
            cursor.execute("update governance.erasure set state = 'running' where erasure_id = %s", (number,))
            retrain.add(cursor, number)
        for number in mine:
            facts = {"rows": rows, "numbers": {kind: len(known) for kind, known in numbers[number].items()}}
            audit.append(link, "erasure", by, f"erasure {number}", facts)
        faults.point("erase.commit")


def _alone(cursor: Any) -> None:
    cursor.execute("select set_config('lock_timeout', %s, true)", (PATIENCE,))
    try:
        fence.erasing(cursor)
    except psycopg2.errors.LockNotAvailable:
        raise ErasureError(
            f"something was loaded, built or scored for more than {PATIENCE}: nobody was erased. Run it again later."
        ) from None
    cursor.execute("select set_config('lock_timeout', '0', true)")


def _held(cursor: Any, one: person.Person, found: Sequence[Table]) -> str | None:
    """The hold that keeps a person, or a table that the person is in."""
    holds = hold.active(cursor)
    if of_person := requests.held(holds, cursor, one):
        return f"{of_person} forbids it"
    names = {hold.table_name(each.scope): each for each in holds if each.kind == "table"}
    for table in (each for each in found if each.model in names):
        cursor.execute(
            sql.SQL("select exists (select from {} where {})").format(table.relation, person.names(table, one.numbers))
        )
        if db.one(cursor)[0]:
            return f"{names[table.model]} keeps table {table.model}, where the person is"
    return None


def _change(
    cursor: Any, found: Sequence[Table], numbers: Mapping[int, Numbers], clear: Sequence[tuple[str, str]]
) -> dict[str, int]:
    """All tables; what files are to be looked at is written down. Returns the rows changed by table."""
    flat = merged(numbers.values())
    values = identifiers.of_rows(cursor, flat)
    rows: Counter[str] = Counter()
    builds: Counter[int] = Counter()
    files: set[tuple[str, str, date]] = set()
    for table in found:
        changed = anonymise.table(cursor, table, flat)
        rows[f"{table.schema}.{table.model}"] += changed.rows
        builds.update(changed.builds)
        files |= {(*table.name.split("__", 1), day) for day in changed.days}  # type: ignore[misc]
    known = [value for _, value in identifiers.alone_in(cursor, [*values, *clear])]
    count, of_records = anonymise.quarantine(cursor, flat, known)
    rows["governance.quarantine"] += count
    rows.update(anonymise.texts(cursor, flat, known, (*OWN, "quarantine", "build_change")))
    changed_rows = {name: count for name, count in sorted(rows.items()) if count}
    for build, count in sorted(builds.items()):
        cursor.execute(
            "insert into governance.build_change (build_id, erasures, row_count) values (%s, %s, %s)",
            (build, sorted(numbers), count),
        )
    work = [(LANDING, f"{system}/{name}/{day}", Json({})) for system, name, day in sorted({*files, *of_records})]
    work.append((VALUES, f"of erasure {min(numbers)}", Json({"values": values, "rows": changed_rows})))
    # These are to be taken out of the files, too, that an earlier run was to look at, or has looked at, and was killed.
    execute_values(
        cursor,
        "insert into governance.erasure_work (step, target, detail) values %s"
        " on conflict (step, target) do update set state = 'open'",
        work,
    )
    return changed_rows


def _remember(cursor: Any, numbers: Mapping[int, Numbers]) -> None:
    """The tombstones, for ever; the numbers themselves until the work is done."""
    for number, of_kinds in numbers.items():
        rows = [
            (token, kind, new, number)
            for kind, known in of_kinds.items()
            for token, new in zip(replace.tokens(kind, list(known)), known.values(), strict=True)
        ]
        execute_values(
            cursor,
            "insert into governance.tombstone (token, kind, anonymous, erasure_id) values %s on conflict do nothing",
            rows,
        )
        cursor.execute(
            "insert into governance.erasure_work (step, target, detail) values (%s, %s, %s)",
            (NUMBERS, str(number), Json(of_kinds)),
        )


def _finish(report: Report, work: Work, by: str, walk: Walk, searched: int) -> None:
    """Destroy the keys, forget the numbers, certify: all at once."""
    made: dict[int, dict[str, Any]] = {}
    with db.connect("eraser") as link, link.cursor() as cursor:
        work.stay(cursor)
        keys = vault.destroy(link, work.customers, by)
        cursor.execute("select count(*) from governance.erasure_work where step = %s", (REMOVED,))
        (removed,) = db.one(cursor)
        for number, numbers in work.erasures.items():
            about = {"rows": report.rows, "files": report.files, "artefacts_removed": removed, "keys_destroyed": keys,
                     "searched_for": searched, "searched": walk.about()}  # fmt: skip
            made[number] = certificate.write_up(cursor, number, numbers, about)
            cursor.execute(
                "update governance.erasure set state = 'done', customer_id = null, reason = '',"
                " finished_at = clock_timestamp(), certificate = %s where erasure_id = %s",
                (Json(made[number]), number),
            )
        cursor.execute("delete from governance.erasure_work")
        for number, text in made.items():
            audit.append(link, "erasure_certificate", by, f"erasure {number}", text)
    faults.point("erase.done")
    for number, text in made.items():
        certificate.keep(number, text)
