"""dbt's unit tests pass, and hold every boundary of every tag: moved by the least, or left out, one of them fails."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date, timedelta

import psycopg2
import pytest
import sqlglot
from sqlglot import exp

from bankmart import dbt, settings
from bankmart.governance import policy
from bankmart.runtime import provision

NEXT = {exp.GTE: exp.GT, exp.GT: exp.GTE, exp.LTE: exp.LT, exp.LT: exp.LTE}
COMPARED = (*NEXT, exp.EQ, exp.Between, exp.In, exp.Anonymous, exp.Mod)
FIXTURE = "__dbt__cte__"
DAY = re.compile(r"\d{4}-\d\d-\d\d")
# The date of all unit tests; other dates are limits.
TODAY = "2026-10-31"
SCORED = f"build_id = CAST(7 AS BIGINT) AND as_of_date = CAST('{TODAY}' AS DATE)"
# What changes no answer: rows of other models are left out for speed, each is asked for by name afterwards …
SAME = {
    ("tag_model_offer", f"{SCORED} AND model IN ('response', 'uplift')", SCORED),
    ("tag_model_value", f"{SCORED} AND model IN ('value_up', 'clv', 'segment', 'anomaly')", SCORED),
    # … a card of today or later is at the beginning of its term, asked for or not …
    ("tag_event_date", f"issued_date <= CAST('{TODAY}' AS DATE)", f"issued_date < CAST('{TODAY}' AS DATE)"),
    ("tag_event_date", f"status = 'active' AND issued_date <= CAST('{TODAY}' AS DATE)", "status = 'active'"),
    # … where nobody stands out there is no deviation, and any number below 1 says so …
    ("tag_response", "COALESCE(answer_deviation, 0)", "-1"),
    # … and a last branch in place of an else, so that who has no card payments known to anybody stays null: what is
    # left by then is whatever isn't null.
    ("tag_spending", "card.card_payment_count_90d >= 15", "14"),
    ("tag_spending", "card.card_payment_amount_365d >= 0", "-1"),
    ("tag_spending", "card.card_online_count_90d > 0", "card.card_online_count_90d >= 0"),
    ("tag_spending", "card.card_online_count_90d > 0", "-1"),
    ("tag_spending", "card.card_payment_amount_60d > 0", "card.card_payment_amount_60d >= 0"),
    ("tag_spending", "card.card_payment_amount_60d > 0", "-1"),
    (
        "tag_spending", "card.most_amount_365d > 0 AND card.card_general_amount_365d = card.most_amount_365d",
        "card.most_amount_365d > 0",
    ),
}  # fmt: skip


class UnitTest:
    """A unit test of dbt: its rows in temporary tables, and the model's SQL as a tree that can be altered."""

    def __init__(self, cursor, number, compiled, columns):
        self.cursor, self.columns = cursor, ", ".join(columns)
        self.tree = sqlglot.parse_one(compiled, read="postgres")
        for given in [each for each in self.tree.find_all(exp.CTE) if each.alias.startswith(FIXTURE)]:
            table = f"t{number}_{given.alias.removeprefix(FIXTURE)}"
            cursor.execute(f"create temp table {table} as {given.this.sql('postgres')}")
            for read in self.tree.find_all(exp.Table):
                if read.name == given.alias:
                    read.set("this", exp.to_identifier(table))
            given.pop()
        if not self.tree.args["with_"].expressions:
            self.tree.set("with_", None)
        self.nodes = list(self.tree.walk())
        self.answer = self.run()

    def run(self):
        made = self.tree.sql("postgres")
        self.cursor.execute(f"select {self.columns} from ({made}) as made order by {self.columns}")  # noqa: S608
        return self.cursor.fetchall()

    def notices(self, number, other):
        """Whether its rows are others, or none can be made, with another node in place of that one."""
        self.nodes[number].replace(other)
        self.cursor.execute("savepoint before")
        try:
            return self.run() != self.answer
        except psycopg2.Error:
            return True
        finally:
            self.cursor.execute("rollback to savepoint before")
            other.replace(self.nodes[number])


def others(node):
    """What could stand in place of a node by mistake."""
    if type(node) in NEXT:
        yield NEXT[type(node)](this=node.this.copy(), expression=node.expression.copy())
    if isinstance(node, exp.Literal) and not node.is_string and node.find_ancestor(*COMPARED):
        value = float(node.name)
        step = (1 if value <= 400 else value // 100) if node.name.isdigit() else 0.05 * value
        yield from (exp.Literal.number(f"{moved:.10g}") for moved in (value - step, value + step))
    if isinstance(node, exp.Literal) and node.is_string and DAY.fullmatch(node.name) and node.name != TODAY:
        moved = (date.fromisoformat(node.name) + timedelta(days) for days in (-1, 1))
        yield from (exp.Literal.string(str(day)) for day in moved)
    if isinstance(node, (exp.And, exp.Or)) and not node.find(exp.Boolean):
        yield from (node.this.copy(), node.expression.copy())
    part = {exp.Case: "ifs", exp.In: "expressions"}.get(type(node))
    parts = node.args.get(part) or [] if part else []
    for number in range(len(parts)):
        other = node.copy()
        del other.args[part][number]
        # What is left of a case without branches is its else.
        if len(parts) > 1 or part == "ifs":
            yield other if len(parts) > 1 else other.args.get("default") or exp.null()


def is_of_the_platform(node):
    """Which builds' rows are read is the macros' business, not a tag's."""
    condition = node if isinstance(node, exp.Condition) and not isinstance(node, exp.Literal) else node.parent
    read = {column.name for column in condition.find_all(exp.Column)} if condition else set()
    whole = node if isinstance(node, exp.Or) else node.find_ancestor(exp.Or)
    return read == {"build_id"} or "publication" in (whole or exp.null()).sql()


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def judged(line, kept):
    """dbt's results of all unit tests; run once."""
    if not kept:
        found = dbt.invoke(["test", "--select", "test_type:unit", "--log-level", "none"], {})
        kept["tests"] = found.result.results if found.result else []
        assert kept["tests"], found.exception
    return kept["tests"]


def test_every_unit_test_passes(judged):
    """Judged here, with the code, and not again in every build of a date."""
    assert [(item.node.name, item.message) for item in judged if item.status != "pass"] == []
    assert len(judged) == len(dbt.manifest()["unit_tests"]) > 40


def test_every_boundary_has_a_row_on_each_side(judged):
    """A comparison, limit, branch, value or condition that is another one makes a unit test fail."""
    manifest, compiled = dbt.manifest(), {item.node.unique_id: item.node.compiled_code for item in judged}
    unnoticed, count = set(), 0
    for model in sorted(node["name"] for node in policy.models(manifest) if policy.is_tag_model(node)):
        with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
            tests = [
                UnitTest(cursor, number, compiled[key], list(said["expect"]["rows"][0]))
                for number, (key, said) in enumerate(manifest["unit_tests"].items()) if said["model"] == model
            ]  # fmt: skip
            for number, node in enumerate(tests[0].nodes):
                for other in others(node) if not is_of_the_platform(node) else ():
                    count += 1
                    if not any(test.notices(number, other.copy()) for test in tests):
                        about = node.parent if isinstance(node, exp.Literal) else node
                        unnoticed.add((model, about.sql("postgres"), other.sql("postgres")))
    assert count > 1500
    assert unnoticed == SAME
