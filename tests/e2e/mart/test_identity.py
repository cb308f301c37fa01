"""One person with two customer numbers: parted and merged again by real builds; files that are late or corrected."""

from __future__ import annotations

import pytest

from bankmart import db
from bankmart.governance.commands import identity
from bankmart.governance.commands.hash import hashes

LAYERS = ("intermediate", "marts")
PERSONS = ("marts.dim_customer_current", "marts.dim_account", "marts.fct_balance_current")
# By the source's customer numbers: who is linked with whom changes nothing in them.
HISTORY = ("marts.dim_customer", "marts.fct_transaction", "marts.fct_balance_daily", "marts.bridge_account_holder")


def query(statement, values=None, role="platform"):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def of(build_id, table, columns, where="true"):
    return query(f"select {columns} from {table} where build_id = %s and {where} order by 1, 2", (build_id,))


def test_unmerging_restores_both_and_merging_again_the_one(line, rebuild):
    day = line.dates[1]
    before = hashes(day)
    ((twin, survivor),) = query(
        "select customer_id, linked_customer_id from marts.bridge_identity where rule = 'id_number' and build_id ="
        " (select build_id from governance.publication where business_date = %s) order by 1 limit 1",
        (day,),
    )
    pair = f"customer_id in ('{twin}', '{survivor}')"

    identity.decide(twin, None, day, "two people with one number", "test")
    parted = rebuild(day, *LAYERS)
    assert of(parted, "marts.dim_customer_current", "customer_id, linked_count", pair) == [
        (name, 0) for name in sorted((twin, survivor))
    ]
    entry = "customer_id, linked_customer_id, event, rule, evidence, event_date"
    assert of(parted, "marts.fct_identity_link", entry) == [
        (twin, survivor, "unlinked", "id_number", "id_type, id_number", day)
    ]
    assert of(parted, "marts.dim_account", "account_id, customer_id", pair) == of(
        parted, "intermediate.int_account", "account_id, customer_id", pair
    )
    now = hashes(build_id=parted)
    assert {name: now[name] for name in HISTORY} == {name: before[name] for name in HISTORY}
    assert all(now[name] != before[name] for name in PERSONS[:1])

    identity.decide(survivor, twin, day, "one person after all", "test")
    again = rebuild(day, *LAYERS)
    assert of(again, "marts.bridge_identity", "customer_id, linked_customer_id, rule", f"customer_id = '{twin}'") == [
        (twin, survivor, "manual")
    ]
    now = hashes(build_id=again)
    assert {name: now[name] for name in HISTORY + PERSONS} == {name: before[name] for name in HISTORY + PERSONS}


@pytest.fixture
def strangers(line):
    """Four customers that nothing links, the oldest first; the last is now named, born and called as the third."""
    found = query(
        "select customer_id from marts.dim_customer_current as known where linked_count = 0 and build_id ="
        " (select build_id from governance.publication where business_date = %s) and exists (select from"
        " sources.core_banking__customer as c where c.customer_id = known.customer_id and name is not null and mobile"
        " is not null and birth_date is not null having count(*) = 1 and min(business_date) = %s)"
        " order by open_date, customer_id limit 4",
        (line.dates[1], line.dates[0]),
    )
    names = [name for (name,) in found]
    # As they were loaded: the name and the mobile are tokens.
    query(
        "insert into sources.core_banking__customer select (jsonb_populate_record(null::sources.core_banking__customer,"
        " to_jsonb(c) || jsonb_build_object('effective_date', c.effective_date + 1, 'name', o.name, 'mobile', o.mobile,"
        " 'birth_date', o.birth_date, 'business_date', %s::text))).* from sources.core_banking__customer as c,"
        " sources.core_banking__customer as o where c.customer_id = %s and o.customer_id = %s",
        (line.dates[1], names[3], names[2]),
        "loader",
    )
    yield names
    unlike(names)


def unlike(names):
    statement = (
        "delete from sources.core_banking__customer where customer_id = %s and name ="
        " (select name from sources.core_banking__customer where customer_id = %s)"
    )
    query(statement, (names[3], names[2]), "loader")


def test_strangers_are_merged_by_hand_or_by_what_agrees_and_parted(line, rebuild, strangers):
    day = line.dates[1]
    before = hashes(day)
    one, other, third, fourth = strangers
    identity.decide(other, one, day, "seen at the branch", "test")
    merged = rebuild(day, *LAYERS)
    entry = "linked_customer_id, rule, evidence"
    assert of(merged, "marts.bridge_identity", entry, f"customer_id = '{fourth}'") == [
        (third, "name_birth_mobile", "name, birth_date, mobile")
    ]
    assert of(
        merged, "marts.dim_customer_current", "customer_id, linked_count", f"customer_id in ('{one}', '{other}')"
    ) == [(one, 1)]
    assert of(merged, "marts.fct_balance_current", "customer_id, asset_class", f"customer_id = '{other}'") == []
    identity.decide(other, None, day, "a mistake", "test")
    unlike(strangers)
    assert marts(hashes(build_id=rebuild(day, *LAYERS))) == marts(before)


def marts(found):
    """The hashes of the marts: only these and what is before them are built here."""
    return {name: value for name, value in found.items() if name.startswith("marts.")}


def test_decisions_are_about_customers_that_are_there(line):
    with pytest.raises(identity.IdentityError, match="was ever delivered"):
        identity.decide("nobody", None, line.dates[1], "a test", "test")
    ((name,),) = query("select min(customer_id) from sources.core_banking__customer")
    with pytest.raises(identity.IdentityError, match="merged with itself"):
        identity.decide(name, name, line.dates[1], "a test", "test")


@pytest.fixture
def late(line):
    """A late version of a customer, and a corrected balance of an old day, in the second date's files."""
    day = line.dates[1]
    ((customer,),) = query(
        "select max(customer_id) from sources.core_banking__customer where business_date = %s"
        " and customer_id not in (select customer_id from sources.core_banking__customer where business_date > %s)",
        (line.dates[0], line.dates[0]),
    )
    query(
        "insert into sources.core_banking__customer select (jsonb_populate_record(null::sources.core_banking__customer,"
        " to_jsonb(c) || jsonb_build_object('effective_date', c.effective_date + 1, 'address', 'elsewhere',"
        " 'business_date', %s::text))).* from sources.core_banking__customer as c"
        " where customer_id = %s and business_date = %s",
        (day, customer, line.dates[0]),
        "loader",
    )
    ((account, balance_date),) = query(
        "select account_id, min(balance_date) from sources.core_banking__balance"
        " inner join sources.core_banking__account using (account_id)"
        " inner join sources.core_banking__product as product using (product_id)"
        " where product_line = 'savings' and product.business_date = %s"
        " group by account_id having count(*) > 3 order by account_id limit 1",
        (day,),
    )
    ((load, amount),) = query(
        "insert into sources.core_banking__balance"
        " select account_id, balance_date, balance_amount + 100, %s,"
        " (select load_id from governance.load where table_name = 'balance' and business_date = %s"
        " and status = 'loaded') from sources.core_banking__balance"
        " where account_id = %s and balance_date = %s and business_date = %s returning load_id, balance_amount",
        (day, day, account, balance_date, line.dates[0]),
        "loader",
    )
    stated(load, amount, 1)
    yield customer, account, balance_date
    query(
        "delete from sources.core_banking__customer where business_date = %s and customer_id = %s",
        (day, customer),
        "loader",
    )
    query(
        "delete from sources.core_banking__balance where business_date = %s and account_id = %s and balance_date = %s",
        (day, account, balance_date),
        "loader",
    )
    stated(load, -amount, -1)


def stated(load_id, amount, records):
    """The sender's control total and count of a load, as if the file had come with the records."""
    query(
        "update governance.load set read_count = read_count + %s, accepted_count = accepted_count + %s,"
        " control_totals = control_totals || jsonb_build_object('balance_amount',"
        " ((control_totals ->> 'balance_amount')::numeric + %s)::text) where load_id = %s",
        (records, records, amount, load_id),
        "loader",
    )


def test_late_and_corrected_rows_restate_history(line, late, rebuild):
    customer, account, balance_date = late
    build_id = rebuild(line.dates[1], *LAYERS)
    assert of(build_id, "marts.dim_customer", "address, customer_id", f"customer_id = '{customer}'") == [
        ("elsewhere", customer)
    ]
    ((owner,),) = query(
        "select customer_id from intermediate.int_account where account_id = %s and build_id = %s", (account, build_id)
    )
    mine = f"customer_id = '{owner}' and asset_class = 'deposit' and balance_date < '{line.dates[1]}'"
    changes = of(build_id, "marts.fct_balance_daily", "balance_date, change_amount", mine)
    assert changes[0] == (balance_date, 100)
    assert [change for _, change in changes if change] == [100, -100]
    assert hashes(build_id=rebuild(line.dates[1], *LAYERS)) == hashes(build_id=build_id)
