"""History as readers ask for it: true on a date, as known on a date, after files that were late or that corrected."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta

import psycopg2
import pytest

from bankmart import db, dbt, settings
from bankmart.governance import build as builds
from bankmart.runtime import provision

# Mart → its raw table, its keys, and an attribute that every reader sees.
HISTORIES = {
    "dim_customer": ("core_banking__customer", ("customer_id",), "branch_id"),
    "bridge_customer_manager": ("crm__assignment", ("customer_id",), "manager_id"),
    "bridge_account_holder": ("core_banking__account_holder", ("account_id", "customer_id"), "holder_role"),
}


def query(statement, values=None, role="platform"):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def send(table, source, changes, day):
    """One more record on the second date: a record of the first with these changes."""
    said = " || ".join(["to_jsonb(c)", *(f"jsonb_build_object('{name}', {value})" for name, value in changes.items())])
    query(
        f"insert into sources.{table} select (jsonb_populate_record(null::sources.{table}, {said}"
        f" || jsonb_build_object('business_date', %s::text))).* from sources.{table} as c where {source}",
        (day,),
        "loader",
    )


@pytest.fixture
def corrected(line):
    """Files of the second date with a version that comes late, one that corrects, and one of the far past.

    Yields the build whose marts know it, and the customers: late, corrected.
    """
    first, day = line.dates[:2]
    names = [
        name
        for (name,) in query(
            "select customer_id from sources.core_banking__customer as c inner join sources.crm__assignment"
            " using (customer_id) group by customer_id having count(*) = 1 and min(c.effective_date) < %s"
            " order by customer_id limit 3",
            (first - timedelta(days=60),),
        )
    ]
    late, wrong, moved = names
    ((holding, holder),) = query(
        "select account_id, customer_id from sources.core_banking__account_holder group by 1, 2"
        " having count(*) = 1 and max(holder_role) = 'owner' order by 1, 2 limit 1"
    )
    other = "(select max(branch_id) from sources.core_banking__branch where branch_id <> c.branch_id)"
    manager = "(select max(manager_id) from sources.crm__manager where manager_id <> c.manager_id)"
    made = []
    try:
        send("core_banking__customer", f"customer_id = '{late}'",
             {"effective_date": "c.effective_date + 30", "branch_id": other}, day)  # fmt: skip
        send("core_banking__customer", f"customer_id = '{wrong}'", {"branch_id": other}, day)
        send("crm__assignment", f"customer_id = '{moved}'",
             {"effective_date": "c.effective_date + 7", "manager_id": manager}, day)  # fmt: skip
        send("core_banking__account_holder", f"account_id = '{holding}' and customer_id = '{holder}'",
             {"effective_date": "c.effective_date + 3", "holder_role": "'authorised'"}, day)  # fmt: skip
        made.append(builds.open_build(day, "history"))
        for layer in ("intermediate", "marts"):
            dbt.build_layer(layer, made[0])
        yield made[0].build_id, late, wrong
    finally:
        for build in made:
            builds.finish(build.build_id, "failed", "of a test")
            query("update governance.build set status = 'superseded' where build_id = %s", (build.build_id,))
        for table, customer in (("core_banking__customer", late), ("core_banking__customer", wrong),
                                ("crm__assignment", moved), ("core_banking__account_holder", holder)):  # fmt: skip
            query(
                f"delete from sources.{table} where business_date = %s and customer_id = %s", (day, customer), "loader"
            )


def delivered(table, keys, attribute):
    """Every record that was ever delivered: keys, when true, when known, what it says."""
    columns = ", ".join(keys)
    return query(f"select array[{columns}], effective_date, business_date, {attribute} from sources.{table}")


def expected(records, as_of: date, known_on: date):
    """Keys → what the newest record says that was known then and true then."""
    found = {}
    for key, effective, known, said in records:
        if effective <= as_of and known <= known_on:
            found[tuple(key)] = max(found.get(tuple(key), (date.min, date.min, "")), (effective, known, said))
    return {key: said for key, (_, _, said) in found.items()}


def shown(keys, found):
    """What readers see of it: account numbers are masked for everybody, so that some are alike."""
    masks = [(lambda text: f"{text[:2]}***{text[-2:]}") if key == "account_id" else str for key in keys]
    return sorted(
        (tuple(mask(text) for mask, text in zip(masks, key, strict=True)), said) for key, said in found.items()
    )


class Readers:
    """What readers would see, were the build published; taken back at the end."""

    def __init__(self, cursor):
        self.cursor = cursor

    def ask(self, name, keys, attribute, as_of, known_on):
        columns = ", ".join(keys)
        self.cursor.execute(
            f"select array[{columns}], {attribute} from published.{name}_as_of(%s, %s)", (as_of, known_on)
        )
        return sorted((tuple(key), said) for key, said in self.cursor.fetchall())


@pytest.fixture
def readers(line, corrected):
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        cursor.execute(
            "update governance.publication set build_id = %s where business_date = %s", (corrected[0], line.dates[1])
        )
        yield Readers(cursor)
        link.rollback()


def test_as_of_a_date_and_as_known_on_a_date(line, readers):
    first, day = line.dates[:2]
    for name, (table, keys, attribute) in HISTORIES.items():
        records = delivered(table, keys, attribute)
        days = sorted({effective for _, effective, _, _ in records})
        asked = {days[0] - timedelta(days=1), days[0], days[len(days) // 2], days[-1] - timedelta(days=1), first, day}
        said = set()
        for as_of in sorted(asked):
            for known_on in (first - timedelta(days=1), first, day):
                found = readers.ask(name, keys, attribute, as_of, known_on)
                assert found == shown(keys, expected(records, as_of, known_on)), (name, as_of, known_on)
                said.add(tuple(found))
        # The dates asked for do not all have the same answer.
        assert len(said) >= 3, name


def test_a_late_and_a_correcting_record(line, corrected, readers):
    first, day = line.dates[:2]
    _, late, wrong = corrected
    ((began, before),) = query(
        "select effective_date, branch_id from sources.core_banking__customer where customer_id = %s"
        " and business_date = %s", (late, first),
    )  # fmt: skip
    ((corrected_from, mistaken),) = query(
        "select effective_date, branch_id from sources.core_banking__customer where customer_id = %s"
        " and business_date = %s", (wrong, first),
    )  # fmt: skip

    def branch(customer, as_of, known_on):
        return dict(readers.ask("dim_customer", ("customer_id",), "branch_id", as_of, known_on)).get((customer,))

    # What came late is true from its own date on, but only for those who ask by what was known when it had come.
    turn = began + timedelta(days=30)
    assert branch(late, turn, first) == before
    assert branch(late, turn, day) not in (before, None)
    assert branch(late, turn - timedelta(days=1), day) == before
    assert branch(late, began - timedelta(days=1), day) is None
    # A correction takes the place of what it corrects for the whole time, and what was believed can still be read.
    assert branch(wrong, corrected_from, first) == branch(wrong, day, first) == mistaken
    assert branch(wrong, corrected_from, day) == branch(wrong, day, day) != mistaken
    assert branch(wrong, day, first - timedelta(days=1)) is None
