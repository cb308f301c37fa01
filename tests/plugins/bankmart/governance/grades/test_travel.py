"""A grade goes through every kind of SQL, and only a listed breaker lowers it."""

import pytest

from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.catalogue.query import ROW, Leaf
from bankmart.governance.grades.grade import Breakers, Grade
from bankmart.governance.grades.travel import Travel

SUMMING = frozenset({"count", "sum", "avg", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp"})
BREAKERS = Breakers(
    *(frozenset({"customer_token"}), Grade(2, 1), 1, 2, 5, 20, SUMMING, Grade(1, 0), frozenset({"t1"}), Grade(2, 1))
)
KNOWN = {
    "s.customer": ["customer_id", "id_number", "name", "branch_id"],
    "s.money": ["customer_id", "amount", "day"],
    "s.branch": ["branch_id", "city"],
}
DECLARED = {
    Leaf("s.customer", "customer_id"): Grade(2, 1),
    Leaf("s.customer", "id_number"): Grade(4, 2),
    Leaf("s.customer", "name"): Grade(3, 2),
    Leaf("s.customer", ROW): Grade(2, 1),
    Leaf("s.money", "customer_id"): Grade(2, 1),
    Leaf("s.money", "amount"): Grade(3, 2),
    Leaf("s.money", ROW): Grade(3, 2),
}


def travel(*queries, declared=DECLARED):
    compiled = {f"m.t{place}": query for place, query in enumerate(queries)}
    return Travel(Lineage(compiled, KNOWN, list(compiled)), declared, BREAKERS, frozenset({"customer_id"}))


def grade(*queries, column="x"):
    return travel(*queries).of(Leaf(f"m.t{len(queries) - 1}", column))


@pytest.mark.parametrize(
    "query",
    [
        "select id_number as x from s.customer",
        "select upper(trim(id_number)) || branch_id as x from s.customer",
        "with a as (select * from s.customer), b as (select id_number as y from a) select y as x from b",
        "select 1 as x union all select length(id_number) from s.customer",
        "select c.id_number as x from s.branch as b left join lateral (select id_number from s.customer) as c on true",
        "select max(id_number) over (partition by branch_id) as x from s.customer",
        "select branch_id, min(id_number) as x from s.customer group by 1",
        "select (select max(id_number) from s.customer as c where c.branch_id = b.branch_id) as x from s.branch as b",
        "select case when branch_id = '1' then id_number end as x from s.customer",
        "select v.x from s.customer as c cross join lateral (values (c.id_number), ('a')) as v (x)",
        "select md5(id_number) as x from s.customer",
        "select left(id_number, 6) as x from s.customer",
        "select array_agg(name order by id_number) as x from s.customer",
        "select coalesce(id_number, 'none') as x from s.customer",
    ],
)
def test_what_is_made_of_a_column_has_its_grade(query):
    assert grade(query) == Grade(4, 2)


def test_through_models_and_what_a_state_reads_of_itself():
    first = (
        "select customer_id, id_number as kept, null::text as next from s.customer"
        " union all select customer_id, null, kept from m.t0"
    )
    assert grade(first, "select t.next as x from m.t0 as t") == Grade(4, 2)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("select amount > 50000 as x from s.money", Grade(2, 2)),
        ("select case when amount > 9 then 'gold' when amount > 5 then 'silver' end as x from s.money", (2, 2)),
        ("select id_number like '11%' as x from s.customer", (3, 2)),
        ("select name is not null and amount > 1 as x from s.customer join s.money using (customer_id)", (2, 2)),
        ("select ntile(5) over (order by amount) as x from s.money", (2, 2)),
        ("select bool_or(amount > 5) as x from s.money group by customer_id", (2, 2)),
        ("select customer_token(id_number) as x from s.customer", (2, 1)),
        ("select branch_id, sum(amount) as x from s.money join s.customer using (customer_id)"
         " group by branch_id having count(distinct customer_id) >= 20", (1, 0)),
        ("select 'daily' as x from s.money", (1, 0)),
    ],
)  # fmt: skip
def test_a_listed_breaker_lowers_it(query, found):
    assert grade(query) == (found if isinstance(found, Grade) else Grade(*found))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # One person's own rows: still that person's money.
        ("select customer_id, sum(amount) as x from s.money group by customer_id", (3, 2)),
        ("select sum(amount) as x from s.money group by customer_id having count(distinct customer_id) >= 20", (3, 2)),
        # Too few, counted wrongly, or not by customer.
        ("select day, sum(amount) as x from s.money group by day having count(distinct customer_id) >= 19", (3, 2)),
        ("select day, sum(amount) as x from s.money group by day having count(customer_id) >= 20", (3, 2)),
        ("select day, sum(amount) as x from s.money group by day having count(distinct day) >= 20", (3, 2)),
        ("select day, sum(amount) as x from s.money group by day"
         " having count(distinct customer_id) >= 20 or day is null", (3, 2)),
        ("select day, sum(amount) as x from s.money group by day", (3, 2)),
        # More values than a bucketing may have, or one that is none.
        ("select case amount when 1 then 1 when 2 then 2 when 3 then 3 when 4 then 4 when 5 then 5"
         " when 6 then 6 end as x from s.money", (3, 2)),
        ("select case when amount > 5 then 'much' else amount::text end as x from s.money", (3, 2)),
        ("select ntile(100) over (order by amount) as x from s.money", (3, 2)),
        ("select percent_rank() over (order by amount) as x from s.money", (3, 2)),
        ("select sha256(amount::text::bytea) as x from s.money", (3, 2)),
        ("select customer_token(name) || name as x from s.customer", (3, 2)),
        # That there are rows, and how many, says what the rows say.
        ("select customer_id, count(*) as x from s.money group by customer_id", (3, 2)),
        ("select count(*) as x from s.customer where id_number is not null", (3, 2)),
        ("select count(*) as x from s.branch as b join s.customer as c"
         " on c.branch_id = b.branch_id and c.id_number like '11%'", (3, 2)),
        ("with a as (select branch_id from s.customer group by 1 having max(id_number) like '9%')"
         " select count(*) as x from a", (3, 2)),
        # Whether an outer join met says what it asked.
        ("select b.city is not null as x from s.customer as c"
         " left join s.branch as b on c.branch_id = b.branch_id and c.id_number like '11%'", (3, 2)),
        ("select b.city as x from s.branch as b right join s.customer as c on c.id_number = '110101'", (3, 2)),
        ("select b.city as x from s.customer as c full join s.branch as b on b.city = left(c.id_number, 6)", (3, 2)),
        ("select coalesce(a.y, 'no') as x from s.customer as c left join"
         " (select branch_id, 'yes' as y from s.branch) as a on c.id_number > '5'", (3, 2)),
        ("with b as (select branch_id, city as x from s.branch)"
         " select b.* from s.customer as c left join b on c.branch_id = b.branch_id and c.id_number > '5'", (3, 2)),
        ("select (select max(b.city) from s.money) as x from s.customer as c"
         " left join s.branch as b on c.id_number > '5'", (3, 2)),
        # And whether there was a row that it could meet says what was asked of that row.
        ("select a.y is not null as x from s.branch as b left join"
         " (select branch_id, 1 as y from s.customer where id_number like '11%') as a on a.branch_id = b.branch_id",
         (3, 2)),
        ("with a as (select branch_id, 'yes' as y from s.customer group by 1 having max(id_number) > '5')"
         " select coalesce(a.y, 'no') as x from s.branch as b left join a using (branch_id)", (3, 2)),
        ("with a as (select branch_id, 'yes' as y from s.money cross join s.branch where amount > 5000)"
         " select a.y as x from a right join s.branch as b using (branch_id)", (2, 2)),
        # Yes or no of a yes or no: lowered once.
        ("with a as (select id_number like '1%' as y from s.customer) select y and not y as x from a", (3, 2)),
        ("select case when (id_number like '1%') is true then 'a' else 'b' end as x from s.customer", (3, 2)),
    ],
)  # fmt: skip
def test_nothing_else_does(query, found):
    assert grade(query) == Grade(*found)


@pytest.mark.parametrize(
    "query",
    [
        "select b.city as x from s.customer as c left join s.branch as b on c.branch_id = b.branch_id",
        "select b.city as x from s.customer as c left join s.branch as b using (branch_id)",
        "select b.city as x from s.customer as c left join lateral"
        " (select city from s.branch where branch_id = c.branch_id limit 1) as b on true",
        # Of the side that is always there nothing is asked.
        "select b.city as x from s.branch as b left join s.customer as c on c.id_number > '5'",
        "select b.city as x from s.branch as b join s.customer as c on c.id_number > '5'",
    ],
)
def test_what_a_join_only_finds_has_its_own_grade(query):
    assert grade(query) == Grade(1, 0)


def test_a_listed_link_tells_that_two_numbers_are_one_persons_and_not_what_they_agree_in():
    matched = "select customer_id, branch_id, id_number as y from s.customer where id_number is not null"
    met = "select coalesce(a.branch_id, c.branch_id) as x from s.customer as c left join m.t{} as a using (customer_id)"
    assert grade(matched, met.format(0)) == Grade(3, 2)
    # m.t1 is the listed one.
    other = "select 1 as y"
    assert grade(other, matched, met.format(1)) == Grade(2, 1)
    assert grade(other, matched, "select a.y as x from m.t1 as a") == Grade(4, 2)


def test_the_key_of_a_full_join_is_always_there():
    query = (
        "with a as (select customer_id from s.customer where id_number > '5') select {} as x from a"
        " full join s.money as m using (customer_id)"
    )
    assert grade(query.format("customer_id")) == Grade(2, 1)
    assert grade(query.format("a.customer_id")) == Grade(3, 2)


CROWD = (
    "select {} as x from s.customer join s.money using (customer_id) group by {}"
    " having count(distinct customer_id) >= 20"
)


@pytest.mark.parametrize(
    "told",
    [
        "count(*)", "count(distinct id_number)", "sum(amount)", "avg(amount)", "stddev(amount)", "stddev_pop(amount)",
        "stddev_samp(amount)", "variance(amount)", "var_pop(amount)", "var_samp(amount)", "sum(amount * 2) / count(*)",
        "round(avg(amount), 2)", "sum(sum(amount)) over (order by day)",
        "case when sum(amount) > 5 then avg(amount) end",
    ],
)  # fmt: skip
def test_of_a_crowd_is_lowered_what_shows_no_single_customer(told):
    assert grade(CROWD.format(told, "day")) == Grade(1, 0)


@pytest.mark.parametrize(
    "told",
    [
        "string_agg(id_number, ',')", "array_agg(id_number)", "max(id_number)", "min(id_number)",
        "mode() within group (order by id_number)", "percentile_disc(0.5) within group (order by id_number)",
        "json_agg(id_number)", "(array_agg(id_number order by amount))[1]", "any_value(id_number)",
        "count(*) || max(id_number)", "first_value(min(id_number)) over (order by sum(amount))",
        # The crowd is the whole group, of which these may take one customer.
        "sum(id_number) filter (where amount > 5)", "sum(case when amount > 5 then id_number end)",
        "sum(id_number * (amount > 5)::int)", "avg((select max(c.id_number) from s.customer as c))",
    ],
)  # fmt: skip
def test_of_a_crowd_one_value_keeps_its_grade(told):
    assert grade(CROWD.format(told, "day")) == Grade(4, 2)


def test_what_a_crowd_is_grouped_by_keeps_its_grade():
    assert grade(CROWD.format("id_number", "id_number")) == Grade(4, 2)
    assert grade(CROWD.format("upper(name) || 'x'", "name")) == Grade(3, 2)
    assert grade(CROWD.format("sum(id_number) over ()", "id_number")) == Grade(4, 2)


def test_a_value_from_around_a_crowd_keeps_its_grade():
    crowd = "(select avg(c.id_number + 0 * m.amount) from s.money as m having count(distinct m.customer_id) >= 20)"
    assert grade(f"select {crowd} as x from s.customer as c") == Grade(4, 2)


def test_a_column_that_says_more_passes_on_more():
    declared = DECLARED | {Leaf("m.t0", "x"): Grade(5, 2)}
    found = travel("select amount as x from s.money", "select x + 1 as x from m.t0", declared=declared)
    assert found.of(Leaf("m.t1", "x")) == Grade(5, 2)
    assert found.inherited[Leaf("m.t0", "x")] == Grade(3, 2)


def test_raising_a_source_raises_all_that_is_made_of_it():
    queries = ("select amount as a from s.money", "select avg(a) as b from m.t0", "select b * 2 as c from m.t1")
    raised = travel(*queries, declared=DECLARED | {Leaf("s.money", "amount"): Grade(5, 2)})
    assert [raised.of(Leaf(f"m.t{n}", name)).level for n, name in enumerate("abc")] == [5, 5, 5]
