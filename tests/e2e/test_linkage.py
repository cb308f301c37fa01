"""Who has a dump of the marts, and knows things from elsewhere: what can be tried against it, and what is left.

The attacker has every row of every schema but the vault's, and from elsewhere the true mobile numbers and identity
documents of all customers, and of each the birth date, sex and district. Printed is what decision 20 says of it.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
from collections import Counter

import pytest
from psycopg2 import sql

from bankmart import db, settings, vault
from bankmart.governance.masking import data_classes
from bankmart.sources.landing import folder
from bankmart.text import table
from bankmart.vault.tokenise import BYTES, Tokens, normalised

KNOWN = {"mobile": "contact.mobile", "id_number": "identity.id_number"}
SCHEMAS = ["sources", "intermediate", "marts", "tags", "features", "profile", "scores", "governance", "audit"]
NEWEST = "build_id = (select build_id from governance.publication order by business_date desc limit 1)"
# What an attacker who has read the source would try in place of the key.
GUESSED = [b"", b"\0" * 16, b"\0" * 32, b"bankmart", b"contact.mobile", b"identity.id_number", b"secret", b"changeme"]


@pytest.fixture
def outside(line):
    """By customer number what the outside knows: as the bank itself was told."""
    place = folder(settings.landing_dir(), "core_banking", "customer", line.dates[0]) / "customer.csv"
    with place.open(encoding="utf-8") as file:
        return {row["customer_id"]: row for row in csv.DictReader(file)}


def dumped():
    """Every text and number of the dump, as one set of words."""
    words = set()
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute(
            "select nspname, relname from pg_class join pg_namespace on relnamespace = pg_namespace.oid"
            " where relkind = 'r' and nspname = any(%s)",
            (SCHEMAS,),
        )
        for names in cursor.fetchall():
            cursor.execute(sql.SQL("select to_jsonb(t) from {} as t").format(sql.Identifier(*names)))
            for (row,) in cursor:
                words.update(value for value in row.values() if isinstance(value, str))
    return words


def tried(kind, value):
    """Every token, or hash in place of one, that can be made of a value without the key."""
    text = normalised(kind, value).encode()
    for salt in (b"", kind.encode() + b"\x00"):
        for name in ("sm3", "sha256", "sha1", "md5"):
            digest = hashlib.new(name, salt + text).hexdigest()
            yield from (digest, digest[: BYTES * 2])
    for key in GUESSED:
        yield hmac.new(key, kind.encode() + b"\x00" + text, "sm3").hexdigest()[: BYTES * 2]


def ending(words, length=BYTES * 2):
    """The tokens among the words: what they end with, without the mask that they wear."""
    return {word[-length:] for word in words if len(word) >= length}


def test_a_list_of_all_numbers_finds_no_token_without_the_key(line, outside):
    words = dumped()
    tokens, whole = ending(words), words
    for column, kind in KNOWN.items():
        values = sorted({row[column] for row in outside.values() if row[column]})
        assert len(values) > 200
        assert not whole & set(values), f"{column} stands in clear"
        assert not [value for value in values if any(guess in tokens or guess in whole for guess in tried(kind, value))]
        # With the key every one is found, so the attempt is a real one: the key is worth what the vault is worth.
        made = ending(filter(None, vault.tokens(kind, list(values))))
        assert len(made & tokens) > 0.95 * len(made)
        assert not ending(filter(None, Tokens(b"another key, of 32 bytes or so..", kind).of(values))) & tokens


def singled(rows):
    """Of how many rows nobody else has the same, and how many share it with fewer than 5 and 20."""
    sizes = Counter(rows)
    by_row = [sizes[row] for row in rows]
    return [sum(size < k for size in by_row) / len(by_row) for k in (2, 5, 20)]


def test_what_birth_date_sex_and_district_single_out_is_measured(line, outside, capsys):
    """Not prevented: measured. Readers see the year only, so fewer can be told apart than by a dump of the marts."""

    def seen(relation, role, *columns, where="true"):
        with db.connect(role) as link, link.cursor() as cursor:
            cursor.execute(
                sql.SQL("select {} from {} where {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*relation.split(".")),
                    sql.SQL(where),
                )
            )  # fmt: skip
            return cursor.fetchall()

    marts, view = "marts.dim_customer_current", "published.dim_customer_current"
    who = ("birth_date", "sex", "district_id")
    dump, shown = seen(marts, "platform", *who, where=NEWEST), seen(view, "bi_reader", *who)
    masked = list(dict(seen("published.dim_customer", "bi_reader", "customer_id", "mobile")).values())
    more = seen(view, "bi_reader", *who, "occupation", "education", "marital_status", "branch_id")
    parts = {
        "dump of the marts: birth date, sex, district": singled(dump),
        "published: year of birth, sex, district": singled(shown),
        "published: year of birth, sex": singled([row[:2] for row in shown]),
        "published: sex, district": singled([row[1:] for row in shown]),
        "published: year, sex, district, occupation, education, status, branch": singled(more),
        "published: mobile as 13***78, of who is known to be a customer": singled(masked),
    }
    with capsys.disabled():
        rows = [[name, *(f"{share:.0%}" for share in shares)] for name, shares in parts.items()]
        heads = ["known beside it", "alone", "fewer than 5", "fewer than 20"]
        print(f"\nof {len(dump)} customers\n{table(heads, rows)}")
    # The linkage itself, not its measure only: whoever is alone in the dump is found by name.
    by_person = Counter((row["birth_date"], row["sex"], row["district_id"]) for row in outside.values())
    assert any(count == 1 and by_person[(str(key[0]), *key[1:])] == 1 for key, count in Counter(dump).items())
    # Readers get the year, whoever they are, and it tells fewer apart; who has the right asks with a reason.
    assert data_classes()["identity.birth_date"]["clear"] == ["dpo"]
    assert {(born.month, born.day) for born, _, _ in shown if born} == {(1, 1)}
    assert len(shown) == len(dump)
    assert (
        parts["published: year of birth, sex, district"][0] < parts["dump of the marts: birth date, sex, district"][0]
    )
    assert parts["published: year of birth, sex"][0] < 0.2
    # No more of a number than four digits, and no token by which to join to another dump.
    assert {len(mobile) for mobile in masked if mobile} == {7}
