"""Whether what indicators count does happen, to some and not to all."""

from __future__ import annotations

import pandas as pd
import pytest

# Where a value of the contract need not come: nobody insures by ATM, and so on; these are all that are asked for.
TRANSACTIONS = {
    "in": {"salary", "pension", "transfer", "cash", "shopping", "household", "insurance", "loan_drawdown", "interest",
           "fee", "tax", "wealth", "deposit", "other"},
    "out": {"transfer", "cash", "shopping", "household", "insurance", "loan_repayment", "fee", "penalty_interest",
            "tax", "wealth", "deposit", "other"},
}  # fmt: skip
CHANNELS = {
    "in": {"branch", "atm", "mobile", "web", "pos", "card", "transfer", "standing_order", "system"},
    "out": {"branch", "atm", "mobile", "web", "pos", "card", "transfer", "standing_order", "system"},
}


@pytest.fixture(scope="module")
def moved(whole):
    rows = whole("core_banking__transaction")
    accounts = whole("core_banking__account").drop_duplicates("account_id").set_index("account_id")
    rows["customer_id"] = rows["account_id"].map(accounts["customer_id"])
    return rows


@pytest.mark.parametrize("direction", ["in", "out"])
def test_every_purpose_and_channel_moves_money(moved, direction):
    rows = moved[moved["direction"] == direction]
    assert set(rows["purpose"]) == TRANSACTIONS[direction]
    assert set(rows["channel"]) == CHANNELS[direction]
    for column in ("purpose", "channel"):
        customers = rows.groupby(column)["customer_id"].nunique()
        assert customers.min() >= 5
        counts = rows.groupby(["customer_id", column]).size().unstack(fill_value=0)
        assert not counts.T.duplicated().any()


@pytest.mark.parametrize(
    ("table", "column", "optional"),
    [
        ("card__card", "card_type", ()), ("card__card", "card_level", ()), ("card__card", "status", ()),
        ("mobile__event", "event_type", ()), ("mobile__event", "screen", ()),
        ("contact_centre__call", "reason", ()), ("contact_centre__complaint", "topic", ()),
        ("contact_centre__feedback", "channel", ()), ("contact_centre__survey", "survey_kind", ()),
        ("crm__visit", "channel", ()), ("crm__visit", "outcome", ()),
        ("campaign__contact", "channel", ()), ("campaign__response", "response_type", ()),
        ("campaign__opportunity", "stage", ()), ("campaign__cost", "channel", ("none",)),
        ("consent__consent_event", "channel", ()), ("consent__consent_event", "purpose", ()),
        ("loan__contract", "status", ()), ("core_banking__standing_order", "purpose", ()),
        ("core_banking__account", "status", ()), ("wealth__wealth_order", "side", ()),
    ],
)  # fmt: skip
def test_every_value_of_the_contract_comes(tables, whole, table, column, optional):
    known = next(each.values for each in tables[table].columns if each.name == column)
    assert set(whole(table)[column]) == set(known) - set(optional)


def test_calls_go_both_ways_for_every_reason(whole):
    calls = whole("contact_centre__call")
    assert calls.groupby(["direction", "reason"]).size().index.size == 2 * calls["reason"].nunique()


def test_every_line_is_looked_at_bought_and_sold(whole, read, days):
    lines = read("core_banking__product", days[0]).set_index("product_id")["product_line"]
    views = whole("mobile__event").dropna(subset="product_id")
    assert set(views["product_id"].map(lines)) == set(lines)
    orders = whole("wealth__wealth_order")
    sides = orders.groupby([orders["product_id"].map(lines), "side"]).size()
    assert len(sides) == 6
    sold = whole("campaign__order")
    assert set(sold["product_id"].map(lines)) == {
        "term_deposit", "wealth", "fund", "insurance", "loan", "credit_card"
    }  # fmt: skip


def test_instalments_are_paid_on_the_day_late_or_not(whole):
    rows = whole("loan__repayment")
    late = (pd.to_datetime(rows["paid_date"]) - pd.to_datetime(rows["due_date"])).dt.days
    assert (late.dropna() >= 0).all()
    assert 0.01 < (late > 0).mean() < 0.2
    assert late.isna().any()
    assert (late == 0).mean() > 0.5


def test_lost_cards_are_blocked_and_replaced(whole):
    cards = whole("card__card")
    blocked = cards[cards["status"] == "blocked"]
    replaced = blocked.merge(cards, left_on=["account_id", "effective_date"], right_on=["account_id", "issued_date"])
    assert set(replaced["card_id_x"]) == set(blocked["card_id"])
    paid = whole("card__card_transaction").merge(blocked, on="card_id")
    assert (paid["transaction_date"] <= paid["effective_date"]).all()
