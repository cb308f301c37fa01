"""Loads a system's files of one business date into the raw tables: all of them, or none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from psycopg2 import sql

from bankmart import db, faults, settings
from bankmart.governance.people.erasure import cleaning, fence, replace
from bankmart.governance.people.erasure.replace import Known, Tombstones
from bankmart.sources import contract, ledger, tables
from bankmart.sources import landing as files
from bankmart.sources.contract import ContractError, Table
from bankmart.sources.copying import copy_rows, encode
from bankmart.sources.delivery import Delivery, HashedFile, find
from bankmart.sources.ledger import Attempt
from bankmart.sources.reading.check import Checker
from bankmart.sources.reading.csv_file import CsvReader
from bankmart.sources.reading.parquet_file import ParquetReader
from bankmart.sources.reading.whole import check_header, check_whole
from bankmart.sources.references import References
from bankmart.sources.refusal import LoadRefused, Reject
from bankmart.vault import loading

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

EXAMPLES = 3
SHORT = 8 << 20  # bytes of a file that is read twice, to fetch the keys that it refers to and no others
MANY = 10_000  # rows, from which on making the key after them is worth it


@dataclass(frozen=True)
class TableLoad:
    """What became of one table's file; `status` is loaded, unchanged or absent, counts are of its records."""

    table: str
    status: str
    read: int = 0
    accepted: int = 0
    rejected: int = 0
    seconds: float = 0.0
    load_id: int | None = None


@dataclass(frozen=True)
class SystemLoad:
    """What became of a system's files of one business date."""

    system: str
    business_date: date
    tables: tuple[TableLoad, ...]


def missing(system: str, business_date: date, landing: Path | None = None) -> list[Path]:
    """The manifests of required tables that are not there yet (a file without one is still being written)."""
    at = landing or settings.landing_dir()
    paths = (
        files.folder(at, system, table.name, business_date) / files.MANIFEST
        for table in _tables(system)
        if table.is_required
    )
    return [path for path in paths if not path.exists()]


def has_delivered(system: str) -> bool:
    """Whether any file of the system was ever loaded."""
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute(
            """
            select exists (select from governance.load where system = %s and status in ('loaded', 'replaced'))
            """,
            (system,),
        )
        return bool((cursor.fetchone() or (False,))[0])


def load_system(
    system: str,
    business_date: date,
    *,
    landing: Path | None = None,
    run_id: str | None = None,
    today: date | None = None,
) -> SystemLoad:
    """Load every file that is there of the system and date in one transaction; again, it changes nothing.

    Raises LoadRefused (entered in governance.load with its reason; nothing else changes), ContractError
    where a raw table does not fit the contract, VaultError where the master key is missing or a wrong one,
    psycopg2.OperationalError where the database went away: try again.
    """
    at = landing or settings.landing_dir()
    wanted = _tables(system)
    if absent := missing(system, business_date, at):
        names = ", ".join(str(path.relative_to(at)) for path in absent)
        remedy = "wait for it, or ask the sender: the manifest is written last, after the data file."
        raise LoadRefused(f"{system} of {business_date}", "missing", f"required and not there: {names}", remedy)
    tables.create_tables(wanted)
    vault = loading.unlocked(wanted)
    attempt = Attempt(wanted[0], business_date, run_id, vault)
    try:
        if business_date > (today or date.today()):
            what = f"the business date is in the future (today is {today or date.today()})"
            raise LoadRefused(f"{system} of {business_date}", "future", what, "correct the date of the folder.")
        done: list[TableLoad] = []
        erased: list[tuple[Table, dict[str, dict[str, str]]]] = []
        with db.connect("loader") as link, link.cursor() as cursor:
            fence.copying(cursor)
            gone = Tombstones.read(cursor)
            lock = f"bankmart load {system} {business_date}"
            cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (lock,))
            keys = References(cursor, business_date)
            for table in wanted:
                attempt = Attempt(table, business_date, run_id, vault)
                attempt.gone = gone and gone.afresh()
                is_first = not any(each.status == "loaded" for each in done)
                done.append(_load_table(cursor, attempt, at, keys, is_first))
                if attempt.gone and attempt.gone.met:
                    erased.append((table, attempt.gone.met))
            ledger.tell(link, system, business_date, run_id, [each for each in done if each.status == "loaded"])
            faults.point("load.commit")
    except LoadRefused as refusal:
        with db.connect("loader") as link, link.cursor() as cursor:
            ledger.refuse(cursor, attempt, str(refusal))
            ledger.tell_refused(link, attempt, refusal.rule)
        raise
    for table, met in erased:
        # An old file has brought somebody back who is gone: not into the tables, and no longer into the folder.
        if delivery := find(at, table, business_date):
            cleaning.clean(delivery, Known(met))
    faults.point("load.done")
    return SystemLoad(system, business_date, tuple(done))


def _tables(system: str) -> list[Table]:
    systems = contract.load()
    if system not in systems:
        raise ContractError(f"no system {system!r} in the contract; it has {', '.join(systems)}")
    return list(systems[system].values())


def _load_table(cursor: Cursor, attempt: Attempt, landing: Path, keys: References, is_first: bool) -> TableLoad:
    started = time.monotonic()
    table = attempt.table
    delivery = find(landing, table, attempt.business_date)
    if delivery is None:
        return TableLoad(table.name, "absent")
    attempt.file_name = delivery.path.name
    attempt.sha256 = delivery.manifest.sha256
    attempt.control_totals = delivery.manifest.control_totals
    if (present := ledger.current(cursor, table, attempt.business_date)) and _is_loaded(cursor, delivery, present):
        load_id, _, read, accepted, rejected = present
        return TableLoad(table.name, "unchanged", read, accepted, rejected, time.monotonic() - started, load_id)
    _refuse_at_sight(cursor, delivery)
    if is_first:
        ledger.tell_begun(attempt)
    ledger.begin(cursor, attempt)
    faults.point("load.begun")
    has_no_key = delivery.manifest.row_count >= MANY and tables.drop_key_if_empty(cursor, table)
    cursor.execute(
        sql.SQL("delete from {} where business_date = %s").format(tables.relation(table)),
        (attempt.business_date,),
    )
    if attempt.vault:
        loading.forget(cursor, table, attempt.business_date)
    cursor.execute("select set_config('timezone', %s, true)", (delivery.manifest.timezone,))
    _copy(cursor, attempt, delivery, keys)
    faults.point("load.copied")
    if has_no_key:
        tables.add_key(cursor, table)
    ledger.finish(cursor, attempt)
    seconds = time.monotonic() - started
    return TableLoad(table.name, "loaded", attempt.read, attempt.accepted, attempt.rejected, seconds, attempt.load_id)


def _is_loaded(cursor: Cursor, delivery: Delivery, present: tuple[int, str, int, int, int]) -> bool:
    """Whether the date's rows come from this very content, and are still there."""
    load_id, sha256, _, accepted, _ = present
    # After an erasure the file is another one; the old one, sent again, has to be cleaned again.
    sha256 = ledger.erased(cursor, load_id) or sha256
    if sha256 != delivery.manifest.sha256 or files.sha256(delivery.path) != sha256:
        return False
    rows = sql.SQL("select exists (select from {} where business_date = %s)").format(tables.relation(delivery.table))
    cursor.execute(rows, (delivery.business_date,))
    return bool((cursor.fetchone() or (False,))[0]) or accepted == 0


def _refuse_at_sight(cursor: Cursor, delivery: Delivery) -> None:
    table, manifest = delivery.table, delivery.manifest
    if delivery.path.stat().st_size == 0:
        raise LoadRefused(delivery.where, "empty", "the file has no bytes", "send it again; no rows is a header only.")
    if manifest.row_count == 0 and table.is_required and table.extract == "full":
        what = "it is a full extract without a row, which would leave nothing of the table"
        raise LoadRefused(delivery.where, "empty", what, "send the whole table.")
    if manifest.row_count and table.extract == "event" and (other := ledger.other_date(cursor, delivery)):
        what = f"the same content was loaded for {other}: these events would count twice"
        raise LoadRefused(delivery.where, "twice", what, "send this date's own file.")


def _referring(delivery: Delivery, gone: Tombstones | None) -> dict[str, list[str]] | None:
    """What a short file's columns refer to, by column; None for a long file, and for one that can't be read."""
    names = [column.name for column in delivery.table.columns if column.references]
    if not names or delivery.path.stat().st_size > SHORT:
        return None
    found: dict[str, set[str]] = {name: set() for name in names}
    manifest = delivery.manifest
    try:
        with delivery.open() as file:
            reader: CsvReader | ParquetReader
            if manifest.format == "csv":
                reader = CsvReader(file, delivery.where, manifest.delimiter, manifest.encoding)
            else:
                reader = ParquetReader(file, delivery.where)
            check_header(delivery, reader.header)
            if isinstance(reader, ParquetReader):
                reader.check_types(delivery.table)
            for delivered in reader:
                chunk = replace.chunk(delivery.table, delivered, gone) if gone else delivered
                for name, values in found.items():
                    values.update(
                        text for text in chunk.columns[name].unique().to_pylist() if text and "\0" not in text
                    )
    except (LoadRefused, UnicodeError):
        # Said when it is read for good.
        return None
    return {name: sorted(values) for name, values in found.items()}


def _copy(cursor: Cursor, attempt: Attempt, delivery: Delivery, keys: References) -> None:
    table, manifest = delivery.table, delivery.manifest
    with delivery.open() as file, loading.sealer(attempt.vault, table, attempt.business_date) as sealer:
        source = HashedFile(file)
        reader: CsvReader | ParquetReader
        if manifest.format == "csv":
            reader = CsvReader(cast(BinaryIO, source), delivery.where, manifest.delimiter, manifest.encoding)
            check_header(delivery, reader.header)
        else:
            source.read_all()
            reader = ParquetReader(file, delivery.where)
            check_header(delivery, reader.header)
            reader.check_types(table)
        expected = min(manifest.row_count, delivery.path.stat().st_size)
        checker = Checker(table, attempt.business_date, expected, keys.of(table, _referring(delivery, attempt.gone)))
        attempt.allowed = int(table.quarantine_limit * manifest.row_count)
        examples: list[Reject] = []

        def blocks() -> Iterator[bytes]:
            constants = f"{attempt.business_date}\t{attempt.load_id}"
            for found in reader:
                chunk = replace.chunk(table, found, attempt.gone) if attempt.gone else found
                texts, rejects = checker.check(chunk)
                attempt.keep(rejects)
                examples.extend(rejects[: EXAMPLES - len(examples)])
                # What is certain to be refused is read to its end, for the report, but no longer sent.
                if checker.rejected <= attempt.allowed and checker.read <= manifest.row_count:
                    yield encode(table, sealer.protect(texts) if sealer else texts, constants)
                    faults.point("load.copying")

        try:
            copy_rows(cursor, table, blocks(), delivery.where)
        finally:
            attempt.read, attempt.rejected = checker.read, checker.rejected
            attempt.accepted = checker.read - checker.rejected
        check_whole(delivery, checker, source.sha256, examples)
        if sealer:
            sealer.write(cursor)
