"""Values of somebody who is erased, where they stand in the platform's own records."""

from __future__ import annotations

import pytest

from bankmart import db
from bankmart.governance.people.erasure import anonymise, identifiers
from bankmart.vault.tokenise import Tokens


@pytest.mark.parametrize("mobile", ["13800000001", "+8613800000001", "1234567"])
def test_a_token_with_stars_goes_from_what_the_platform_wrote(warehouse, mobile):
    """It is no word, as numbers are."""
    (token,) = Tokens(bytes(32), "contact.mobile").of([mobile])
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("create table governance.said (words text, facts jsonb)")
        cursor.execute("insert into governance.said values (%s, jsonb_build_object('of', %s))",
                       (f"C1 has {token}, ({token})", token))  # fmt: skip
    with db.connect("eraser") as link, link.cursor() as cursor:
        counts = anonymise.texts(cursor, {"core_banking.customer": {"C1": "erased-1"}}, [token, "x" * 6], ())
        cursor.execute("select words, facts from governance.said")
        assert cursor.fetchall() == [("erased-1 has erased, (erased)", {"of": "erased"})]
        assert counts == {"governance.said": 2}


def test_a_filler_is_nobodys(bank):
    values = [("contact.mobile", "*" * 14), ("contact.mobile", "0" * 11), ("contact.mobile", "13800000009")]
    assert identifiers.alone(values) == ["13800000009"]
