from __future__ import annotations

import numpy as np
import pytest

from ml.errors import DataError
from ml.public.contacts import read_contacts

LINES = [
    ("when", "age", "job", "note", "took"),
    ("2024-03-02", "41", "clerk", "a1", "yes"),
    ("2024-03-01", "unknown", "unknown", "b2", "no"),
    ("2024-03-02", "33.5", "farmer", "c3", "no"),
    ("2024-03-04", "", "clerk", "d4", "No "),
    ("2024-03-05", "29", "clerk", "e5", ""),
]


def written(path, lines=LINES, delimiter=",", encoding="utf-8"):
    text = "\n".join(delimiter.join(line) for line in lines) + "\n"
    path.write_bytes(text.replace("No ", "no ").encode(encoding))
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_delimiter_nulls_order_and_types(tmp_path, delimiter):
    contacts, how = read_contacts(written(tmp_path / "a.csv", delimiter=delimiter), "took", "when", ("note",))
    assert how["delimiter"] == delimiter
    assert contacts.label.tolist() == [0, 1, 0, 0], "by date; the line without a label is left out, and said so"
    assert contacts.left_out == {"note": "as asked", "rows": "1 without a label"}
    assert contacts.moment[1] == contacts.moment[2] > contacts.moment[0]
    np.testing.assert_array_equal(contacts.numeric["age"], [np.nan, 41, 33.5, np.nan])
    assert contacts.categorical["job"].tolist() == [None, "clerk", "farmer", "clerk"]
    assert contacts.positive == "yes"


def test_rows_keep_the_files_order_and_text_that_differs_everywhere_is_left_out(tmp_path):
    lines = [("name", "job", "y"), *((f"n{at}", f"j{at % 60}", str(at % 2)) for at in range(200))]
    contacts, _ = read_contacts(written(tmp_path / "a.csv", lines), "y", "rows")
    assert contacts.label.tolist() == [0, 1] * 100
    assert contacts.moment.tolist() == list(range(200))
    assert contacts.left_out == {"name": "text that is different in most rows"}
    assert list(contacts.categorical) == ["job"]


@pytest.mark.parametrize(
    ("values", "positive", "expected"),
    [
        (["0", "1", "0"], None, "1"),
        (["good", "bad", "good"], None, "bad"),
        (["good", "bad", "good"], "good", "good"),
        (["True", "False", "True"], None, "True"),
    ],
)
def test_which_label_is_positive(tmp_path, values, positive, expected):
    lines = [("x", "y"), *((str(at), value) for at, value in enumerate(values))]
    contacts, _ = read_contacts(written(tmp_path / "a.csv", lines), "y", "rows", (), positive)
    assert contacts.positive == expected


def test_encodings(tmp_path):
    lines = [("年龄", "职业", "购买"), ("41", "职员", "是"), ("33", "农民", "否"), ("35", "农民", "否")]
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        contacts, _ = read_contacts(written(tmp_path / "a.csv", lines, encoding=encoding), "购买", "rows")
        assert contacts.categorical["职业"].tolist() == ["职员", "农民", "农民"]
        assert contacts.positive == "是", "the rarer one"


def test_what_is_wrong_is_said(tmp_path):
    path = written(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"no column price. It has: when, age"):
        read_contacts(path, "took", "rows", ("price",))
    with pytest.raises(DataError, match="neither a number nor a date"):
        read_contacts(path, "took", "note")
    with pytest.raises(DataError, match="age has 3 values"):
        read_contacts(path, "age", "rows")
    with pytest.raises(DataError, match="never 'maybe'"):
        read_contacts(path, "took", "rows", (), "maybe")
    with pytest.raises(DataError, match="There is no file"):
        read_contacts(tmp_path / "b.csv", "took", "rows")
    with pytest.raises(DataError, match="infinite values in x"):
        read_contacts(written(path, [("x", "y"), ("inf", "1"), ("2", "0")]), "y", "rows")
    with pytest.raises(DataError, match="no line below it"):
        read_contacts(written(path, [("x", "y")]), "y", "rows")
    path.write_text("")
    with pytest.raises(DataError, match="empty"):
        read_contacts(path, "y", "rows")
