"""A CSV file, a block of whole records at a time, as columns of text.

A block in which every quote is where RFC 4180 has it is parsed by Arrow, any other one record by record, so
that one bad record costs itself only. Memory is bounded by the block and by the longest record.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from bankmart.sources.refusal import LoadRefused, Reject

BLOCK = 4 << 20
LONGEST_RECORD = 16 << 20
CLOSED = re.compile(r'"(?:[^"]|"")*+"')
UNDECODABLE = re.compile("[\ud800-\udfff]")
ENCODINGS = re.compile(
    r"utf-8(-sig)?|ascii|gb18030|gbk|gb2312|big5(hkscs)?|iso8859-\d+|cp\d+|koi8-[rtu]|euc_(jp|kr)|shift_jis"
)

Record = tuple[list[str] | None, int, str]  # fields (None: its quotes are wrong), line, raw text


@dataclass(frozen=True)
class Chunk:
    """Some records of a file: `columns` are texts in the header's order, empty is null."""

    columns: dict[str, pa.StringArray]
    length: int
    locate: Callable[[list[int]], list[tuple[int, str]]]
    bad: list[Reject] = field(default_factory=list)


def is_readable(encoding: str) -> bool:
    """Whether the encoding is known and keeps ASCII as it is, which finding records needs."""
    try:
        name = codecs.lookup(encoding).name
        return bool(ENCODINGS.fullmatch(name)) and bytes(range(128)).decode(name) == bytes(range(128)).decode("ascii")
    except (LookupError, UnicodeDecodeError):
        return False


class CsvReader:
    """Reads header and records of one file. Raises LoadRefused where no record's end can be found."""

    def __init__(self, source: BinaryIO, where: str, delimiter: str, encoding: str) -> None:
        """`source` is read once, from its start; `where` names it in messages."""
        self.where, self.delimiter = where, delimiter
        name = codecs.lookup(encoding).name
        self._transcodes = name not in ("utf-8", "utf-8-sig", "ascii")
        self._errors = "surrogatepass" if self._transcodes else "surrogateescape"
        self._blocks = _utf8(source, name if self._transcodes else None)
        self._rest, self._line, self._is_last, self._open = b"", 1, False, 0
        self.header: list[str] = self._read_header()

    def __iter__(self) -> Iterator[Chunk]:
        """Every record of the file, in its order."""
        while not (self._is_last and not self._rest):
            end, is_regular = self._cut()
            chunk = self._fast(self._rest[:end]) if end and is_regular else None
            if chunk is None and (end or self._must_end()):
                chunk, end = self._slow()
            if end:
                self._line += self._rest.count(b"\n", 0, end)
                self._rest = self._rest[end:]
                if chunk is not None and (chunk.length or chunk.bad):
                    yield chunk
            if not self._is_last:
                self._fill()

    def _read_header(self) -> list[str]:
        self._fill()
        while b"\n" not in self._rest and not self._is_last:
            self._must_end()
            self._fill()
        line, _, self._rest = self._rest.partition(b"\n")
        self._line = 2
        text = line.decode("utf-8", self._errors).rstrip("\r")
        try:
            return next(csv.reader([text], delimiter=self.delimiter), [])
        except csv.Error:  # no header at all, but a field of more than 128 kB
            return []

    def _fill(self) -> None:
        block = next(self._blocks, b"")
        self._is_last = not block
        self._rest += block
        if self._is_last and self._rest and not self._rest.endswith(b"\n"):
            self._rest += b"\n"

    def _must_end(self) -> bool:
        too_long = len(self._rest) >= LONGEST_RECORD
        if too_long and b"\n" not in self._rest:
            raise LoadRefused(
                f"{self.where}, line {self._line}",
                "record_length",
                f"no end of the line within {LONGEST_RECORD >> 20} MB",
                "write the file with LF or CRLF at the end of each record, and send it again.",
            )
        return too_long or self._is_last

    def _cut(self) -> tuple[int, bool]:
        """Where the last whole record of what is read ends, and whether all before it is plain RFC 4180."""
        data = self._rest
        end = data.rfind(b"\n") + 1
        is_regular = True
        if b'"' in data:
            seen = np.frombuffer(data, np.uint8)
            quotes = np.flatnonzero(seen == ord('"'))
            before = int(np.searchsorted(quotes, end))
            while end and before % 2:
                end = data.rfind(b"\n", 0, int(quotes[before - 1])) + 1
                before = int(np.searchsorted(quotes, end))
            around = np.zeros(256, bool)
            around[[ord(self.delimiter), ord("\n"), ord("\r"), ord('"')]] = True
            opening, closing = quotes[:before:2], quotes[1:before:2]
            opening = opening[1:] if before and opening[0] == 0 else opening
            is_regular = bool(around[seen[opening - 1]].all() and around[seen[closing + 1]].all())
        if b"\r" in data:
            is_regular = is_regular and data.count(b"\r", 0, end) == data.count(b"\r\n", 0, end)
        return end, is_regular

    def _fast(self, block: bytes) -> Chunk | None:
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(block),
                pa_csv.ReadOptions(column_names=self.header, use_threads=False, block_size=len(block) + 1),
                pa_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
                pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(self.header, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid:  # a wrong number of fields, or bytes that are no UTF-8
            return None
        columns = {name: _one(table[name]) for name in self.header}
        first = self._line

        def locate(rows: list[int]) -> list[tuple[int, str]]:
            if block.count(b"\n") == table.num_rows:
                lines = block.split(b"\n")
                return [(first + row, lines[row].decode("utf-8").removesuffix("\r")) for row in rows]
            records, _ = self._records(block.decode("utf-8"), first, True, False)
            return [records[row][1:] for row in rows]

        return Chunk(columns, table.num_rows, locate)

    def _slow(self) -> tuple[Chunk, int]:
        whole = self._rest[: self._rest.rfind(b"\n") + 1]
        text = whole.decode("utf-8", self._errors)
        records, end = self._records(text, self._line, self._is_last, self._must_end())
        good, bad = [], []
        for fields, line, raw in records:
            if UNDECODABLE.search(raw):
                bad.append(Reject(line, None, "encoding", "bytes that are not in the file's encoding", raw))
            elif fields is None:
                reason = "a quote that is not closed, or text after a closing quote"
                bad.append(Reject(line, None, "quote", reason, raw))
            elif len(fields) != len(self.header):
                reason = f"{len(fields)} fields where the header has {len(self.header)}"
                bad.append(Reject(line, None, "field_count", reason, raw))
            else:
                good.append((fields, line, raw))
        columns = {
            name: pa.array([fields[at] or None for fields, _, _ in good], pa.string())
            for at, name in enumerate(self.header)
        }
        places = [(line, raw) for _, line, raw in good]
        chunk = Chunk(columns, len(good), lambda rows: [places[row] for row in rows], bad)
        return chunk, len(text[:end].encode("utf-8", self._errors))

    def _records(self, text: str, line: int, is_last: bool, is_forced: bool) -> tuple[list[Record], int]:
        """Records of `text`, which ends with a line end, and where the first unfinished one starts.

        A quote that is never closed spoils its own line only: known at the file's end (`is_last`), or assumed
        of the first record (`is_forced`) where it has grown too long.
        """
        delimiter = re.escape(self.delimiter)
        quoted = re.compile(rf'"((?:[^"]|"")*+)"(?={delimiter}|\r?\n)')
        records: list[Record] = []
        start = 0
        while start < len(text):
            stop = text.index("\n", start)
            fields: list[str] | None = text[start:stop].removesuffix("\r").split(self.delimiter)
            if text.find('"', start, stop) >= 0:
                found = self._fields(text, start, quoted)
                if found is None and not (is_last or (is_forced and start == 0)) and not CLOSED.match(text, self._open):
                    return records, start
                fields, stop = found or (None, stop)
            raw = text[start:stop].removesuffix("\r")
            if raw:
                records.append((fields, line, raw))
            line += text.count("\n", start, stop + 1)
            start = stop + 1
        return records, start

    def _fields(self, text: str, at: int, quoted: re.Pattern[str]) -> tuple[list[str], int] | None:
        """The fields of the record at `at` and where it ends; None for a quote that closes no field."""
        fields = []
        while True:
            if text[at] == '"':
                found = quoted.match(text, at)
                if found is None:
                    self._open = at
                    return None
                fields.append(found[1].replace('""', '"'))
                at = found.end() + text.startswith("\r\n", found.end())
            else:
                line_end = text.index("\n", at)
                stop = text.find(self.delimiter, at, line_end)
                fields.append(text[at:stop] if stop >= 0 else text[at:line_end].removesuffix("\r"))
                at = stop if stop >= 0 else line_end
            if text[at] == "\n":
                return fields, at
            at += 1


def _utf8(source: BinaryIO, encoding: str | None) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape") if encoding else None
    mark = codecs.BOM_UTF8
    is_first = True
    while block := source.read(BLOCK):
        if decoder:
            block = decoder.decode(block).encode("utf-8", "surrogatepass")
        if is_first:
            block, is_first = block.removeprefix(mark), False
        if block:
            yield block
    if decoder and (rest := decoder.decode(b"", final=True)):
        yield rest.encode("utf-8", "surrogatepass")


def _one(column: pa.ChunkedArray) -> pa.StringArray:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
