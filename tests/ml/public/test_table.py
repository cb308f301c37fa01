"""CSVs as banks have them: delimiters, decimals, dates, numbers of rows, doubled names. No value is lost unsaid."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from ml.errors import DataError
from ml.public import table

ROWS = 200
DAYS = pd.date_range("2024-01-01", periods=ROWS)


@pytest.fixture
def typed(tmp_path):
    def read(text, encoding="utf-8", raw=()):
        path = tmp_path / "a.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        frame, how = table.read_cells(path, raw)
        return table.typed(frame, [name for name in frame if name not in raw], path), how

    return read


def csv(columns, sep=","):
    return pd.DataFrame(columns).to_csv(index=False, sep=sep)


@pytest.mark.parametrize(
    ("form", "first"),
    [("{:.2f}", 1234.5), ("{:,.2f}", 1234.5), ("{:,.2f} €", 1234.5), ("{:.1f}%", 1234.5), (" {:.0f} ", 1234)],
)
def test_numbers_as_people_write_them(typed, form, first):
    written = [form.format(1234.5 if at == 0 else at / 4) for at in range(ROWS)]
    found, how = typed(csv({"amount": written, "x": ["a", "b"] * (ROWS // 2)}, sep=";"))
    assert how["delimiter"] == ";"
    assert found.numeric["amount"][0] == pytest.approx(first)


def test_a_decimal_comma_is_told_from_a_thousand(typed):
    german = [f"{at},{at % 100:02d}" for at in range(ROWS)]
    grouped = [f"{at + 1},000" for at in range(ROWS)]
    found, _ = typed(csv({"german": german, "grouped": grouped}, sep=";"))
    assert found.numeric["german"][3] == pytest.approx(3.03)
    assert found.numeric["grouped"][3] == 4000


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%Y-%m-%dT%H:%M:%S+00:00", "%d %b %Y"]
)
def test_days_are_read_the_way_that_fits_all_of_them(typed, form):
    found, _ = typed(csv({"day": DAYS.strftime(form), "few": DAYS[:11].strftime(form).tolist() * 18 + ["", ""]}))
    days = (DAYS - pd.Timestamp("1970-01-01")).days
    np.testing.assert_array_equal(found.numeric["day"], days)
    np.testing.assert_array_equal(found.numeric["few"][:11], days[:11])
    assert found.numeric["few"].isna().sum() == 2


def test_months_without_a_day_are_their_first(typed):
    months = pd.date_range("2020-01-01", periods=ROWS, freq="MS")
    forms = {form: months.strftime(form) for form in ("%Y-%m", "%b %Y", "%B-%Y")}
    found, _ = typed(csv(forms | {"word": ["may 5 days", "mar ten"] * (ROWS // 2)}))
    for form in forms:
        np.testing.assert_array_equal(found.numeric[form], (months - pd.Timestamp("1970-01-01")).days)
    assert list(found.categorical) == ["word"]


def test_what_counts_rows_or_customers_is_no_feature(typed):
    rng = np.random.default_rng(0)
    columns = {"Unnamed: 0": range(ROWS), "client_id": rng.permutation(10**6)[:ROWS], "paid": range(0, 3 * ROWS, 3)}
    columns |= {"valid": rng.permutation(ROWS * 9)[:ROWS], "huge": [str(2**70 * (at + 1)) for at in range(ROWS)]}
    columns |= {"name": [f"n{at}" for at in range(ROWS)], "nothing": [""] * ROWS, "same": ["x"] * ROWS}
    found, _ = typed(csv(columns))
    assert list(found.numeric) == ["paid", "valid", "huge"]
    assert list(found.categorical) == []
    assert found.left_out.keys() == {"Unnamed: 0", "client_id", "name", "nothing", "same"}


def test_doubled_names_are_told_apart_unless_they_are_asked_for(typed):
    text = "a,a,y\n" + "1.5,x,0\n2.5,z,1\n" * 50
    found, _ = typed(text, raw=("y",))
    assert (list(found.numeric), list(found.categorical)) == (["a"], ["a (2)"])
    with pytest.raises(DataError, match="more than one column a"):
        typed(text, raw=("a",))


def test_a_delimiter_at_the_end_and_lines_that_are_too_long(typed):
    found, _ = typed("a,b\n" + "1.5,2,\n2.5,3,\n" * 50)
    assert list(found.numeric) == ["a", "b"]
    with pytest.raises(DataError, match="can't be read as CSV"):
        typed("a,b\n" + "1.5,2\n" * 50 + "1,2,3,4\n")


def test_packed_and_wide_encodings(typed):
    text = csv({"城市": ["北京", "上海"] * (ROWS // 2), "x": np.linspace(0, 1, ROWS)}, sep="\t")
    for given in (text.encode("utf-16"), gzip.compress(text.encode())):
        found, how = typed(given)
        assert (how["delimiter"], list(found.categorical)) == ("\t", ["城市"])
