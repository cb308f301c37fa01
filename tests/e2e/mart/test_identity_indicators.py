"""A person with two customer numbers, followed into indicators and tags: before, while and after they are one."""

from __future__ import annotations

import pytest

from bankmart import db
from bankmart.governance.commands import identity
from bankmart.governance.commands.hash import hashes

LAYERS = ("intermediate", "marts", "tags")
# Counted in moving windows, and standing on the day itself.
COUNTED = ("transaction_out_count_365d", "transaction_out_amount_90d", "transaction_in_count_30d")
STANDING = ("aum_amount", "account_count")


def query(statement, values=None, role="platform"):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def indicators(build_id, *people):
    """Customer → indicators of those of them that have any."""
    rows = query(
        f"select customer_id, {', '.join(COUNTED + STANDING)} from tags.ind_all where build_id = %s"
        " and customer_id = any(%s)", (build_id, list(people)),
    )  # fmt: skip
    return {who: dict(zip(COUNTED + STANDING, map(float, values), strict=True)) for who, *values in rows}


def booked(customer, day):
    """The same from what each number's own accounts were delivered."""
    ((out_count, out_amount, in_count),) = query(
        "with booked as (select distinct t.transaction_id, t.direction, t.amount, %(day)s - t.transaction_date as age"
        " from sources.core_banking__transaction as t"
        " inner join sources.core_banking__account as a using (account_id)"
        " where a.customer_id = %(who)s and t.business_date <= %(day)s and t.transaction_date <= %(day)s)"
        " select count(*) filter (where direction = 'out' and age < 365),"
        " coalesce(sum(amount) filter (where direction = 'out' and age < 90), 0),"
        " count(*) filter (where direction = 'in' and age < 30) from booked",
        {"who": customer, "day": day},
    )
    return dict(zip(COUNTED, (float(out_count), float(out_amount), float(in_count)), strict=True))


def test_indicators_go_with_the_person(line, rebuild):
    before, day = line.dates[:2]
    (published,) = query("select build_id from governance.publication where business_date = %s", (day,))[0]
    (yesterday,) = query("select build_id from governance.publication where business_date = %s", (before,))[0]
    pairs = query(
        "select customer_id, linked_customer_id from marts.bridge_identity where build_id = %s and rule = 'id_number'"
        " order by 1", (published,),
    )  # fmt: skip
    twin, survivor = next(
        pair for pair in pairs if all(booked(who, day)["transaction_out_amount_90d"] > 0 for who in pair)
    )
    own = {who: booked(who, day) for who in (twin, survivor)}
    both = {name: own[twin][name] + own[survivor][name] for name in COUNTED}

    # While they are one, the person has what both numbers have, and the other number has nothing.
    linked = indicators(published, twin, survivor)
    assert set(linked) == {survivor}
    assert {name: linked[survivor][name] for name in COUNTED} == pytest.approx(both)

    identity.decide(twin, None, day, "two people with one number", "test")
    parted_build = rebuild(day, *LAYERS)
    parted = indicators(parted_build, twin, survivor)
    assert set(parted) == {twin, survivor}
    for who in (twin, survivor):
        assert {name: parted[who][name] for name in COUNTED} == pytest.approx(own[who])
    for name in STANDING:
        assert parted[twin][name] + parted[survivor][name] == pytest.approx(linked[survivor][name])
    # The date before stays as it was believed; nobody else has moved.
    assert set(indicators(yesterday, twin, survivor)) == {survivor}
    others = "select count(*) from (select {0} from tags.ind_all where build_id = %s and customer_id <> all(%s)"
    columns = ", ".join(["customer_id", *COUNTED, *STANDING])
    ((moved,),) = query(
        f"{others} except {others[len('select count(*) from (') :]}) as moved".format(columns),
        (published, [twin, survivor], parted_build, [twin, survivor]),
    )
    assert moved == 0
    tags = dict(query("select customer_id, aum_tier from tags.tag_value where build_id = %s"
                      " and customer_id = any(%s)", (parted_build, [twin, survivor])))  # fmt: skip
    assert set(tags) == {twin, survivor}

    identity.decide(survivor, twin, day, "one person after all", "test")
    again = rebuild(day, *LAYERS)
    assert indicators(again, twin, survivor) == linked
    now, then = hashes(build_id=again), hashes(day)
    assert {name: value for name, value in now.items() if name.startswith("tags.ind_all")} == {
        name: value for name, value in then.items() if name.startswith("tags.ind_all")
    }


def test_strangers_that_are_merged_share_what_they_had(line, rebuild):
    day = line.dates[1]
    (published,) = query("select build_id from governance.publication where business_date = %s", (day,))[0]
    active = [
        who
        for (who,) in query(
            "select customer_id from marts.dim_customer_current where linked_count = 0 and build_id = %s order by 1",
            (published,),
        )
        if booked(who, day)["transaction_in_count_30d"] > 0
    ]
    one, other = active[:2]
    apart = indicators(published, one, other)
    identity.decide(other, one, day, "seen at the branch", "test")
    merged = indicators(rebuild(day, *LAYERS), one, other)
    assert len(merged) == 1
    (person,) = merged.values()
    assert person == pytest.approx({name: apart[one][name] + apart[other][name] for name in COUNTED + STANDING})
