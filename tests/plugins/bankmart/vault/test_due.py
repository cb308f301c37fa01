"""What a check opens: what is new at once, everything else in its turn, and what is broken until it is mended."""

from __future__ import annotations

from datetime import date

import pytest

from bankmart.vault import check, due

BEFORE = date(2026, 1, 30)
DAY_LATER = """
update vault.last_check set
    parts = (select array_agg(day - 1 order by number) from unnest(parts) with ordinality as part (day, number))
"""
# As if it had not been written by a transaction, but on the disk.
UNSEEN = "update vault.last_check set up_to = (pg_current_xact_id()::text::bigint + 1)::text::xid8"
ALTERED = "update vault.sealed set record = set_byte(record, 15, get_byte(record, 15) # 128) where customer_id = 'C3'"


@pytest.fixture
def many(people):
    people.customers(*({"customer_id": f"C{n}"} for n in range(40)))
    assert check.check()[1] == []
    return people


def test_what_is_new_is_opened_at_once_and_no_more(many):
    assert check.check() == ({}, [])
    many.customers({"customer_id": "C3", "mobile": "13900139000"}, {"customer_id": "N1"}, day=BEFORE)
    assert check.check()[0] == {"data keys": 2, "records": 2}
    assert check.check() == ({}, [])
    assert check.check(everything=True)[0] == {"data keys": 41, "records": 42}


def test_within_a_round_everything_is_opened_once(many):
    opened = []
    for _ in range(due.ROUND):
        many.query(DAY_LATER)
        counts, found = check.check()
        assert found == []
        opened.append(counts["records"])
    assert sum(opened) == 40
    assert max(opened) < 10
    # Days without a check are made up for.
    for _ in range(due.ROUND):
        many.query(DAY_LATER)
    assert check.check()[0]["records"] == 40


def test_what_was_altered_on_the_disk_is_found_within_a_round_and_until_it_is_mended(many):
    many.query(ALTERED)
    many.query(UNSEEN)
    assert check.check() == ({}, [])
    for _ in range(due.ROUND):
        many.query(DAY_LATER)
        found = check.check()[1]
        if found:
            break
    assert ["does not open" in each for each in found] == [True]
    assert check.check()[1] == found
    many.query(ALTERED)  # and back
    assert check.check()[1] == []


@pytest.mark.parametrize(
    "change",
    [
        # A backup in another cluster, whose transactions have other numbers; a clock that was wrong; another version.
        "update vault.last_check set up_to = (up_to::text::bigint + 1000000)::text::xid8",
        "update vault.last_check set up_to = '3' where pg_current_xact_id()::text::bigint > 3",
        "update vault.last_check set parts = array_fill(current_date + 1, array[30])",
        "update vault.last_check set parts = parts[1:20]",
        "delete from vault.last_check",
    ],
)
def test_where_it_can_not_be_known_everything_is_opened(many, change):
    many.query(change)
    assert check.check()[0]["records"] == 40
    assert check.check() == ({}, [])
