"""Whatever a name, number or reason is made of, it is kept as it was typed or refused in a sentence, and never SQL."""

from __future__ import annotations

import random
from datetime import date

import pytest

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance.access import command as readers
from bankmart.governance.access.readers import NAME
from bankmart.governance.audit.verify import verify
from bankmart.governance.commands import identity, incident
from bankmart.governance.people import hold, person
from bankmart.governance.people.erasure import requests
from bankmart.governance.quality import content
from bankmart.sources import contract, tables

DAY = date(2026, 1, 31)
COUNT = 250
PARTS = [
    "'", '"', ";", "--", "/*", "*/", "\\", "$$", "$1", "%s", "%(day)s", "%", "{}", "{{ 1 }}", "\n", "\r", "\t", " ",
    "a",    "X901", "1", "0", "or true", "or '1'='1", "'); drop table governance.incident; --",
    "\" ; drop role platform; --",
    "core_banking.customer", "sources.", "..", "null", "E'\\x41'", "U&'\\0041'", "\u202e", "\u02bc", "\uff07",
    "王", "\U0001f4a3", "9" * 300, "\x00", "\ud83d", "=cmd|' /C calc'!A0", "[0:1]", "::regclass",
]  # fmt: skip
CATALOGUE = """
select
    (select array_agg(oid::regclass::text order by oid) from pg_class where relpersistence <> 't'),
    (select array_agg(nspname::text order by nspname) from pg_namespace where nspname !~ '^pg_'),
    (select array_agg(rolname::text order by rolname) from pg_roles), (select count(*) from pg_proc)
"""


def typed(seed):
    chance = random.Random(seed)
    return ["".join(chance.choices(PARTS, k=chance.randint(1, 5))) for _ in range(COUNT)]


def ask(statement, *bound):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, bound or None)
        return cursor.fetchall()


@pytest.fixture
def catalogue(warehouse):
    """The database's own lists: nothing that is typed may change them."""
    tables.create_tables([table for system in contract.load().values() for table in system.values()])
    before = ask(CATALOGUE)
    yield
    assert ask(CATALOGUE) == before
    assert not verify().findings


def outcomes(act, values):
    """How many were kept and how many refused; what else happens is a failure."""
    refused = []
    for value in values:
        try:
            act(value)
        except BankmartError as error:
            refused.append(str(error))
    assert all(said.strip() for said in refused)
    return len(values) - len(refused), len(refused)


def found(customer):
    with db.connect("platform") as link, link.cursor() as cursor:
        person.find(cursor, customer)


@pytest.mark.parametrize(
    "act",
    [
        found,
        lambda text: hold.add("customer", text, "case", "zhao", DAY),
        lambda text: hold.add("table", text, "case", "zhao", DAY),
        lambda text: identity.decide(text, None, DAY, "reason", "li"),
        lambda text: identity.decide("X901", text, DAY, "reason", "li"),
        lambda text: requests.request([(text, "asks")], "li"),
        lambda text: readers.grant(text, "bi_reader", {}),
        lambda text: readers.grant("anna", text, {}),
        lambda text: readers.remove(text),
    ],
    ids=["find", "hold_person", "hold_table", "split", "merge", "erase", "login", "role", "remove"],
)
def test_a_name_that_there_is_not_is_refused(catalogue, act):
    # What may be a login's name is no hostile one.
    values = [text for text in typed(1) if not NAME.fullmatch(text)]
    # A table that there is may be held; nothing else of these is anybody or anything.
    values = [text for text in values if text != "core_banking.customer"]
    assert outcomes(act, values) == (0, len(values))


def test_a_reason_is_kept_as_it_was_typed_or_refused(catalogue):
    kept = []

    def write(text):
        incident.confirm(DAY, text, text, "li")
        kept.append(text)

    done, refused = outcomes(write, dict.fromkeys(typed(2)))
    assert done > COUNT / 2
    assert refused > 0, "a NUL or half a character is in none of a database's texts"
    assert {row for (row,) in ask("select subject from governance.incident")} == set(kept)
    assert {row for (row,) in ask("select reason from governance.incident")} == set(kept)


def test_a_column_of_any_name_is_looked_at_and_is_no_statement(catalogue):
    names = sorted({text[:20] for text in typed(3) if not {"\x00", "\ud83d"} & set(text)})[:60]
    quoted = ", ".join('"{}" text'.format(name.replace('"', '""')) for name in names if len(name.encode()) < 60)
    names = [name for name in names if len(name.encode()) < 60]
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(f"create temporary table odd (business_date date, {quoted})")
        columns = [content.Column("pg_temp.odd", name, "reference", content.KINDS, "x") for name in names]
        build = content.Build(1, DAY, "daily", 1, (DAY,), (), 0, None)
        cursor.execute("alter table odd add column build_id bigint")
        assert list(content.look(cursor, "pg_temp.odd", columns, build)) == []
