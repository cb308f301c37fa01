"""Records of a load that lie in quarantine: taken out into a file, put back repaired, each exactly once."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import pyarrow as pa
from psycopg2.extras import execute_values

from bankmart import db, faults, settings
from bankmart.errors import BankmartError
from bankmart.governance import audit
from bankmart.governance.people.erasure import fence, replace
from bankmart.governance.people.erasure.replace import Tombstones
from bankmart.sources import ledger
from bankmart.sources.contract import Table
from bankmart.sources.copying import copy_rows, encode
from bankmart.sources.delivery import Delivery, find
from bankmart.sources.reading.check import Checker
from bankmart.sources.reading.csv_file import Chunk, CsvReader
from bankmart.sources.references import References
from bankmart.sources.refusal import LoadRefused, Reject
from bankmart.vault import loading, store
from bankmart.vault.loading import Sealer

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

LINE = "line_number"
SAYS = (LINE, "rule", "at_column", "why")
SHOWN = 10
WAITING = """
select line_number, rule, coalesce(column_name, ''), reason, raw_text
from governance.quarantine
where
    load_id = %(load)s
    and not exists (
        select from governance.quarantine_repair as repair
        where repair.load_id = quarantine.load_id and repair.line_number = quarantine.line_number
    )
order by line_number
"""


class RepairRefused(BankmartError):
    """Nothing was put back: says which records are still wrong, or why there is nothing to repair."""


@dataclass(frozen=True)
class Repaired:
    """What became of a file of repaired records: put back now, put back before, still in quarantine."""

    load_id: int
    repaired: int
    before: int
    waiting: int


def take_out(table: Table, day: date, file: Path, by: str = "") -> int:
    """Write what lies in quarantine of the date's current load into `file`, readable by its owner only; how many.

    A CSV with the contract's columns, filled from the raw record where it can be read, behind the record's number, the
    rule, the column and the reason. It holds personal data: the audit chain says beforehand who (`by`) took them out.
    Raises RepairRefused where nothing is there to repair.
    """
    where = f"{table.system}.{table.name} of {day}"
    with db.connect("loader") as link, link.cursor() as cursor:
        load_id = _current(cursor, table, day)
        cursor.execute(WAITING, {"load": load_id})
        records = cursor.fetchall()
        if not records:
            raise RepairRefused(f"{where} has no record in quarantine: nothing to repair")
        raws = [record[-1] for record in records]
        vault = loading.unlocked([table])
        facts = {"reason": "taken out for repair", "records": len(records), "load_id": load_id}
        kind = "vault_read" if vault else "quarantine_read"
        audit.append(link, kind, by or settings.who(), f"quarantine of {where}", facts)
        link.commit()
        if vault:
            raws = store.open_lines(cursor, vault.keys, load_id, [(record[0], record[-1]) for record in records])
    header, delimiter = format_of(table, day)
    names = [column.name for column in table.columns]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*SAYS, *names])
    for (line, rule, column, reason, _), raw in zip(records, raws, strict=True):
        known = fields(raw, header, delimiter)
        writer.writerow([line, rule, column, reason, *(known.get(name) for name in names)])
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text.getvalue())
    return len(records)


def put_back(table: Table, day: date, file: Path, by: str, reason: str) -> Repaired:
    """Check the records of `file` against the contract and load them; all of those that weren't before, or none.

    In one transaction with the ledger's counts and the audit's entry: killed on the way nothing has happened, run again
    nothing happens twice, nor where two do it at once. Raises RepairRefused where a record still breaks the contract,
    has a key that is there already, or was never in quarantine.
    """
    where = f"{table.system}.{table.name} of {day}, file {file.name}"
    of, said = f"{table.system}.{table.name} of {day}", audit.Said(reason)
    audit.attempt("loader", "quarantine_repair", by, of, {"reason": said})
    with file.open("rb") as opened, db.connect("loader") as link, link.cursor() as cursor:
        lock = f"bankmart load {table.system} {day}"
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (lock,))
        load_id = _current(cursor, table, day)
        fence.copying(cursor)
        chunks = list(CsvReader(cast(BinaryIO, opened), where, ",", "utf-8"))
        if gone := Tombstones.read(cursor):
            chunks = [replace.chunk(table, chunk, gone) for chunk in chunks]
        numbers = _numbers(chunks, table, where)
        new = _claim(cursor, load_id, numbers, by, reason, where)
        faults.point("repair.claimed")
        if new:
            delivery = _delivery(table, day)
            zone = delivery.manifest.timezone if delivery else "UTC"
            cursor.execute("select set_config('timezone', %s, true)", (zone,))
            checker = Checker(table, day, len(numbers), References(cursor, day).of(table))
            with loading.sealer(loading.unlocked([table]), table, day) as sealer:
                _load(cursor, checker, [_only(chunk, new) for chunk in chunks], f"{day}\t{load_id}", where, sealer)
            cursor.execute(
                "update governance.load set accepted_count = accepted_count + %(new)s,"
                " rejected_count = rejected_count - %(new)s where load_id = %(load)s",
                {"new": len(new), "load": load_id},
            )
        cursor.execute("select rejected_count from governance.load where load_id = %s", (load_id,))
        (waiting,) = db.one(cursor)
        if new:
            facts = {"load_id": load_id, "lines": sorted(new), "reason": said, "still_in_quarantine": waiting}
            audit.append(link, "quarantine_repair", by, of, facts)
        faults.point("repair.commit")
    faults.point("repair.done")
    return Repaired(load_id, len(new), len(numbers) - len(new), int(waiting))


def _current(cursor: Cursor, table: Table, day: date) -> int:
    present = ledger.current(cursor, table, day)
    if present is None:
        raise RepairRefused(
            f"{table.system}.{table.name} of {day} is not loaded: a refused file is corrected and sent again as a whole"
        )
    return present[0]


def _delivery(table: Table, day: date) -> Delivery | None:
    try:
        return find(settings.landing_dir(), table, day)
    except LoadRefused:
        return None


def format_of(table: Table, day: date) -> tuple[list[str], str]:
    """The delivered file's columns and delimiter; the contract's order and a comma where it is gone or no CSV."""
    delivery = _delivery(table, day)
    if delivery is None or delivery.manifest.format != "csv":
        return [column.name for column in table.columns], ","
    manifest = delivery.manifest
    with delivery.open() as file:
        return CsvReader(file, delivery.where, manifest.delimiter, manifest.encoding).header, manifest.delimiter


def fields(raw: str, header: list[str], delimiter: str) -> dict[str, str | None]:
    """A raw record's fields by name; none where it can't be told which is which."""
    if raw.startswith("{"):  # of a Parquet file
        try:
            return dict(json.loads(raw))
        except ValueError:
            return {}
    fields = next(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter), [])
    return dict(zip(header, fields, strict=True)) if len(fields) == len(header) else {}


def _numbers(chunks: list[Chunk], table: Table, where: str) -> list[int]:
    wanted = {LINE, *(column.name for column in table.columns)}
    lacking = sorted(wanted - set(chunks[0].columns)) if chunks else [LINE]
    if lacking:
        raise RepairRefused(f"{where} has no record, or lacks columns: {', '.join(lacking)}. Take them out anew.")
    if bad := [reject for chunk in chunks for reject in chunk.bad]:
        raise _still_wrong(bad, where)
    texts = [text or "" for chunk in chunks for text in chunk.columns[LINE].to_pylist()]
    if wrong := [text for text in texts if not text.isdecimal()]:
        raise RepairRefused(f"{where}: {wrong[0]!r} is no {LINE}: leave that column as it was taken out")
    numbers = [int(text) for text in texts]
    if len(set(numbers)) < len(numbers):
        raise RepairRefused(f"{where}: a {LINE} is there twice: one repaired record for each")
    return numbers


def _claim(cursor: Cursor, load_id: int, numbers: list[int], by: str, reason: str, where: str) -> set[int]:
    """Mark the records as repaired; those that were not before."""
    cursor.execute("select line_number from governance.quarantine where load_id = %s", (load_id,))
    if unknown := sorted(set(numbers) - {number for (number,) in cursor.fetchall()}):
        raise RepairRefused(f"{where}: line {unknown[0]} is not in quarantine of load {load_id}: take them out anew")
    claimed = execute_values(
        cursor,
        "insert into governance.quarantine_repair (load_id, line_number, repaired_by, reason) values %s"
        " on conflict do nothing returning line_number",
        [(load_id, number, by, reason) for number in numbers],
        fetch=True,
    )
    return {number for (number,) in claimed}


def _only(chunk: Chunk, numbers: set[int]) -> Chunk:
    """The records of a chunk that are new."""
    keep = [int(text) in numbers for text in chunk.columns[LINE].to_pylist()]
    rows = [row for row, kept in enumerate(keep) if kept]
    columns = {name: text.filter(pa.array(keep, pa.bool_())) for name, text in chunk.columns.items()}
    return Chunk(columns, len(rows), lambda wanted: chunk.locate([rows[row] for row in wanted]))


def _load(
    cursor: Cursor, checker: Checker, chunks: list[Chunk], constants: str, where: str, sealer: Sealer | None
) -> None:
    rejects: list[Reject] = []

    def blocks() -> Iterator[bytes]:
        for chunk in chunks:
            texts, wrong = checker.check(chunk)
            rejects.extend(wrong)
            yield encode(checker.table, sealer.protect(texts) if sealer else texts, constants)

    try:
        copy_rows(cursor, checker.table, blocks(), where)
    except LoadRefused as refusal:
        raise RepairRefused(f"{refusal}\n  A record with its key may be loaded already.") from None
    if rejects:
        raise _still_wrong(rejects, where)
    if sealer:
        sealer.write(cursor)


def _still_wrong(rejects: list[Reject], where: str) -> RepairRefused:
    lines = "".join(
        f"\n    line {each.line} of the file, column {each.column or '-'}: {each.reason} [{each.rule}]"
        for each in rejects[:SHOWN]
    )
    return RepairRefused(f"{where}: nothing was put back, {len(rejects)} records still break the contract:{lines}")
