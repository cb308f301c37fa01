"""Records are found the same way whatever the size of the blocks, and one bad record costs itself only."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankmart.sources.reading import csv_file
from bankmart.sources.reading.csv_file import CsvReader, is_readable
from bankmart.sources.refusal import LoadRefused


def read(data: bytes, delimiter: str = ",", encoding: str = "utf-8", names: int = 3):
    """Good records as (line, raw, fields) and bad ones as (line, raw, rule)."""
    header = delimiter.join("abcdefgh"[:names]).encode(encoding)
    reader = CsvReader(io.BytesIO(header + b"\n" + data), "test", delimiter, encoding)
    good, bad = [], []
    for chunk in reader:
        places = chunk.locate(list(range(chunk.length)))
        fields = zip(*(column.to_pylist() for column in chunk.columns.values()), strict=True)
        good += [(line, raw, list(values)) for (line, raw), values in zip(places, fields, strict=True)]
        bad += [(reject.line, reject.raw, reject.rule) for reject in chunk.bad]
    return good, bad


def in_blocks(size: int, *args, **kwargs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK", size)
        return read(*args, **kwargs)


@given(st.text(alphabet='ab,"\n\ré', max_size=60), st.integers(1, 9))
@settings(max_examples=250, deadline=None)
def test_the_size_of_the_blocks_changes_nothing(text, size):
    assert in_blocks(size, text.encode()) == read(text.encode())


@given(st.text(alphabet='ab,"\n\r', max_size=60))
@settings(max_examples=150, deadline=None)
def test_every_line_is_in_a_record_or_blank(text):
    good, bad = read(text.encode())
    found = sorted(good + bad)
    lines = ("header\n" + text).split("\n")
    covered = {line + offset for line, raw, _ in found for offset in range(raw.count("\n") + 1)}
    assert covered | {number for number, line in enumerate(lines, 1) if line in ("", "\r")} >= set(
        range(2, len(lines) + 1)
    )
    for line, raw, _ in found:
        assert "\n".join(lines[line - 1 :]).startswith(raw)


@given(
    st.lists(
        st.lists(st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8")), min_size=3, max_size=3),
        min_size=1,
    ),
    st.sampled_from(",;|\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 50),
)
@settings(max_examples=100, deadline=None)
def test_what_a_csv_writer_writes_is_read_back(records, delimiter, line_end, size):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(records)
    good, bad = in_blocks(size, file.getvalue().encode(), delimiter)
    assert bad == []
    assert [fields for _, _, fields in good] == [[value or None for value in record] for record in records]


def test_lines_are_counted_through_quoted_line_ends():
    good, bad = read(b'1,"x\ny\n",z\n\n4,5,6\r\n7,8\n9,9,9')
    assert [(line, fields) for line, _, fields in good] == [
        (2, ["1", "x\ny\n", "z"]),
        (6, ["4", "5", "6"]),
        (8, ["9", "9", "9"]),
    ]
    assert bad == [(7, "7,8", "field_count")]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('1,5" pipe,x', ["1", '5" pipe', "x"]),
        ('1,a "b" c,x', ["1", 'a "b" c', "x"]),
        ('1,"a ""b"" c",x', ["1", 'a "b" c', "x"]),
        ('"",,', [None, None, None]),
        ('" ", ,\\.', [" ", " ", "\\."]),
        ("\\.,\\N,\\", ["\\.", "\\N", "\\"]),
        ('1,"a\rb",c\rd', ["1", "a\rb", "c\rd"]),
    ],
)
def test_a_quote_counts_at_the_start_of_a_field_only(line, fields):
    good, bad = read(f"x,y,z\n{line}\n7,8,9\n".encode())
    assert bad == []
    assert [each for _, _, each in good] == [["x", "y", "z"], fields, ["7", "8", "9"]]


@pytest.mark.parametrize("line", ['1,"abc"d,2', '1,"abc,2', '"'])
def test_a_quote_that_closes_nothing_spoils_its_own_line_only(line):
    for after in (b"4,5,6\n", b'4,"5",6\n', b'4,"5\n5",6\n'):
        good, bad = read(f"1,2,3\n{line}\n".encode() + after)
        assert bad == [(3, line, "quote")]
        assert len(good) == 2


def test_an_unclosed_quote_in_a_long_file_is_given_up_in_the_end(monkeypatch):
    monkeypatch.setattr(csv_file, "BLOCK", 1000)
    monkeypatch.setattr(csv_file, "LONGEST_RECORD", 10_000)
    good, bad = read(b'1,"2,3\n' + b"4,5,6\n" * 5000)
    assert bad == [(2, '1,"2,3', "quote")]
    assert len(good) == 5000


def test_giving_up_a_quote_spoils_no_record_that_goes_on_behind_what_was_read(monkeypatch):
    monkeypatch.setattr(csv_file, "BLOCK", 100)
    monkeypatch.setattr(csv_file, "LONGEST_RECORD", 390)
    good, bad = read(b'1,"2,3\n' + b"4,5,6\n" * 60 + b'7,"' + b"8\n" * 60 + b'",9\n')
    assert bad == [(2, '1,"2,3', "quote")]
    assert [fields for _, _, fields in good] == [["4", "5", "6"]] * 60 + [["7", "8\n" * 60, "9"]]


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(csv_file, "BLOCK", 1000)
    monkeypatch.setattr(csv_file, "LONGEST_RECORD", 10_000)
    with pytest.raises(LoadRefused, match=r"line 3: no end of the line .*\[record_length\]"):
        read(b"1,2,3\n" + b"x" * 20_000)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "𠮷野家,㐀,€"),
        ("gbk", "张伟,工商银行,丂"),
        ("big5", "王小明,許功蓋,銀行"),
        ("iso8859-2", "Dvořák,Žižkov,Łódź"),
        ("cp1250", "Dvořák,Žižkov,€"),
        ("utf-8-sig", "张,𠮷,é"),
        ("utf-8", "张,𠮷,é"),
    ],
)
def test_encodings(encoding, text):
    data = f'{text}\n1,"a\nb",{text.split(",")[2]}\n'
    mark = encoding == "utf-8-sig"
    for size in (1, 2, 3, 5, 1000):
        good, bad = in_blocks(size, data.encode("utf-8" if mark else encoding), encoding=encoding)
        assert bad == []
        assert [fields for _, _, fields in good] == [text.split(","), ["1", "a\nb", text.split(",")[2]]]


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    for encoding, mark in (("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("gb18030", None)):
        text = "a,b\n1,2\n"
        data = text.encode(mark) if mark else ("\ufeff" + text).encode(encoding)
        assert CsvReader(io.BytesIO(data), "test", ",", encoding).header == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk", "big5"])
def test_undecodable_bytes_cost_their_own_record(encoding):
    for size in (1, 3, 1000):
        good, bad = in_blocks(size, b'1,2,3\n4,\xff"x,6\n7,8,9\n', encoding=encoding)
        assert [line for line, _, _ in good] == [2, 4]
        assert [(line, rule) for line, _, rule in bad] == [(3, "encoding")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "hz", "iso2022_jp", "rot13", "idna", "cp037", "nope", ""])
def test_encodings_in_which_ascii_is_something_else_are_not_readable(encoding):
    assert not is_readable(encoding)


def test_a_header_of_one_enormous_field_is_a_header_of_no_names():
    data = b'"' + b"x" * 200_000 + b'"\n1\n'
    assert CsvReader(io.BytesIO(data), "test", ",", "utf-8").header == []
