"""Tokens: equal where the values mean the same, masked as the values are, and of no use without the key."""

import hashlib
import hmac
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from bankmart import db
from bankmart.governance import masking
from bankmart.vault import tokenise
from bankmart.vault.tokenise import Tokens

KEY = bytes(range(32))
VAULTED = [name for name, about in masking.data_classes().items() if about.get("vault")]
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)


def token(kind, value, key=KEY):
    return Tokens(key, kind).of([value])[0]


def test_it_is_hmac_sm3_of_kind_and_normalised_value():
    expected = hmac.new(KEY, b"contact.mobile\x0013800138000", "sm3").hexdigest()[:32]
    assert token("contact.mobile", "13800138000") == f"13***00{expected}"
    assert (
        token("identity.name", "张三") == "张**" + hmac.new(KEY, "identity.name\0张三".encode(), "sm3").hexdigest()[:32]
    )


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("contact.mobile", "13800138000", " １３８-0013 8000"),
        ("identity.id_number", "11010119900307001X", "11010119900307001x "),
        ("account.card_number", "6222021234567890", "6222 0212 3456 7890"),
        ("identity.name", "Anna  Maria", "ANNA MARIA "),
        ("contact.email", "A@mail.example", "a@Mail.example"),
    ],
)
def test_the_same_however_it_is_typed(kind, one, other):
    assert token(kind, one) == token(kind, other)
    assert token(kind, one) != token(kind, one[:-1] + "9")


def test_kinds_and_keys_are_separate():
    assert token("contact.email", "13800138000") != token("contact.address", "13800138000")
    assert token("contact.email", "x@y") != token("contact.email", "x@y", bytes(32))


def test_nothing_and_fillers_stay_what_they_are():
    assert Tokens(KEY, "identity.id_number").of([None, "", "  ", "000000", "xxx"]) == [None, "", "", "000000", "XXX"]
    # Two equal characters are somebody's name.
    assert "丽丽" not in token("identity.name", "丽丽")


def test_a_filler_shows_nothing_and_stays_one():
    """What is left of a short one by a mask would be all of it; rules look for one character again and again."""
    found = Tokens(KEY, "contact.mobile").of(["000000", "00000000000", "0", "", " "])
    assert found == ["*" * 14, "*" * 14, "*" * 14, "", ""]
    assert all(re.fullmatch(r"(.)\1*", each) for each in found if each)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(TEXT | st.sampled_from(["王", "王小明", "1234567", "12345678"]), min_size=1))
def test_a_token_is_masked_as_its_value_is(postgres, values):
    for kind in VAULTED:
        mask = masking.data_classes()[kind]["mask"]
        means = [tokenise.normalised(kind, value) for value in values]
        # Of a filler not even its ends; a blank is a blank.
        of_somebody = [means and not tokenise.is_nobodys(kind, means) for means in means]
        statement = sql.SQL("select {}, {}, coalesce({}, false) from unnest(%s::text[], %s::text[])"
                            " as base (value, token)").format(
            masking.masked(mask, sql.Identifier("value"), "text"),
            masking.masked(mask, sql.Identifier("token"), "text", is_token=True),
            masking.shows_too_much(kind, sql.Identifier("token"), "text"),
        )  # fmt: skip
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute(statement, (means, Tokens(KEY, kind).of(values)))
            for real, mean, (of_value, of_token, is_too_much) in zip(
                of_somebody, means, cursor.fetchall(), strict=True
            ):
                assert not is_too_much
                nothing = "*" * masking.WORN.get(mask, 0) if mean else mean
                assert of_token == (of_value if real or mask == "hide" else nothing)


def test_a_dictionary_of_all_numbers_finds_nothing_without_the_key():
    """Who has a token and the ends it wears tries every number between: a bare hash falls, a token doesn't."""
    mobile = "13800138000"
    worn = token("contact.mobile", mobile)
    bare = hashlib.new("sm3", mobile.encode()).hexdigest()
    guesses = [f"1380013{number:04d}" for number in range(10_000)]
    assert [guess for guess in guesses if hashlib.new("sm3", guess.encode()).hexdigest() == bare] == [mobile]
    tried = {hashlib.new("sm3", guess.encode()).hexdigest()[:32] for guess in guesses}
    for guessed_key in (b"", bytes(32), b"bankmart"):
        mine = Tokens(guessed_key.ljust(32, b"\0"), "contact.mobile").of(guesses)
        tried |= {each[7:] for each in mine if each}
    assert worn[7:] not in tried
