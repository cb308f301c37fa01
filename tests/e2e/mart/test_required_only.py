"""A bank that delivers what is required and nothing else: all that can be there is, the rest says why it isn't."""

from __future__ import annotations

import pytest
from psycopg2 import sql

from bankmart import db, dbt
from bankmart.governance.policy import models
from bankmart.governance.tags import registry
from bankmart.sources import contract

REQUIRED = {"customer", "account", "balance", "transaction", "product"}


def query(statement, values=None, role="bi_reader"):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def test_only_the_required_tables_were_delivered(bare):
    assert {name for name, table in contract.load()["core_banking"].items() if table.is_required} == REQUIRED
    loaded = query("select distinct system, table_name from governance.load where status = 'loaded'", role="platform")
    assert set(loaded) == {("core_banking", name) for name in REQUIRED}


def test_both_dates_are_published_and_no_check_failed(bare):
    published = query("select business_date from governance.publication order by 1", role="platform")
    assert [day for (day,) in published] == bare.dates
    failed = query(
        "select node_id, message from governance.node_result where status in ('fail', 'error')", role="platform"
    )
    assert failed == []
    ((customers, profiles),) = query(
        "select (select count(*) from published.dim_customer_current), (select count(*) from published.customer_wide)"
    )
    assert customers == profiles > 50


def test_tags_of_absent_systems_are_absent_and_say_why(bare):
    known = [tag for tag in registry.tags(dbt.manifest()) if tag.status != "draft"]
    said = {
        name: (present, reason)
        for name, present, reason in query(
            "select name, is_present, absent_reason from published.dictionary where kind = 'tag'"
        )
    }
    assert set(said) == {tag.column for tag in known}
    absent = {name: reason for name, (present, reason) in said.items() if not present}
    assert all((reason is None) == present for present, reason in said.values())
    # Of each kind of system that is missing, a tag that can't be without it; and some that can.
    for name, table in {
        "device_system": "mobile.session", "call_frequency": "contact_centre.call", "loan_state": "loan.contract",
        "card_renewal_due": "card.card", "risk_appetite": "wealth.risk_assessment", "last_contact": "campaign.contact",
    }.items():  # fmt: skip
        assert table in absent[name], (name, absent.get(name))
    for name in ("aum_tier", "age_band", "has_salary", "life_cycle", "pays_on_weekends", "deposit_maturity"):
        assert said[name] == (True, None)
    assert len(said) - len(absent) > 60


def test_what_is_absent_is_empty_for_everybody(bare):
    """No tag that the catalogue calls absent judges anybody, and none that it calls present judges nobody."""
    columns = {tag.column: tag for tag in registry.tags(dbt.manifest()) if tag.relation.startswith("tags.")}
    said = dict(query("select name, is_present from published.dictionary where kind = 'tag'"))
    shown = [name for name in columns if name in said]
    counts = sql.SQL(", ").join(sql.SQL("count({})").format(sql.Identifier(name)) for name in shown)
    (row,) = query(sql.SQL("select {} from published.customer_360").format(counts))
    filled = dict(zip(shown, row, strict=True))
    judging = [name for name in shown if not said[name] and filled[name]]
    assert judging == [], " ".join(judging)


def test_indicators_of_absent_systems_are_absent_too(bare):
    said = query(
        "select name, is_present, absent_reason from published.dictionary where kind = 'indicator' and name = any(%s)"
        " order by 1", (["card_payment_count_90d", "session_count_30d", "transaction_in_amount_90d"],),
    )  # fmt: skip
    assert [(name, present) for name, present, _ in said] == [
        ("card_payment_count_90d", False), ("session_count_30d", False), ("transaction_in_amount_90d", True)
    ]  # fmt: skip
    assert "card.card_transaction" in said[0][2]
    assert "mobile.session" in said[1][2]


@pytest.mark.parametrize("model", ["fct_card_transaction", "fct_session", "fct_contact", "fct_interaction", "dim_loan"])
def test_marts_of_absent_systems_are_there_and_empty(bare, model):
    assert model in {node["name"] for node in models(dbt.manifest())}
    assert query(sql.SQL("select count(*) from {}").format(sql.Identifier("published", model))) == [(0,)]
