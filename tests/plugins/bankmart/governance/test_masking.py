"""Masks, on whatever text there may be: none fails, none shows a whole value or more than half of it."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance import masking

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)
ODD = st.sampled_from(["", " ", "王", "王小", "13812345678", "١٢٣", "👩‍👩‍👧", "%s", "'"])
VALUES = st.lists(st.none() | TEXT | ODD, min_size=1)


def shown(mask, values, data_type="text"):
    rows = "unnest(%s::{type}[]) with ordinality as base (x, place)"
    statement = sql.SQL("select {mask} from " + rows + " order by place").format(
        mask=masking.masked(mask, sql.Identifier("base", "x"), data_type), type=sql.SQL(data_type)
    )
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, (values,))
        return [value for (value,) in cursor.fetchall()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=VALUES)
def test_text_masks_show_at_most_half(postgres, values):
    for mask in ("ends", "surname", "hide"):
        for value, seen in zip(values, shown(mask, values), strict=True):
            if value is None or mask == "hide":
                assert seen is None
                continue
            assert len(seen) == masking.WORN[mask]
            kept = seen.replace("***", "", 1) if mask == "ends" else seen.removesuffix("**")
            kept = "" if set(seen) == {"*"} else kept
            assert len(kept) <= len(value) / 2
            assert value == "" or seen != value or set(value) == {"*"}
            if mask == "ends":
                assert kept in ("", value[:2] + value[-2:])
            else:
                assert kept in ("", value[:1])


def test_a_mask_doesnt_tell_short_values_apart(postgres):
    assert shown("ends", ["", "a", "1234", "1234567"]) == ["*" * 7] * 4
    assert shown("ends", ["13812345678"]) == ["13***78"]
    assert shown("surname", ["", "王", "王小明"]) == ["***", "***", "王**"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.none() | st.dates(), min_size=1))
def test_a_date_shows_its_year(postgres, days):
    assert shown("year", days, "date") == [day and date(day.year, 1, 1) for day in days]


def test_every_day_of_two_centuries_shows_its_year(postgres):
    days = [date(1899, 12, 31) + timedelta(place) for place in range(365 * 202)]
    assert days[-1] > date(2101, 1, 1)
    assert shown("year", days, "date") == [date(day.year, 1, 1) for day in days]


@pytest.mark.parametrize("data_type", ["text", "bigint", "numeric(18,2)", "boolean", "date", "jsonb"])
def test_hide_keeps_the_type(postgres, data_type):
    assert shown("hide", [None], data_type) == [None]


def test_an_unknown_class_is_said():
    with pytest.raises(BankmartError, match="names class 'no.such'"):
        masking.masked_column("a", "text", "no.such")
