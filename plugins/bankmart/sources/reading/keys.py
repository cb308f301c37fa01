"""Keys as 64-bit hashes, a column at a time, and a set of them in one flat array."""

from __future__ import annotations

import secrets

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankmart.sources.reading import values

# Drawn anew in each process: nobody can prepare a file whose keys collide.
SEED = np.uint64(secrets.randbits(64))
ODD, FINAL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
TAILS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
EMPTY = np.uint64(0)


def hashes(columns: list[pa.Array]) -> np.ndarray:
    """One uint64 per row over all `columns`, never 0; equal keys have equal hashes (null as an empty text).

    Two different keys among n share one with a probability of about n² / 2^65: 3e-6 at ten million.
    """
    mixed = np.full(len(columns[0]), SEED, np.uint64)
    for column in columns:
        texts = column if column.type == pa.string() else pc.cast(column, pa.string())
        texts = pc.fill_null(texts, "") if texts.null_count else texts
        ends = values.offsets(texts).astype(np.int64) if len(texts) else np.zeros(1, np.int64)
        starts, lengths = ends[:-1] - ends[0], np.diff(ends)
        raw = values.data(texts) + bytes(8)
        # Eight bytes from any position of the data, as one number: no copy, no padding.
        words = np.ndarray(len(raw) - 7, "<u8", raw, strides=(1,))
        mixed = _mix(mixed ^ lengths.astype(np.uint64))
        for start in range(0, int(lengths.max(initial=0)), 8):
            left = np.clip(lengths - start, 0, 8)
            part = words[np.where(left > 0, starts + start, 0)] & TAILS[left]
            mixed = np.where(left > 0, _mix(mixed ^ part), mixed)
    mixed[mixed == EMPTY] = ODD
    return mixed


def _mix(number: np.ndarray) -> np.ndarray:
    mixed: np.ndarray = number * ODD
    mixed ^= mixed >> np.uint64(32)
    mixed *= FINAL
    mixed ^= mixed >> np.uint64(29)
    return mixed


class KeySet:
    """A set of hashes by open addressing: 11 to 22 bytes a key, about 0.1 µs to look up or add."""

    def __init__(self, expected: int) -> None:
        """Room for `expected` keys; it grows where there are more."""
        self._table = np.zeros(1 << max(10, int(expected * 1.5).bit_length()), np.uint64)
        self._count = 0

    def contains(self, keys: np.ndarray) -> np.ndarray:
        """Which of `keys` are in the set: bool per key."""
        known = np.zeros(len(keys), bool)
        left = np.arange(len(keys))
        places = self._places(keys)
        while len(left):
            there = self._table[places]
            is_known = there == keys[left]
            known[left[is_known]] = True
            goes_on = ~is_known & (there != EMPTY)
            left, places = left[goes_on], self._next(places[goes_on])
        return known

    def add(self, keys: np.ndarray) -> np.ndarray:
        """Add `keys` in their order; returns which of them were there before or earlier among `keys`."""
        if (self._count + len(keys)) * 4 > len(self._table) * 3:
            self._grow(len(keys))
        _, first = np.unique(keys, return_index=True)
        is_repeated = np.ones(len(keys), bool)
        is_repeated[first] = False
        is_repeated |= self.contains(keys)
        new = keys[~is_repeated]
        self._count += len(new)
        places = self._places(new)
        while len(new):
            is_free = self._table[places] == EMPTY
            self._table[places[is_free]] = new[is_free]
            # Of several that met in one place the last one written has it; the others go on.
            goes_on = self._table[places] != new
            new, places = new[goes_on], self._next(places[goes_on])
        return is_repeated

    def _places(self, keys: np.ndarray) -> np.ndarray:
        return (keys & np.uint64(len(self._table) - 1)).astype(np.int64)

    def _next(self, places: np.ndarray) -> np.ndarray:
        return (places + 1) & (len(self._table) - 1)

    def _grow(self, more: int) -> None:
        kept = self._table[self._table != EMPTY]
        self._table = np.zeros(1 << int((self._count + more) * 2).bit_length(), np.uint64)
        self._count = 0
        self.add(kept)
