from __future__ import annotations

import pandas as pd
import pytest

from bankmart.sources.simulate.calendar import day_number, is_business_day


def cents(amounts: pd.Series) -> pd.Series:
    return amounts.str.replace(".", "", regex=False).astype("int64")


@pytest.fixture(scope="module")
def booked(whole):
    rows = whole("core_banking__transaction").astype({"transaction_id": "int64"})
    rows["signed"] = cents(rows["amount"]) * rows["direction"].map({"in": 1, "out": -1})
    return rows.sort_values("transaction_id")


@pytest.fixture(scope="module")
def accounts(whole):
    return whole("core_banking__account").drop_duplicates("account_id", keep="last").set_index("account_id")


def test_every_balance_is_the_sum_of_what_was_booked(booked, whole):
    running = booked.groupby("account_id")["signed"].cumsum()
    assert (running == cents(booked["balance_amount"])).all()
    at_end = booked.groupby(["account_id", "transaction_date"])["balance_amount"].last().reset_index()
    balances = whole("core_banking__balance")
    both = at_end.merge(
        balances,
        left_on=["account_id", "transaction_date"],
        right_on=["account_id", "balance_date"],
        how="outer",
    )
    assert (both["balance_amount_x"] == both["balance_amount_y"]).fillna(False).all()
    assert len(both) == len(balances)


def test_no_deposit_falls_below_zero_and_cards_owe(booked, accounts):
    line = booked["account_id"].map(accounts["product_id"]).str[:2]
    balance = cents(booked["balance_amount"])
    assert (balance[line != "CC"] >= 0).all()
    assert (balance[line == "CC"] < 0).any()


def test_nothing_is_booked_outside_an_accounts_life(booked, accounts):
    opened = booked["account_id"].map(accounts["open_date"])
    closed = booked["account_id"].map(accounts["close_date"]).fillna("9999-12-31")
    assert (booked["transaction_date"] >= opened).all()
    assert (booked["transaction_date"] <= closed).all()
    left = booked.groupby("account_id")["balance_amount"].last()
    assert set(left[left.index.isin(accounts.index[accounts["status"] == "closed"])]) == {"0.00"}


def test_customers_make_about_thirteen_transactions_a_month(booked, bank):
    rate = len(booked) / bank.customers / bank.months
    assert 11 < rate < 14.5


def test_pay_comes_on_business_days_and_spring_festival_shows(booked):
    days = pd.to_datetime(booked.loc[booked["purpose"] == "salary", "transaction_date"])
    assert all(is_business_day(day_number(day.date())) for day in days.drop_duplicates())
    assert set(days.dt.day) <= set(range(5, 16))
    shopping = booked[booked["purpose"] == "shopping"].groupby("transaction_date").size()
    assert shopping["2026-02-02":"2026-02-15"].mean() > 1.3 * shopping["2026-03-02":"2026-03-15"].mean()


def test_card_payments_are_transactions(booked, whole):
    cards = whole("card__card_transaction").astype({"card_transaction_id": "int64"})
    both = cards.merge(booked, left_on="card_transaction_id", right_on="transaction_id")
    assert len(both) == len(cards) > 1000
    assert (both["amount_x"] == both["amount_y"]).all()
    assert set(both["purpose"]) == {"shopping"}


def test_positions_follow_orders(whole):
    orders = whole("wealth__wealth_order")
    positions = whole("wealth__position").sort_values("position_date")
    on_day = orders.merge(
        positions, left_on=["customer_id", "product_id", "ordered_date"],
        right_on=["customer_id", "product_id", "position_date"],
    )  # fmt: skip
    assert len(on_day) == len(orders) > 0
    assert (positions["market_value_amount"].astype(float) >= 0).all()
