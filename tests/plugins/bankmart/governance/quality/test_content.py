"""Which columns are looked at when: the rows of the date or build; and what is said of them."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest

from bankmart import db
from bankmart.governance.build import Build
from bankmart.governance.quality import content
from bankmart.governance.quality.likeness import KINDS

DAY = date(2026, 11, 3)
BUILD = Build(7, DAY, "daily", 7, (DAY,), (), 0, None)
MOBILES = [f"138{number:08d}" for number in range(300)]
WORDS = ["none", "interested", "refused"] * 100


@pytest.fixture
def look(warehouse, monkeypatch):
    """Tables of one column each, and the check of what is in them."""
    made = []

    def ask(statement, *bound):
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute(statement, bound or None)
            return cursor.fetchall() if cursor.description else []

    def table(relation, mark, rows, data_class="behaviour.service"):
        kind = "date" if mark == "business_date" else "bigint"
        ask(f"create table if not exists {relation} ({mark} {kind}, value text)")
        for at, values in rows.items():
            ask(f"insert into {relation} select %s, unnest(%s::text[])", at, values)
        made.append(content.Column(relation, "value", data_class, KINDS, "crm-team"))

    def check(build=BUILD):
        return {node.name: node for node in content.check(build, "staging")}

    monkeypatch.setattr(content, "columns", lambda _: list(made))
    look = type("Look", (), {"ask": staticmethod(ask), "table": staticmethod(table), "check": staticmethod(check)})
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute("grant create on schema sources to platform")
    return look


def test_a_date_is_judged_by_its_own_rows_and_a_mart_by_its_build(look):
    look.table("sources.crm__visit", "business_date", {DAY: WORDS, DAY - timedelta(1): MOBILES})
    look.table("marts.fct_visit", "build_id", {6: WORDS, 7: MOBILES[:60] + WORDS[:240]})
    look.table("sources.crm__nothing", "business_date", {})
    look.ask("drop table sources.crm__nothing")
    found = look.check()
    assert set(found) == {"content_marts__fct_visit__value", "content_staging"}
    node = found["content_marts__fct_visit__value"]
    assert (node.status, node.severity, node.failures, node.owner) == ("fail", "error", 60, "crm-team")
    assert "seems to hold mobile numbers in 20% of the values looked at, such as 1***" in node.message
    assert not any(mobile in node.message for mobile in MOBILES)
    assert found["content_staging"].message == "2 columns looked at"


@pytest.mark.parametrize(("count", "status"), [(2, None), (5, "warn"), (29, "warn"), (31, "fail")])
def test_the_share_says_whether_it_stops(look, count, status):
    look.table("marts.fct_visit", "build_id", {7: MOBILES[:count] + ["none"] * (300 - count)})
    found = look.check().get("content_marts__fct_visit__value")
    assert (found and found.status) == status


def test_a_column_is_looked_at_again_when_it_is_due_changed_or_was_found(look):
    look.table("marts.fct_visit", "build_id", {7: WORDS})
    days = [dataclasses.replace(BUILD, business_date=DAY + timedelta(day)) for day in range(content.EVERY)]
    assert "content_staging" in look.check(), "it is new"
    assert sum(bool(look.check(day)) for day in days) == 1, "once in thirty dates"
    look.ask("update governance.content_look set data_class = 'reference'")
    assert look.check(), "it has another class"
    look.ask("update marts.fct_visit set value = '13800000000'")
    look.ask("delete from governance.content_look")
    name = "content_marts__fct_visit__value"
    assert [look.check(day)[name].status for day in days] == ["fail"] * content.EVERY, "while something is found"
    look.ask("update marts.fct_visit set value = 'none'")
    assert look.check()[name].status == "pass", "a gate goes by the newest word"
    assert name not in look.check()
