"""What is accepted as a value is the same value in Postgres, whatever stands beside it."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from bankmart import settings as platform
from bankmart.runtime import provision
from bankmart.sources.reading import values

TYPES = ["numeric(5,2)", "integer", "bigint", "double precision", "boolean", "date", "timestamptz"]
MOMENTS = r"(19|20|22)\d\d-[01]\d-[0-3]\d([ T][0-2]\d(:[0-6]\d){0,2}(\.\d{1,7})?(Z|[+-]\d\d(:?\d\d)?)?)?"
WRONG = {
    "numeric(18,2)": ["1,234.50", "NaN", "Infinity", "1e400", "1e2", "1.005", "12345678901234567",
                      "١", "+1", " 1", "0x1", "--1", "1 234"],
    "integer": ["2147483648", "-2147483649", "1.0", "0x1F", "+5", " 5", "1e3", "½", "５"],
    "bigint": ["9223372036854775808", "1_000"],
    "double precision": ["NaN", "inf", "Infinity", "1e400", "-1e400", "0x10", "1,5"],
    "boolean": ["2", "ja", "truee", "on"],
    "date": ["2026-02-30", "0001-01-01", "0000-01-01", "1899-12-31", "2201-01-01",
             "9999-12-31", "20260101", "2026-1-1", "01/02/2026", "2026-01-01 ", "infinity", "now", "today"],
    "timestamptz": ["2026-02-03 24:00:00", "2026-02-03 23:59:60", "2026-02-30 10:00:00",
                    "0001-01-01 00:00:00", "2026-02-03 10:11:12 UTC", "2026-02-03 10:11:12+25:00",
                    "2026-02-03 10:11:12.1234567", "now", "infinity", "10:00"],
}  # fmt: skip
RIGHT = {
    "numeric(18,2)": ["0", "-0.10", ".5", "5.", "1.500", "1234567890123456.78", "007"],
    "integer": ["2147483647", "-2147483648", "007", "-0"],
    "bigint": ["9223372036854775807"],
    "double precision": ["1e-5", "1.5E+3", "-.5", "5.", "1e-400", "0.1"],
    "boolean": ["true", "F", "Yes", "n", "1", "0", "TRUE"],
    "date": ["1900-01-01", "2200-12-31", "2024-02-29"],
    "timestamptz": ["2026-02-03 10:11:12", "2026-02-03T10:11:12.123456", "2026-02-03",
                    "2026-02-03 10", "2026-02-03 10:11", "2026-02-03 10:11:12Z", "2026-02-03 10:11:12+08",
                    "2026-02-03 10:11:12-0330", "2026-02-03 10:11:12.5+08:00", "1900-01-01 00:00:00",
                    "2200-12-31 23:59:59.999999"],
}  # fmt: skip


@pytest.fixture(scope="module")
def cursor(postgres):
    with closing(psycopg2.connect(provision.admin_dsn(platform.WAREHOUSE))) as link, link.cursor() as cursor:
        yield cursor


@pytest.mark.parametrize("data_type", WRONG)
def test_what_is_no_value_becomes_null_and_spoils_nothing_beside_it(data_type):
    for wrong in WRONG[data_type]:
        right = RIGHT[data_type]
        parsed, _ = values.parse(pa.array([*right, wrong, None]), data_type)
        assert parsed.is_valid().to_pylist() == [True] * len(right) + [False, False], wrong


@pytest.mark.parametrize("data_type", RIGHT)
def test_what_is_sent_is_what_was_read(cursor, data_type):
    for others in ([], RIGHT[data_type]):  # alone, and in a column of many spellings
        for text in RIGHT[data_type]:
            parsed, sent = values.parse(pa.array([text, *others]), data_type)
            assert_postgres_agrees(cursor, data_type, parsed[:1], sent[:1])


@given(
    st.sampled_from(TYPES),
    st.lists(
        st.one_of(
            st.text(alphabet="0123456789.-+eE :TZ", min_size=1, max_size=12),
            st.from_regex(r"-?\d{1,4}(\.\d{0,3})?([eE][+-]?\d{1,3})?", fullmatch=True),
            st.from_regex(MOMENTS, fullmatch=True),
        ),
        min_size=1,
        max_size=8,
    ),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_any_text_that_is_accepted_means_the_same_in_postgres(cursor, data_type, texts):
    together, sent = values.parse(pa.array(texts), data_type)
    alone = [values.parse(pa.array([text]), data_type)[0][0].is_valid for text in texts]
    assert together.is_valid().to_pylist() == alone
    valid = together.is_valid()
    assert_postgres_agrees(cursor, data_type, together.filter(valid), sent.filter(valid))


def assert_postgres_agrees(cursor, data_type, parsed, sent):
    cursor.execute("set timezone to 'UTC'")
    back = sql.SQL("select array(select x::{} from unnest(%s::text[]) with ordinality as t (x, n) order by n)")
    cursor.execute(back.format(sql.SQL(data_type)), (sent.to_pylist(),))
    (found,) = cursor.fetchone()
    if data_type == "timestamptz":
        found = [moment.replace(tzinfo=None) for moment in found]
    assert found == parsed.to_pylist()


def test_a_moment_without_a_zone_is_read_in_the_zone_of_the_session(cursor):
    _, sent = values.parse(pa.array(["2026-02-03 10:00:00", "2026-02-03 10:00:00Z"]), "timestamptz")
    cursor.execute("set timezone to 'Asia/Shanghai'")
    cursor.execute(
        "select array_agg(extract(epoch from x::timestamptz)::bigint) from unnest(%s) as t (x)",
        (sent.to_pylist(),),
    )
    (seconds,) = cursor.fetchone()
    assert seconds[1] - seconds[0] == 8 * 3600
