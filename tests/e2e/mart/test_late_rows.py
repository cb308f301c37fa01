"""Rows that come a day late, of every kind of event: windows that slide take them up as those computed whole do."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from psycopg2 import sql

from bankmart import db, dbt
from bankmart.governance import build as builds
from bankmart.governance.commands.hash import hashes
from bankmart.sources import contract, tables

COUNT = 5
# Where they arrive, and the fact that they become rows of.
EVENTS = {
    ("core_banking", "transaction"): "fct_transaction",
    ("card", "card_transaction"): "fct_card_transaction",
    ("mobile", "session"): "fct_session",
    ("mobile", "event"): "fct_app_event",
    ("campaign", "contact"): "fct_contact",
    ("campaign", "response"): "fct_response",
    ("campaign", "lead"): "fct_lead",
    ("campaign", "opportunity"): "fct_opportunity",
    ("campaign", "order"): "fct_order",
    ("campaign", "cost"): "fct_cost",
    ("contact_centre", "call"): "fct_interaction",
    ("contact_centre", "complaint"): "fct_interaction",
    ("contact_centre", "feedback"): "fct_feedback",
    ("contact_centre", "survey"): "fct_survey",
    ("crm", "visit"): "fct_interaction",
    ("loan", "repayment"): "fct_repayment",
    ("wealth", "wealth_order"): "fct_wealth_order",
    ("wealth", "risk_assessment"): "fct_risk_assessment",
    ("consent", "consent_event"): "fct_consent_event",
}
# States of a day, told apart by that day (a late balance: test_identity.py); a request to be erased is no fact.
OTHERS = {
    ("core_banking", "balance"), ("wealth", "position"), ("external", "macro_indicator"), ("consent", "erasure_request")
}  # fmt: skip
COPY = """
insert into {table} select made.* from (
    select * from {table} where business_date = %s order by {event} desc, {key} limit %s
) as found cross join lateral jsonb_populate_record(null::{table}, to_jsonb(found) || jsonb_build_object(
    %s, found.{key} || ' late', 'business_date', %s::text
)) as made
"""
COUNTED = "select count(*) from {} as fact where build_id = %s and to_jsonb(fact)::text like '%% late\"%%'"


def query(statement, values, role):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def late(line):
    """The newest events of the first date, once more under other numbers, delivered with the second date's files."""
    for system, name in EVENTS:
        table = contract.load()[system][name]
        named = {
            "table": tables.relation(table),
            "event": sql.Identifier(table.event_column),
            "key": sql.Identifier(table.key[0]),
        }
        values = (line.dates[0], COUNT, table.key[0], line.dates[1])
        query(sql.SQL(COPY).format(**named), values, "loader")
    yield
    for system, name in EVENTS:
        table = contract.load()[system][name]
        statement = sql.SQL("delete from {} where {} like '%% late'")
        named = (tables.relation(table), sql.Identifier(table.key[0]))
        query(statement.format(*named), (), "loader")


def test_every_event_of_the_contract_is_among_them():
    """A new extract of events has to come late here, too, or to say why not."""
    of_contract = {
        (system, name)
        for system, described in contract.load().items()
        for name, table in described.items()
        if table.extract == "event"
    }
    assert of_contract == EVENTS.keys() | OTHERS


@pytest.mark.slow
def test_windows_that_slide_take_up_what_comes_late(line, late):
    found = {}
    for run in ("slid", "whole"):
        build = builds.open_build(line.dates[1], run)
        assert build.previous_build_id
        if run == "whole":
            build = dataclasses.replace(build, previous_build_id=0, previous_date=None)
        for layer in builds.LAYERS:
            dbt.build_layer(layer, build)
        found[run] = hashes(build_id=build.build_id)
        for fact, tables_of_it in Counter(EVENTS.values()).items():
            statement = sql.SQL(COUNTED).format(sql.Identifier("marts", fact))
            ((taken_up,),) = query(statement, (build.build_id,), "platform")
            assert taken_up == COUNT * tables_of_it, (run, fact)
    assert {name: rows for name, rows in found["whole"].items() if found["slid"][name] != rows} == {}
    assert found["slid"]["tags.ind_all"][0] > 100
    builds.finish(build.build_id, "failed", "end of the test")
