"""A set of hashes answers as a set of keys does."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bankmart.sources.reading.keys import KeySet, hashes


@given(st.lists(st.lists(st.text(max_size=20), max_size=30), max_size=8), st.integers(0, 50))
@settings(max_examples=150, deadline=None)
def test_repeated_keys_are_found_in_their_order(batches, expected):
    keys, seen = KeySet(expected), set()
    for batch in batches:
        found = keys.add(hashes([pa.array(batch, pa.string())])).tolist()
        for text, is_repeated in zip(batch, found, strict=True):
            assert is_repeated == (text in seen)
            seen.add(text)


def test_the_set_grows_and_forgets_nothing():
    keys = KeySet(0)
    many = pa.array([f"A{number}" for number in range(50_000)])
    for start in range(0, 50_000, 7_000):
        assert not keys.add(hashes([many.slice(start, 7_000)])).any()
    assert keys.contains(hashes([many])).all()
    assert not keys.contains(hashes([pa.array([f"B{number}" for number in range(50_000)])])).any()


def test_hashes_tell_keys_apart():
    texts = [
        "",
        "a",
        "a\0",
        "\0a",
        "b",
        "ab",
        "aaaaaaaa",
        "aaaaaaaaa",
        "aaaaaaaab",
        "a" * 16,
        "a" * 17,
        "张",
        "张\0\0",
    ]
    assert len(set(hashes([pa.array(texts)]).tolist())) == len(texts)


def test_the_parts_of_a_key_do_not_run_together():
    left, right = pa.array(["ab", "a", "", "abc"]), pa.array(["c", "bc", "abc", ""])
    assert len(set(hashes([left, right]).tolist())) == 4
    assert len(set(hashes([right, left]).tolist() + hashes([left, right]).tolist())) == 6  # ("", "abc") is in both


def test_a_column_may_be_a_part_of_a_longer_one_and_of_any_type():
    texts = pa.array(["x", "yy", "zzz", "yy"])
    assert (hashes([texts.slice(1, 2)]) == hashes([pa.array(["yy", "zzz"])])).all()
    days = pa.array([datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)])
    assert len(np.unique(hashes([days]))) == 2
    assert len(hashes([pa.array([], pa.string())])) == 0
