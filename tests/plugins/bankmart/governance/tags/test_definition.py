"""A definition's hash changes with what the tag means, and with nothing else."""

import pytest

from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.tags.definition import definition_hash

MODEL = """
with holding as (
    select * from (select * from "bankmart"."tags"."ind_holding" where build_id = 0) as r
    where as_of_date = date '2000-01-03'
),

valued as (
    select holding.customer_id, coalesce(balance.aum_amount, 0) as aum_amount, balance.rate
    from holding
    left join (select * from "bankmart"."tags"."ind_balance" where build_id = 0) as balance
        on holding.customer_id = balance.customer_id
    where balance.aum_amount >= 0 and holding.tenure_days > 3
)

select
    customer_id,
    case when aum_amount < 1000 then 'low' else 'high' end as aum_tier,
    rate > 0.5 as is_rising,
    date '2000-01-03' as business_date
from valued
"""
KNOWN = {
    "tags.ind_holding": ["customer_id", "as_of_date", "tenure_days", "build_id"],
    "tags.ind_balance": ["customer_id", "aum_amount", "rate", "build_id"],
    "tags.ind_card": ["customer_id", "payment_count", "build_id"],
}


def hashed(tag, sql=MODEL):
    return definition_hash(tag, Lineage({"tags.tag_value": sql}, KNOWN, ["tags.tag_value"]).queries)


def change(*pairs):
    text = MODEL
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    return text


@pytest.mark.parametrize(
    "sql",
    [
        change(
            ("    customer_id,\n    case", "-- a remark\ncustomer_id, CASE"),
            (" then 'low' else", "\n  THEN 'low' ELSE"),
        ),
        change(("valued", "judged")),
        change(("as aum_amount", "as held"), ("when aum_amount", "when held")),
        change(("rate > 0.5", "rate > 0.9")),
        change(("    rate > 0.5 as is_rising,\n", "")),
        change(
            ("balance.rate\n", "balance.rate, card.payment_count\n"),
            (
                "    where balance",
                '    inner join "bankmart"."tags"."ind_card" as card on holding.customer_id = card.customer_id\n'
                "    where balance",
            ),
            ("    rate > 0.5", "    payment_count > 3 as pays,\n    rate > 0.5"),
        ),
        change(("holding.customer_id = balance.customer_id", "balance.customer_id = holding.customer_id")),
        change(
            (
                "balance.aum_amount >= 0 and holding.tenure_days > 3",
                "holding.tenure_days > 3 and balance.aum_amount >= 0",
            )
        ),
        change(("build_id = 0", "build_id = 12")),
    ],
    ids=["format", "cte", "alias", "other-tag", "other-gone", "other-new", "sides", "order", "build"],
)
def test_what_does_not_change_the_meaning(make_tag, sql):
    assert hashed(make_tag(), sql) == hashed(make_tag())


@pytest.mark.parametrize(
    "sql",
    [
        change(("< 1000", "<= 1000")),
        change(("< 1000", "< 2000")),
        change(("'low' else", "'poor' else")),
        change(("coalesce(balance.aum_amount, 0)", "coalesce(balance.aum_amount, 1)")),
        change(("coalesce(balance.aum_amount, 0)", "coalesce(balance.rate, 0)")),
        change(("left join", "inner join")),
        change(("tenure_days > 3", "tenure_days > 4")),
        change(("holding.customer_id = balance.customer_id", "holding.customer_id = balance.customer_id and rate > 0")),
    ],
    ids=["operator", "limit", "value", "default", "indicator", "join", "rows", "condition"],
)
def test_what_does(make_tag, sql):
    assert hashed(make_tag(), sql) != hashed(make_tag())


def test_values_and_default_belong_to_it(make_tag):
    assert hashed(make_tag(values=("low", "high", "none"))) != hashed(make_tag())
    assert hashed(make_tag(default=None)) != hashed(make_tag())
    assert hashed(make_tag(zh="别名", review_date=None)) == hashed(make_tag())
