"""Lineage goes through models in both directions, and a state that reads itself is no source of itself."""

from bankmart.governance.catalogue.lineage import Lineage, order
from bankmart.governance.catalogue.lineage_command import tree
from bankmart.governance.catalogue.query import Leaf

COMPILED = {
    "tags.tag_value": "select customer_id, aum > 5 as is_rich from tags.ind_balance",
    "tags.ind_balance": "select customer_id, sum(amount) as aum from marts.fct group by 1"
    " union all select customer_id, aum from tags.ind_balance",
    "marts.fct": "select * from staging.stg",
    "staging.stg": "select customer_id, amount from sources.raw",
}
KNOWN = {"sources.raw": ["customer_id", "amount"]}


def node(name, *reads):
    schema, table = name.split(".")
    return {"unique_id": name, "name": table, "resource_type": "model", "schema": schema, "alias": table,
            "depends_on": {"nodes": list(reads)}}  # fmt: skip


def graph():
    manifest = {"nodes": {each["unique_id"]: each for each in (
        node("tags.tag_value", "tags.ind_balance"), node("tags.ind_balance", "marts.fct"),
        node("marts.fct", "staging.stg"), node("staging.stg", "sources.raw"),
    )}}  # fmt: skip
    return Lineage(COMPILED, KNOWN, order(manifest))


def test_down_to_the_sources():
    assert graph().sources(Leaf("tags.tag_value", "is_rich")) == {Leaf("sources.raw", "amount")}


def test_up_to_what_is_made_of_it():
    assert graph().users[Leaf("marts.fct", "amount")] == {Leaf("tags.ind_balance", "aum")}
    lines = tree(Leaf("sources.raw", "amount"), lambda leaf: graph().users.get(leaf, set()), 0)
    assert [line.strip() for line in lines] == [
        "staging.stg.amount", "marts.fct.amount", "tags.ind_balance.aum", "tags.tag_value.is_rich",
    ]  # fmt: skip


def test_what_a_state_reads_of_itself_is_followed_through():
    sql = "select a.id, a.amount, k.amount is null as is_first from sources.raw as a left join m.s as k on a.id = k.id"
    found = Lineage({"m.s": sql}, {"sources.raw": ["id", "amount"]}, ["m.s"])
    assert found.direct(Leaf("m.s", "is_first")) == {Leaf("sources.raw", "amount")}
    assert found.direct(Leaf("m.s", "amount")) == {Leaf("sources.raw", "amount")}


def test_columns_are_found_by_name():
    found = graph()
    assert found.named("tag_value.is_rich") == found.named("is_rich") == [Leaf("tags.tag_value", "is_rich")]
    assert found.named("fct.nothing") == []
    assert found.direct(Leaf("tags.ind_balance", "aum")) == {Leaf("marts.fct", "amount")}
