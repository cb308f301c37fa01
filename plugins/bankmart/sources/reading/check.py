"""Checks records against the contract, a chunk at a time: what is accepted, what is rejected and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankmart.governance.quality.likeness import is_track
from bankmart.sources.contract import Column, Table
from bankmart.sources.reading import values
from bankmart.sources.reading.csv_file import Chunk
from bankmart.sources.reading.keys import KeySet, hashes
from bankmart.sources.refusal import Reject, shown

LONGEST_FIELD = 1_000_000
ZONES = timedelta(days=1)  # a moment's zone may be ahead of the bank's
VALUELESS = ("null", "length", "nul", "track")  # rules whose reason shows no value
# A card's track may be kept nowhere, not in quarantine either: its record is not kept.
TRACK = r"%[Bb][0-9]{12,19}\^[^^\n]{2,26}\^[0-9]{7,}|;[0-9]{12,19}=[0-9]{7,}"
WITHHELD = "(this record is not kept: it holds a card's track data)"

Mask = np.ndarray
Fault = tuple[pa.Array, str, str]  # which rows, the rule, words for its reason
Faults = dict[int, tuple[Column, str, str]]  # by row: the first rule that it broke, where, and the reason


class Checker:
    """Checks one file of one table; counts what it has read, and sums what the manifest states totals of."""

    def __init__(
        self, table: Table, business_date: date, expected: int, references: dict[str, KeySet] | None = None
    ) -> None:
        """`expected` rows; `references` holds the known keys by the column that refers to them."""
        self.table, self.business_date = table, business_date
        self.read = self.rejected = 0
        self.totals = dict.fromkeys(table.totals, Decimal(0))
        self.unreadable = dict.fromkeys(table.totals, 0)
        self.examples: list[str] = []
        self._seen = KeySet(expected)
        self._references = references or {}

    def check(self, chunk: Chunk) -> tuple[list[pa.StringArray], list[Reject]]:
        """The accepted records' columns as texts in the contract's order, and the rejected records."""
        faults: Faults = {}
        typed, texts = [], []
        for column in self.table.columns:
            parsed, text = values.parse(chunk.columns[column.name], column.data_type)
            raw = chunk.columns[column.name]
            for mask, rule, words in self._column_faults(column, raw, parsed):
                for row in np.flatnonzero(_where(mask)).tolist():
                    value = "" if rule in VALUELESS else f"{shown(raw[row].as_py(), column.data_class)} "
                    fault = (column, rule, value + words)
                    # Whatever else is wrong with the record: of a track nothing is kept.
                    faults[row] = fault if rule == "track" else faults.setdefault(row, fault)
            self._sum(column, parsed, chunk)
            typed.append(parsed)
            texts.append(text)
        self._key_faults(typed, faults, chunk.length)
        rejects = chunk.bad + self._rejects(chunk, faults)
        self.read += chunk.length + len(chunk.bad)
        self.rejected += len(rejects)
        if faults:
            keep = np.ones(chunk.length, bool)
            keep[list(faults)] = False
            texts = [text.filter(pa.array(keep)) for text in texts]
        return texts, rejects

    def _column_faults(self, column: Column, raw: pa.StringArray, parsed: pa.Array) -> Iterator[Fault]:
        if raw.null_count and not column.is_nullable:
            yield pc.is_null(raw), "null", "no value, and the contract asks for one"
        if column.data_type == "text":
            lengths = pc.binary_length(raw)
            if (pc.max(lengths).as_py() or 0) > LONGEST_FIELD:
                yield (
                    pc.greater(lengths, LONGEST_FIELD),
                    "length",
                    f"more than {LONGEST_FIELD:,} bytes in a field",
                )
            held = values.data(raw)
            if _may_have_track(held):
                is_like = _where(pc.match_substring_regex(raw, TRACK))
                tracks = [bool(like) and is_track(value.as_py()) for like, value in zip(is_like, raw, strict=True)]
                yield pa.array(tracks), "track", "looks like a card's track data (category C3), which nobody may keep"
            if b"\0" in held:
                yield pc.match_substring(raw, "\0"), "nul", "a NUL byte in a field"
        if parsed.null_count > raw.null_count:
            is_wrong = pc.and_(pc.is_null(parsed), pc.is_valid(raw))
            yield is_wrong, "type", f"is no {column.data_type}: {values.HINTS[values.kind(column.data_type)]}"
        if column.values:
            is_known = pc.or_(pc.is_in(raw, value_set=pa.array(column.values)), pc.is_null(raw))
            yield pc.invert(is_known), "values", f"is none of {', '.join(column.values)}"
        if column.minimum is not None:
            yield pc.less(parsed, _bound(column.minimum, parsed)), "range", f"is less than {column.minimum}"
        if column.maximum is not None:
            yield (
                pc.greater(parsed, _bound(column.maximum, parsed)),
                "range",
                f"is more than {column.maximum}",
            )
        if column.name == self.table.event_column:
            slack = ZONES if column.data_type == "timestamptz" else timedelta()
            end = pc.cast(pa.scalar(self.business_date + timedelta(days=1) + slack), parsed.type)
            yield pc.greater_equal(parsed, end), "future", f"is after the business date, {self.business_date}"

    def _key_faults(self, typed: list[pa.Array], faults: Faults, length: int) -> None:
        by_name = dict(zip((column.name for column in self.table.columns), typed, strict=True))
        for column in self.table.columns:
            if known := self._references.get(column.name):
                referring = by_name[column.name]
                is_orphan = ~known.contains(hashes([referring])) & _where(pc.is_valid(referring))
                for row in np.flatnonzero(is_orphan).tolist():
                    value = shown(str(referring[row].as_py()), column.data_class)
                    faults.setdefault(row, (column, "orphan", f"{value} is not in {column.references}"))
        is_good = np.ones(length, bool)
        is_good[list(faults)] = False
        good = np.flatnonzero(is_good)
        keys = hashes([by_name[name] for name in self.table.key])
        key = ", ".join(self.table.key)
        by_key = next(column for column in self.table.columns if column.is_key)
        for row in good[self._seen.add(keys[good])].tolist():
            value = shown(str(by_name[by_key.name][row].as_py()), by_key.data_class)
            faults[row] = (by_key, "duplicate", f"a record with this key ({key}: {value} …) came before")

    def _rejects(self, chunk: Chunk, faults: Faults) -> list[Reject]:
        rows = sorted(faults)
        rejects = []
        for row, (line, raw) in zip(rows, chunk.locate(rows) if rows else (), strict=True):
            column, rule, reason = faults[row]
            rejects.append(Reject(line, column.name, rule, reason, WITHHELD if rule == "track" else raw))
        return rejects

    def _sum(self, column: Column, parsed: pa.Array, chunk: Chunk) -> None:
        if column.is_total:
            self.totals[column.name] += Decimal(str(pc.sum(parsed, min_count=0).as_py()))
            is_unread = parsed.null_count - chunk.columns[column.name].null_count
            self.unreadable[column.name] += is_unread + len(chunk.bad)


def _may_have_track(held: bytes) -> bool:
    # Of all values at once, at a fraction of what the pattern costs: a sentinel and digits behind it.
    if b"%" not in held and b";" not in held:
        return False
    found = np.frombuffer(held, np.uint8)
    after = np.flatnonzero((found == ord(";")) | (found == ord("B")) | (found == ord("b"))) + 1
    after = after[after + 11 < len(found)]
    return bool(np.any(np.all([_is_digit(found[after + place]) for place in (0, 5, 11)], axis=0)))


def _is_digit(found: np.ndarray) -> Mask:
    is_digit: Mask = (found >= ord("0")) & (found <= ord("9"))
    return is_digit


def _bound(bound: float, values_of: pa.Array) -> pa.Scalar:
    is_exact = pa.types.is_decimal(values_of.type)
    return pa.scalar(Decimal(str(bound)) if is_exact else bound, values_of.type)


def _where(mask: pa.Array) -> Mask:
    found: Mask = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
    return found
