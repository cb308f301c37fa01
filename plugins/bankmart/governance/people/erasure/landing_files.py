"""Landing files without those who are gone: the other records stay byte for byte, the manifest says the new content."""

from __future__ import annotations

import csv
import io
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace as with_changes
from datetime import date
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bankmart import settings
from bankmart.governance.people.erasure.replace import ERASED, Known, changed
from bankmart.governance.people.erasure.search.finder import Finder
from bankmart.governance.people.places import places
from bankmart.sources import contract
from bankmart.sources.contract import Table
from bankmart.sources.delivery import Delivery, find
from bankmart.sources.landing import sha256, write_manifest
from bankmart.sources.refusal import LoadRefused

DRAFT = ".erasing"
BLOCK = 4 << 20
LONGEST = 64 << 20
PARSING = threading.Lock()
QUOTE = ord('"')


def folders() -> Iterator[tuple[Table, date]]:
    """Every folder of an extract in which numbers of persons can be."""
    for tables in contract.load().values():
        for table in tables.values():
            if any(place.kind for place in places(table)):
                place = settings.landing_dir() / table.system / table.name
                for each in sorted(place.glob("????-??-??")):
                    yield table, date.fromisoformat(each.name)


def delivery(table: Table, day: date) -> Delivery | None:
    """What lies there; None where nothing whole does."""
    try:
        return find(settings.landing_dir(), table, day)
    except LoadRefused:
        return None


def rewrite(of: Delivery, numbers: Known, expect: Callable[[str], None] = lambda _: None) -> str | None:
    """Write a data file and its manifest again without those who are gone; its new SHA-256, None where it has none.

    The new content lies beside the old one first, and `expect` is told its hash: killed between the two files, the
    manifest is put right by `mend`.
    """
    # Its own: what another process writes beside this one is never put in its place, half written.
    draft = of.path.with_name(f"{DRAFT}.{secrets.token_hex(4)}.{of.path.name}")
    try:
        made = _parquet(of, numbers, draft) if of.manifest.format == "parquet" else _csv(of, numbers, draft)
        if not made:
            return None
        draft.chmod(of.path.stat().st_mode & 0o777)
        digest = sha256(draft)
        expect(digest)
        draft.replace(of.path)
        write_manifest(of.path.parent, with_changes(of.manifest, sha256=digest))
        return digest
    finally:
        draft.unlink(missing_ok=True)


def mend(of: Delivery, expected: str | None) -> None:
    """Put the manifest right where a rewriting was killed behind its data file."""
    for left in of.path.parent.glob(f"{DRAFT}.*"):
        left.unlink()
    if expected and of.manifest.sha256 != expected and sha256(of.path) == expected:
        write_manifest(of.path.parent, with_changes(of.manifest, sha256=expected))


def _parquet(of: Delivery, numbers: Known, draft: Path) -> bool:
    rows = pq.read_table(of.path)
    held = [place for place in places(of.table) if place.kind and place.name in rows.column_names]
    gone = {place.name: dict(numbers.numbers.get(place.kind or "", {})) for place in held}
    mask = np.zeros(rows.num_rows, bool)
    for name, known in gone.items():
        mask |= pc.is_in(rows[name], pa.array(list(known), rows[name].type)).to_numpy(zero_copy_only=False)
    if not mask.any():
        return False
    places_of = np.flatnonzero(mask)
    news = [(at, changed(of.table, record, gone)) for at, record in
            zip(places_of.tolist(), rows.take(pa.array(places_of)).to_pylist(), strict=True)]  # fmt: skip
    for column, field in enumerate(rows.schema):
        if mine := [(at, new[field.name]) for at, new in news if field.name in new]:
            where = np.zeros(rows.num_rows, bool)
            where[[at for at, _ in mine]] = True
            values = pa.array([value for _, value in mine], field.type)
            made = pc.replace_with_mask(rows[field.name].combine_chunks(), pa.array(where), values)
            rows = rows.set_column(column, field, made)
    pq.write_table(rows, draft)
    return True


def _csv(of: Delivery, numbers: Known, draft: Path) -> bool:
    encoding, delimiter = of.manifest.encoding, of.manifest.delimiter
    old = [number for known in numbers.numbers.values() for number in known]
    finder = Finder(number.encode(encoding) for number in old)
    kinds = {place.kind for place in places(of.table) if place.kind}
    gone = {place.name: numbers.numbers.get(place.kind or "", {}) for place in places(of.table) if place.kind}
    header: list[str] = []
    has_any = False

    def treated(fields: list[str], raw: str) -> str:
        if len(fields) == len(header):
            record = dict(zip(header, fields, strict=True))
            if new := changed(of.table, record, gone):
                return _written([new.get(name, value) for name, value in record.items()], raw, delimiter)
        elif any(numbers.of(kind, fields[:200]) for kind in kinds):
            # It stays a record that breaks the contract.
            return ERASED + raw[len(raw.rstrip("\r\n")) :]
        return raw

    with of.open() as file, draft.open("wb") as out:
        for block in _blocks(file):
            if not header:
                first = block.partition(b"\n")[0].decode(encoding, "surrogateescape")
                header = next(csv.reader([first.removeprefix("\ufeff").rstrip("\r")], delimiter=delimiter), [])
                finder = finder.tuned(block)
            starts = finder.starts(block)
            if not starts:
                out.write(block)
                continue
            done = 0
            for start, end in _records_at(block, starts):
                raw = block[start:end].decode(encoding, "surrogateescape")
                made = "".join(treated(fields, one) for fields, one in _records(raw, delimiter))
                has_any = has_any or made != raw
                out.write(block[done:start])
                out.write(made.encode(encoding, "surrogateescape"))
                done = end
            out.write(block[done:])
    return has_any


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """The file in blocks that end with a record: where no quote is open."""
    rest = b""
    while block := file.read(BLOCK):
        rest += block
        end = rest.rfind(b"\n") + 1
        while end and _quotes(rest, 0, end) % 2 and len(rest) < LONGEST:
            end = rest.rfind(b"\n", 0, end - 1) + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def _records_at(block: bytes, places: list[int]) -> Iterator[tuple[int, int]]:
    """Begin and end of the records at some places of a block, each once: only these need be taken apart."""
    done = 0
    for place in places:
        if place < done:
            continue
        start = block.rfind(b"\n", done, place) + 1 or done
        while start > done and _quotes(block, done, start) % 2:
            start = block.rfind(b"\n", done, start - 1) + 1 or done
        end = block.find(b"\n", place) + 1
        while end and _quotes(block, start, end) % 2:
            end = block.find(b"\n", end) + 1
        done = end or len(block)
        yield start, done


def _quotes(block: bytes, start: int, end: int) -> int:
    # Many of them: bytes.count goes from one to the next.
    return int(np.count_nonzero(np.frombuffer(block, np.uint8, end - start, start) == QUOTE))


def _records(text: str, delimiter: str) -> list[tuple[list[str], str]]:
    """Each record's fields and its own text."""
    taken: list[str] = []
    found: list[tuple[list[str], str]] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    with PARSING:
        # The whole process's limit, which the loader's reader goes by.
        before = csv.field_size_limit(1 << 30)
        try:
            for fields in csv.reader(lines(), delimiter=delimiter):
                found.append((fields, "".join(taken)))
                taken.clear()
        finally:
            csv.field_size_limit(before)
    return found


def _written(fields: list[str | None], raw: str, delimiter: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="", quoting=csv.QUOTE_MINIMAL).writerow(fields)
    return text.getvalue() + raw[len(raw.rstrip("\r\n")) :]


def root() -> Path:
    """The landing folder."""
    return settings.landing_dir()
