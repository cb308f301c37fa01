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


def change(*pairs, text=MODEL):
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
                '    left join "bankmart"."tags"."ind_card" as card on holding.customer_id = card.customer_id\n'
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
        change(("    where balance", "    inner join tags.ind_card using (customer_id)\n    where balance")),
    ],
    ids=["operator", "limit", "value", "default", "indicator", "join", "rows", "condition", "fewer-customers"],
)
def test_what_does(make_tag, sql):
    assert hashed(make_tag(), sql) != hashed(make_tag())


RANKED = """
with customer as (
    select customer_id, aum_amount, age, region from "bankmart"."tags"."ind_balance" where build_id = 0
),

largest as (
    select customer_id, aum_amount, rank() over peers as place from customer
    window everybody as (partition by region), peers as (everybody order by aum_amount)
    order by aum_amount desc limit 100
),

chosen as (
    select customer_id, place from largest
    union all
    select customer_id, age as place from customer
)

select customer_id, case when place < 10 then 'low' else 'high' end as aum_tier from chosen
"""


def ranked(*pairs):
    return change(*pairs, text=RANKED)


@pytest.mark.parametrize(
    "sql",
    [
        ranked(("limit 100", "limit 99")),
        ranked(("limit 100", "limit 100 offset 5")),
        ranked(("aum_amount desc limit", "aum_amount limit")),
        ranked(("order by aum_amount desc limit 100", "")),
        ranked(("union all", "union")),
        ranked(("union all", "except")),
        ranked(("union all", "except all")),
        ranked(("union all", "intersect")),
        ranked(("from customer\n)\n\nselect", "from customer\n    order by place limit 7\n)\n\nselect")),
        ranked(("(everybody order by aum_amount)", "(everybody order by age)")),
        ranked(("(everybody order by aum_amount)", "(order by aum_amount)")),
        ranked(("(partition by region)", "(partition by age)")),
        ranked(("from largest\n", "from largest inner join customer using (customer_id)\n")),
        ranked(("from largest\n", "from largest cross join (select 1 from tags.ind_card where payment_count > 2)\n")),
        ranked(("select customer_id, place from", "select distinct customer_id, place from")),
    ],
    ids=[
        "limit", "offset", "direction", "no-limit", "union", "except", "except-all", "intersect", "limit-of-union",
        "window-order", "window-without-base", "window-base", "inner-join", "cross-join", "distinct",
    ],
)  # fmt: skip
def test_which_rows_and_in_what_order(make_tag, sql):
    assert hashed(make_tag(), sql) != hashed(make_tag(), RANKED)


def test_what_set_operations_compare_belongs_to_them(make_tag):
    both = ranked(
        ("union all", "except"),
        ("place from largest", "place, age from customer"),
        ("age as place from", "age as place, 1 from"),
    )
    other = both.replace("place, age from customer", "place, region from customer")
    assert hashed(make_tag(), both) != hashed(make_tag(), other)


def test_joins_name_their_columns(make_tag):
    by_number, by_age = (
        ranked(
            ("from largest\n", f"from largest left join customer using ({name})\n"),
            ("place from l", "age + place as place from l"),
        )
        for name in ("customer_id", "age")
    )
    assert hashed(make_tag(), by_number) != hashed(make_tag(), by_age)


@pytest.mark.parametrize(
    "sql",
    [
        ranked(("window everybody as (partition by region), peers as (everybody order by aum_amount)\n", ""),
               ("over peers", "over (partition by region order by aum_amount)")),
        ranked(("peers", "others"), ("everybody", "all_of_them")),
        ranked(("    select customer_id, place from largest", "    (select customer_id, place from largest)")),
    ],
    ids=["window-written-out", "window-renamed", "brackets"],
)  # fmt: skip
def test_the_same_rows_said_otherwise(make_tag, sql):
    assert hashed(make_tag(), sql) == hashed(make_tag(), RANKED)


def test_values_and_default_belong_to_it(make_tag):
    assert hashed(make_tag(values=("low", "high", "none"))) != hashed(make_tag())
    assert hashed(make_tag(default=None)) != hashed(make_tag())
    assert hashed(make_tag(zh="别名", review_date=None)) == hashed(make_tag())
