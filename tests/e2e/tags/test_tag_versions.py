"""A tag whose definition has changed: a file of its own, for it publishes a date that only its own project made."""

from __future__ import annotations

import re

from bankmart import db, dbt
from bankmart.governance import catalogue, publication


def query(statement, role="bi_reader", values=None):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def test_both_versions_are_read_until_the_old_one_ends(line, checkout):
    """A build of the next date with the old definition frozen and the new one beside it; readers have both."""
    file = checkout / "models/tags/value/tag_value.sql"
    text = file.read_text(encoding="utf-8")
    old = re.search(r"    case\n        when aum_amount < 1000 .*?\n    end as aum_tier,\n", text, re.S)
    new = old.group().replace("< 50000", "< 30000").replace("aum_tier", "aum_tier_v2")
    file.write_text(text.replace(old.group(), old.group() + new), encoding="utf-8")
    words = file.with_suffix(".yml")
    text = words.read_text(encoding="utf-8")
    says = re.search(r"      - {name: aum_tier, .*\n", text).group()
    second = says.replace("name: aum_tier", "name: aum_tier_v2").replace("version: 1", "version: 2")
    frozen = says.replace("status: live", "status: frozen, end_date: 2099-12-31")
    words.write_text(text.replace(says, frozen + second), encoding="utf-8")
    line.ingest(line.dates[2])
    build = line.build(line.dates[2])
    publication.publish(build, actor="test")
    catalogue.refresh(dbt.manifest(), build)
    assert query(
        "select name, version, status, end_date::text from published.dictionary"
        " where kind = 'tag' and name in ('aum_tier', 'aum_tier_v2') order by 1"
    ) == [("aum_tier", 1, "frozen", "2099-12-31"), ("aum_tier_v2", 2, "live", None)]
    amounts = dict(query("select customer_id, aum_amount from published.customer_360"))
    held = {
        tag: dict(query(
            "select customer_id, value from published.customer_tag_history where tag = %s and valid_to is null",
            values=(tag,),
        ))
        for tag in ("aum_tier", "aum_tier_v2")
    }  # fmt: skip
    moved = {customer for customer, amount in amounts.items() if 30000 <= amount < 50000}
    assert moved
    assert {customer for customer in amounts if held["aum_tier"][customer] != held["aum_tier_v2"][customer]} == moved
    assert {(held["aum_tier"][customer], held["aum_tier_v2"][customer]) for customer in moved} == {("basic", "silver")}
