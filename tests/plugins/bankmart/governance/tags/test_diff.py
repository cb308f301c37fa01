"""How many customers a changed tag moves: from each published value to each new one."""

from datetime import date

import pytest

from bankmart import db
from bankmart.governance.tags import diff
from bankmart.governance.tags.trial import TrialError

CHANGED = "select customer_id, case when n > {} then 'high' else 'low' end as {} from tags.input"


def ask(statement):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def published(warehouse, days):
    build = days[0](1, date(2026, 11, 1))
    ask("create table tags.input as select n::text as customer_id, n from generate_series(1, 10) as n")
    ask(
        "create table tags.tag_value as select customer_id, case when n > 6 then 'high' else 'low' end as aum_tier,"
        " 1::bigint as build_id from tags.input where n > 1"
    )
    return build


def test_a_changed_definition(published, make_tag):
    against, moved = diff.moves(make_tag(), CHANGED.format(4, "aum_tier"), 1)
    assert against == "the published aum_tier"
    assert sorted(moved) == [("(none)", "low", 1), ("high", "high", 4), ("low", "high", 2), ("low", "low", 3)]
    assert diff.cross_table(moved, ("low", "high")).splitlines() == [
        "published \\ new  low  high",
        "---------------  ---  ----",
        "low                3     2",
        "high                     4",
        "(none)             1",
    ]


def test_a_new_version_is_compared_with_the_one_before(published, make_tag):
    tag = make_tag(version=2, column="aum_tier_v2")
    against, moved = diff.moves(tag, CHANGED.format(9, "aum_tier_v2"), 1)
    assert against == "the published aum_tier"
    assert ("high", "low", 3) in moved


def test_a_new_tag_is_compared_with_nothing(published, make_tag):
    against, moved = diff.moves(make_tag("size", relation="tags.tag_size"), CHANGED.format(9, "size"), 1)
    assert against == "nothing (it is new)"
    assert sorted(moved) == [("(none)", "high", 1), ("(none)", "low", 9)]


def test_a_select_that_fails(published, make_tag):
    with pytest.raises(TrialError, match="tag_value.sql can't be computed: column .* does not exist"):
        diff.moves(make_tag(), "select nobody as aum_tier from tags.input", 1)


def test_an_unknown_key(make_tag):
    with pytest.raises(TrialError, match="there is no tag aum_teer: aum_tier"):
        diff.newest("aum_teer", [make_tag()])
    old, new = make_tag(), make_tag(version=2, column="aum_tier_v2")
    assert diff.newest("aum_tier", [old, new]) is new
    assert diff.newest("aum_tier_v2", [old, new]) is new
