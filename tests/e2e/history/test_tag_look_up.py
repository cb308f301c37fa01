"""What a customer or a tag was on a past date is one look into an index, through the view that readers have."""

from __future__ import annotations

import json

import pytest

from bankmart import db

AS_OF = "valid_from <= %(day)s and (valid_to > %(day)s or valid_to is null)"


def plan(condition, values):
    """Every node of the plan of a reader's question, as it was run, with its depth-first ancestors' names left out."""
    with db.connect("bi_reader") as link, link.cursor() as cursor:
        cursor.execute(
            "explain (analyze, format json) select customer_id, tag, value from published.customer_tag_history"
            f" where {condition} and {AS_OF}",
            values,
        )
        (found,) = cursor.fetchone()
    waiting = [(found if isinstance(found, list) else json.loads(found))[0]["Plan"]]
    nodes = []
    while waiting:
        nodes.append(waiting.pop())
        waiting += nodes[-1].get("Plans", [])
    return nodes


@pytest.fixture
def history(line):
    """The history of the bank, analysed; how many changes there are, and a customer and a tag of it."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("analyze tags.tag_change")
        cursor.execute("select count(*), max(customer_id) from tags.tag_change")
        return cursor.fetchone()


def read(nodes):
    """The rows that were read of the table of changes, and the conditions that its indexes were asked."""
    touched = [node for node in nodes if str(node.get("Relation Name", "")).startswith("tag_change")]
    assert touched
    asked = [node for node in nodes if "Index Cond" in node and "tag_change" in json.dumps(node)]
    assert [node["Node Type"] for node in touched if node["Node Type"] == "Seq Scan"] == []
    rows = sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in touched)
    return rows, [node["Index Cond"] for node in asked]


def own(column, value):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(f"select count(*) from tags.tag_change where {column} = %s", (value,))
        return cursor.fetchone()[0]


def test_a_customer_at_a_date(line, history):
    whole, customer = history
    rows, conditions = read(plan("customer_id = %(who)s", {"who": customer, "day": line.dates[0]}))
    assert any("customer_id" in condition for condition in conditions)
    assert rows <= own("customer_id", customer) < whole / 50


def test_a_tag_at_a_date(line, history):
    whole, _ = history
    rows, conditions = read(plan("tag = %(tag)s", {"tag": "aum_tier", "day": line.dates[0]}))
    assert any("tag = 'aum_tier'" in condition for condition in conditions)
    assert rows <= own("tag", "aum_tier") < whole / 50


def test_a_tag_of_a_customer_at_a_date(line, history):
    _, customer = history
    rows, _ = read(plan("customer_id = %(who)s and tag = 'aum_tier'", {"who": customer, "day": line.dates[0]}))
    assert 0 < rows <= own("customer_id", customer)
