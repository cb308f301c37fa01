"""Approved erasures of numbers that turn out to be one person, or to be none, before they are carried out."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import pytest

from bankmart import db
from bankmart.governance.audit.verify import verify
from bankmart.governance.people.erasure import certificate, requests
from bankmart.governance.people.erasure import run as erasure
from bankmart.governance.people.erasure.requests import ErasureError
from bankmart.sources import load
from bankmart.sources.landing import folder

DAY = date(2026, 1, 31)
BRIDGE = "create table marts.bridge_identity (customer_id text, linked_customer_id text, build_id bigint)"
TABLES = """
select nspname, relname from pg_class join pg_namespace on relnamespace = pg_namespace.oid
where relkind = 'r' and nspname = any('{sources,marts,intermediate,scores,governance,audit}')
"""


@pytest.fixture
def known(bank, delivered, tmp_path):
    """Facts of both, and a delivered file that names both; `link` publishes a date that says who is one person."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(BRIDGE)
    bank.paid("T1", "Y901", DAY, to="Y902")
    bank.paid("T2", "Y902", DAY)
    for number in ("X901", "X902"):
        bank.insert("marts", "fct_interaction", customer_id=number, interaction_date=DAY, topic="card", build_id=1)
    delivered("contact_centre.feedback", [
        {"feedback_id": f"F{n}", "customer_id": f"X90{n % 2 + 1}", "given_at": "2026-01-31T10:00:00", "channel": "app",
         "language": "zh", "feedback_text": "text", "score": "4"} for n in range(20)
    ])  # fmt: skip
    load.load_system("contact_centre", DAY)
    bank.file = folder(tmp_path / "landing", "contact_centre", "feedback", DAY) / "feedback.csv"
    return bank


def publish(bank, *links):
    """The next date, with these links and no others."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select count(*) + 1 from governance.publication")
        (number,) = cursor.fetchone()
        day = DAY + timedelta(days=number)
        cursor.execute("insert into governance.build (business_date, kind, status) values (%s, 'daily', 'published')"
                       " returning build_id", (day,))  # fmt: skip
        (build,) = cursor.fetchone()
        cursor.execute("insert into governance.publication (business_date, build_id) values (%s, %s)", (day, build))
        for number, person in links:
            cursor.execute("insert into marts.bridge_identity values (%s, %s, %s)", (number, person, build))


def approved(*customers):
    made = requests.request([(customer, "asks") for customer in customers], "li")
    requests.decide(made, "wang", approve=True)
    return made


def numbers_left(bank, *numbers):
    """Where one of the numbers is, in the tables or in the file."""
    pattern = re.compile(rf"(?<![\w-])({'|'.join(numbers)})(?![\w-])")
    found = [
        f"{schema}.{name}"
        for schema, name in bank.rows(TABLES)
        for (row,) in bank.rows(f"select t::text from {schema}.{name} as t")
        if pattern.search(row)
    ]
    return found + (["file"] if pattern.search(bank.file.read_text()) else [])


def assert_done(bank, *erasures):
    """Each has a certificate, once; nothing is under way or left; again there is nothing to do."""
    assert bank.rows("select array_agg(erasure_id order by erasure_id) from governance.erasure where state = 'done'"
                     " and customer_id is null") == [(list(erasures),)]  # fmt: skip
    assert bank.rows("select count(*) from governance.erasure_work") == [(0,)]
    for number in erasures:
        text = json.loads(certificate.path(number).read_text())
        assert (text["erasure"], text["left_over"]) == (number, 0)
        assert bank.rows("select count(*) from audit.entry where kind = 'erasure_certificate' and subject = %s",
                         f"erasure {number}") == [(1,)]  # fmt: skip
    assert numbers_left(bank, "X901", "X902", "Y901", "Y902") == []
    assert bank.rows("select count(*), count(distinct anonymous) from governance.tombstone") == [(4, 4)]
    anonymous = "select count(*) from {} where not exists (select from governance.tombstone where anonymous = {})"
    for table, column in (("marts.fct_interaction", "customer_id"), ("sources.core_banking__account", "account_id"),
                          ("sources.core_banking__account", "customer_id"),
                          ("sources.contact_centre__feedback", "customer_id"),
                          ("intermediate.int_account", "account_id")):  # fmt: skip
        assert bank.rows(anonymous.format(table, column)) == [(0,)], table
    assert not verify().findings
    before = bank.file.read_bytes()
    assert erasure.run("ops").text() == "no approved request"
    assert bank.file.read_bytes() == before


def covered(number):
    return json.loads(certificate.path(number).read_text())["numbers_replaced"]["core_banking.customer"]


def test_linked_between_approval_and_run(known):
    made = approved("X901", "X902")
    publish(known, ("X902", "X901"))
    assert erasure.run("ops").erasures == made
    assert_done(known, *made)
    assert [covered(each) for each in made] == [2, 2]
    # They stay one person, whoever it was.
    ((one, other),) = known.rows("select customer_id, linked_customer_id from marts.bridge_identity")
    assert one != other


def test_linked_and_parted_again_before_the_run(known):
    made = approved("X901", "X902")
    publish(known, ("X902", "X901"))
    publish(known)
    assert erasure.run("ops").erasures == made
    assert_done(known, *made)
    assert [covered(each) for each in made] == [1, 1]


def test_who_was_parted_from_the_person_is_not_erased_with_it(known):
    """What older dates still show is no reason: an erasure can't be undone."""
    publish(known, ("X902", "X901"))
    (number,) = approved("X902")
    publish(known)
    assert erasure.run("ops").erasures == [number]
    assert numbers_left(known, "X902", "Y902") == []
    assert {"sources.core_banking__customer", "marts.fct_interaction", "file"} <= set(numbers_left(known, "X901"))
    # And may ask now.
    (other,) = approved("X901")
    assert erasure.run("ops").erasures == [other]
    assert_done(known, number, other)


def test_linked_with_somebody_who_is_gone_already(known):
    """A person decided that they are one while the first was still known; the link is built behind the erasure."""
    (first,) = approved("X901")
    (second,) = requests.request([("X902", "asks")], "li")
    assert erasure.run("ops").erasures == [first]
    ((gone,),) = known.rows("select anonymous from governance.tombstone where kind = 'core_banking.customer'")
    publish(known, ("X902", gone))
    requests.decide([second], "wang", approve=True)
    assert erasure.run("ops").erasures == [second]
    assert_done(known, first, second)
    # What stands for the first one is what old files bring in, so it stays.
    assert known.rows("select linked_customer_id from marts.bridge_identity") == [(gone,)]
    assert covered(second) == 1
    with pytest.raises(ErasureError, match=f"{gone} was erased"):
        requests.request([(gone, "asks")], "li")


@pytest.mark.parametrize("point", ["landing", "rest", "_done"])
def test_approved_and_linked_while_another_is_half_way(known, monkeypatch, point):
    """The first is killed behind the tables; the second goes with it, and both are done."""

    def killed(*_):
        raise KeyboardInterrupt

    (first,) = approved("X901")
    with monkeypatch.context() as patch:
        patch.setattr(erasure.cleaning, point, killed)
        with pytest.raises(KeyboardInterrupt):
            erasure.run("ops")
    ((gone,),) = known.rows("select anonymous from governance.tombstone where kind = 'core_banking.customer'")
    publish(known, ("X902", gone))
    (second,) = approved("X902")
    assert erasure.run("ops").erasures == [first, second]
    assert_done(known, first, second)
    # What was changed for the first is in the certificates, too.
    rows = json.loads(certificate.path(first).read_text())["rows"]
    assert rows["marts.fct_interaction"] == 2


def test_killed_in_the_warehouse_neither_is_begun(known, monkeypatch):
    made = approved("X901", "X902")
    publish(known, ("X902", "X901"))
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_remember", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erasure.run("ops")
    assert known.rows("select distinct state from governance.erasure") == [("approved",)]
    assert "file" in numbers_left(known, "X901")
    assert erasure.run("ops").erasures == made
    assert_done(known, *made)
