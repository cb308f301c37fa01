"""What a column of a compiled query is made of, whatever way the query is written."""

import pytest

from bankmart.governance.catalogue import query
from bankmart.governance.catalogue.query import Leaf

SCHEMA = {"m.a": ["id", "x", "y", "day"], "m.b": ["id", "z"], "m.fact": ["id", "amount", "kind", "day"]}


def made(sql, column="v"):
    return {f"{leaf.relation}.{leaf.column}" for leaf in query.parse(sql, SCHEMA).leaves(column)}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select x as v from m.a", {"m.a.x"}),
        ('select a."x" + b.z as v from "db"."m"."a" as a join "db"."m"."b" as b on a.id = b.id', {"m.a.x", "m.b.z"}),
        ("select v from (select *, x * 2 as v from m.a) as s", {"m.a.x"}),
        ("select s.* from (select x as v from m.a) as s", {"m.a.x"}),
        ("with c as (select x as w from m.a), d as (select w as v from c) select * from d", {"m.a.x"}),
        ("with c (v) as (select x from m.a) select v from c", {"m.a.x"}),
        ("select x as v from m.a union all select z from m.b", {"m.a.x", "m.b.z"}),
        ("select case when x > 1 then 'p' else y end as v from m.a", {"m.a.x", "m.a.y"}),
        ("select sum(amount) filter (where kind = 'in') as v from m.fact", {"m.fact.amount", "m.fact.kind"}),
        ("select row_number() over (partition by x order by y) as v from m.a", {"m.a.x", "m.a.y"}),
        ("select (select max(z) from m.b where b.id = a.id) as v from m.a as a", {"m.b.z", "m.b.id", "m.a.id"}),
        ("select exists (select 1 from m.b where b.id = a.id) as v from m.a as a", {"m.b.*", "m.b.id", "m.a.id"}),
        ("select t.v from m.a as a cross join lateral (values (a.x, 1), (a.y, 2)) as t (v, n)", {"m.a.x", "m.a.y"}),
        (
            "select o.d - fact.day as v from (values (date '2026-01-01')) as o (d) join m.fact as fact on true",
            {"m.fact.day"},
        ),
        ("select count(*) as v from m.a", {"m.a.*"}),
        ("select 'call' as v from m.a", {"m.a.*"}),
        ("select v from unknown.t", {"unknown.t.v"}),
        ("select g as v from m.a cross join lateral generate_series(1, a.x) as g", {"m.a.x"}),
    ],
)
def test_what_a_column_is_made_of(sql, expected):
    assert made(sql) == expected


def test_columns_of_stars_come_in_order():
    read = query.parse("select a.*, z as last from m.a as a join m.b as b on a.id = b.id", SCHEMA)
    assert read.names() == ["id", "x", "y", "day", "last"]
    assert read.rows() == frozenset({Leaf("m.a", "*"), Leaf("m.b", "*")})


def test_a_state_that_reads_itself_ends():
    assert made("select v from m.s union all select x from m.a") == {"m.s.v", "m.a.x"}
