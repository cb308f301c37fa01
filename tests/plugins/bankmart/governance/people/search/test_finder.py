from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bankmart.governance.people.erasure.search import finder
from bankmart.governance.people.erasure.search.finder import Finder, Stream, Wholes

DATA = st.binary(max_size=300) | st.text("ab01", max_size=300).map(str.encode)


@given(DATA, st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5), st.data())
@example(b"aaaaaaaaaaaaaaaa", [b"aaaaaaa", b"aaaaaaaa"], None)
def test_nothing_is_missed_and_nothing_is_made_up(data, texts, draw):
    """Wherever in the data a text begins, at its end and over another one, too."""
    if draw is not None and data:
        start = draw.draw(st.integers(0, len(data) - 1))
        texts = [*texts, data[start : start + draw.draw(st.integers(1, 30))]]
    wanted = sorted({match.start() for text in texts for match in re.finditer(b"(?=" + re.escape(text) + b")", data)})
    assert Finder(texts).starts(data) == wanted
    assert Finder(texts).tuned(data).starts(data) == wanted


@pytest.mark.parametrize("at", [0, 1, 2, 3, finder.BLOCK - 9, finder.BLOCK - 2, finder.BLOCK, 2 * finder.BLOCK - 7])
def test_a_text_is_found_over_the_end_of_a_block(at):
    data = bytearray(2 * finder.BLOCK + 3)
    data[at : at + 10] = b"1000000123"
    assert Finder([b"1000000123", b"1000000124"]).starts(bytes(data)) == [at]


def test_words_are_found_where_numbers_are_stored():
    stored = np.array([7, 1000012345, 9], "<i8").tobytes() + np.array([1000012345], "<i4").tobytes()
    word = (1000012345).to_bytes(8, "little")[:4]
    assert Finder([b"1000012345"], [word]).starts(stored) == [8, 24]
    assert Finder([b"1000012345"], [word]).starts(b"x" + stored[:-1]) == []


def test_texts_are_found_as_they_are_in_any_encoding():
    sought = Finder(["张三丰".encode(), "张三丰".encode("gb18030"), b"a.b", b"(1"])
    for text in ("我是张三丰".encode(), "我是张三丰".encode("gb18030"), b"za.b", b"((1"):
        assert sought.starts(text)
    for text in (b"", "张三".encode(), b"zaxb", b"1"):
        assert not sought.starts(text)
    assert sought.starts(b"a.b axb a.b") == [0, 8]


@pytest.mark.parametrize("cut", range(1, 12))
@pytest.mark.parametrize("name", ["C1", "C100000001"])
def test_a_stream_is_searched_as_if_it_were_not_cut(monkeypatch, name, cut):
    """Whatever falls between two pieces: a whole number is found, a part of one is not."""
    monkeypatch.setattr(finder, "LARGE", 0)
    sought = Wholes([name])
    for text, is_in in (("a,C1,b", True), ("aC1,b,c", False), ("a,C10,b", False), ("a,-C1,b", False), ("C1", True),
                        (r'"x\nC1"', True), ("a,b,C1", True), ("aaaa,C1-,b", False), ("C1C1,C1", True)):  # fmt: skip
        data = text.replace("C1", name).encode()
        stream = Stream(sought)
        for start in range(0, len(data), cut):
            stream.write(data[start : start + cut])
        assert stream.found() == is_in == sought.are_in(data), data
