"""From simulated rows to landing files: history in one big extract, then one small extract per day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankmart.sources import contract, landing
from bankmart.sources.simulate import late
from bankmart.sources.simulate.calendar import Array, to_date
from bankmart.sources.simulate.config import SimulationConfig

# A real bank's systems don't agree on formats either.
FORMATS: dict[str, dict[str, Any]] = {
    "crm": {"delimiter": "|", "encoding": "gb18030"},
    "wealth": {"delimiter": ";"},
    "external": {"file_format": "parquet"},
}


class Outbox:
    """Takes every table's rows with the day they belong to, and writes each business date's extracts."""

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config
        self.tables = {t.identifier: t for system in contract.load().values() for t in system.values()}
        self.first, self.last = config.go_live_day, config.last_day
        self._history: dict[str, landing.ExtractStream] = {}
        self._daily: dict[tuple[str, int], list[pa.Table]] = defaultdict(list)
        self._versions: dict[str, list[tuple[pa.Table, Array]]] = defaultdict(list)
        self._full: dict[str, Callable[[int], pa.Table]] = {}
        self._schemas: dict[str, pa.Schema] = {}

    def events(self, name: str, rows: dict[str, Any], day: Array) -> None:
        """Rows of an event table; `day` is the business date (a day number) on which each row happened."""
        table = pa.table(rows)
        self._schemas[name] = table.schema
        day = late.delivery_days(self.config, name, day)
        past = day <= self.first
        self._stream(name).write(table if past.all() else table.filter(pa.array(past)))
        for later in np.unique(day[(day > self.first) & (day <= self.last)]):
            self._daily[name, int(later)].append(table.filter(pa.array(day == later)))

    def versions(self, name: str, rows: dict[str, Any], day: Array) -> None:
        """Versions of a delta table's rows; `day` is the date from which each is true."""
        self._versions[name].append((pa.table(rows), np.asarray(day, np.int64)))

    def full(self, name: str, at: Callable[[int], pa.Table]) -> None:
        """A full table: `at(day)` gives its rows on that day."""
        self._full[name] = at

    def close(self) -> None:
        """Write what is left: the history files' manifests, full tables, changes, and the daily extracts."""
        for name, table in self.tables.items():
            if table.extract == "full":
                for day in range(self.first, self.last + 1):
                    self._write(name, day, self._full[name](day))
            elif table.extract == "delta":
                self._write_versions(name)
            else:
                self._write_days(name)

    def _stream(self, name: str) -> landing.ExtractStream:
        if name not in self._history:
            table = self.tables[name]
            self._history[name] = landing.ExtractStream(
                self.config.landing, table, self.config.go_live, **FORMATS.get(table.system, {})
            )
        return self._history[name]

    def _write_days(self, name: str) -> None:
        self._history[name].close()
        for day in range(self.first + 1, self.last + 1):
            pieces = self._daily.pop((name, day), [])
            self._write(name, day, pa.concat_tables([self._schemas[name].empty_table(), *pieces]))

    def _write_versions(self, name: str) -> None:
        pieces = self._versions[name]
        rows = pa.concat_tables(piece for piece, _ in pieces)
        days = np.concatenate([day for _, day in pieces])
        keys = [rows[key].to_numpy() for key in self.tables[name].key]
        for day in range(self.first, self.last + 1):
            chosen = np.flatnonzero(days <= day) if day == self.first else np.flatnonzero(days == day)
            extract = rows.take(pa.array(_latest(chosen, days, keys)))
            if name == late.CUSTOMER and self.config.late and day > self.first:
                extract = pa.concat_tables([extract, late.restated(self.config, rows, days, day)])
            self._write(name, day, extract)

    def _write(self, name: str, day: int, rows: pa.Table) -> None:
        table = self.tables[name]
        landing.write_extract(self.config.landing, table, to_date(day), rows, **FORMATS.get(table.system, {}))


def _latest(chosen: Array, days: Array, keys: list[Array]) -> Array:
    """Of the chosen rows, the last version of each key, in the order of the keys."""
    order = chosen[np.lexsort((chosen, days[chosen], *(key[chosen] for key in reversed(keys))))]
    differs = np.zeros(len(order), bool)
    differs[-1:] = True
    for key in keys:
        differs[:-1] |= key[order][1:] != key[order][:-1]
    return order[differs]


def money(cents: Array, valid: Array | None = None) -> pa.Array:
    """Cents as numeric(18,2), null where `valid` is false."""
    words = np.empty((len(cents), 2), np.int64)
    words[:, 0] = cents
    words[:, 1] = words[:, 0] >> 63
    amounts = pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(words)])
    return amounts if valid is None else pc.if_else(pa.array(valid), amounts, None)


def dates(day: Array, valid: Array | None = None) -> pa.Array:
    """Day numbers as dates, null where `valid` is false."""
    return pa.array(np.asarray(day, np.int32), mask=None if valid is None else ~valid).cast(pa.date32())


def moments(day: Array, second: Array, valid: Array | None = None) -> pa.Array:
    """Local moments with China's offset, null where `valid` is false.

    They are text because pyarrow formats zoned timestamps ten times slower than plain ones.
    """
    local = (np.asarray(day, np.int64) * 86400 + second).astype("datetime64[s]")
    text = pc.binary_join_element_wise(pa.array(local).cast(pa.string()), "+08:00", "")
    return text if valid is None else pc.if_else(pa.array(valid), text, None)


def words(vocabulary: tuple[str, ...] | list[str], code: Array) -> pa.Array:
    """Codes as text; a negative code is null."""
    code = np.asarray(code)
    index = pa.array(code.astype(np.int32), mask=code < 0)
    return pa.array(vocabulary, pa.string()).take(index)


def numbers(value: Array, valid: Array | None = None) -> pa.Array:
    """Numbers (text keys made of digits too), null where `valid` is false."""
    return pa.array(np.asarray(value), mask=None if valid is None else ~np.asarray(valid))
