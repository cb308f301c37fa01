"""Indicators against the delivered files: pandas knows nothing of the SQL, and agrees with it customer by customer."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
import pytest

from bankmart import db, dbt, settings
from bankmart.governance import build as builds
from bankmart.governance import gate
from bankmart.governance.commands.hash import hashes
from bankmart.sources import landing

KEYS = ["customer_id", "business_date", "build_id"]
# Columns that this small bank can't tell from a constant or from another, and why.
YOUNG = "the bank is seven months old: nothing stood a year ago"
EXPLAINED = {
    "aum_change_rate_365d": YOUNG,
    "deposit_change_rate_365d": YOUNG,
    "wealth_change_rate_365d": YOUNG,
    "aum_net_amount_365d": YOUNG,
    "deposit_net_amount_365d": YOUNG,
    "wealth_net_amount_365d": YOUNG,
    "redeem_amount_365d": YOUNG,
}


@cache
def delivered(system, table, days):
    """The delivered rows of a table, read without any of the platform's loading."""
    frames = []
    for day in days:
        folder = landing.folder(settings.landing_dir(), system, table, day)
        if (folder / landing.MANIFEST).exists():
            says = json.loads((folder / landing.MANIFEST).read_text(encoding="utf-8"))
            for path in folder.glob("*.csv"):
                delimiter, encoding = says.get("delimiter") or ",", says.get("encoding") or "utf-8"
                frames.append(pd.read_csv(path, dtype=str, sep=delimiter, encoding=encoding))
    return pd.concat(frames, ignore_index=True)


class Bank:
    """What was delivered up to the second date, as pandas sees it."""

    def __init__(self, line):
        self.days = tuple(line.dates[:2])
        self.as_of = pd.Timestamp(line.dates[1])

    def rows(self, system, table, on=None, window=None):
        """Rows with the age in days of their date `on`; those of the window alone."""
        found = delivered(system, table, self.days)
        for column in [name for name in found if name.endswith(("amount", "seconds", "score"))]:
            found = found.assign(**{column: found[column].astype(float)})
        if on is None:
            return found
        found = found.assign(day=pd.to_datetime(found[on].str[:10]))
        found = found.assign(age=(self.as_of - found["day"]).dt.days)
        return found[(found["age"] >= 0) & (found["age"] < window)]

    def accounts(self):
        accounts = self.rows("core_banking", "account").drop_duplicates("account_id", keep="last")
        products = self.rows("core_banking", "product").drop_duplicates("product_id", keep="last")
        return accounts.merge(products[["product_id", "product_line"]], on="product_id")

    def transactions(self, window):
        booked = self.rows("core_banking", "transaction", "transaction_date", window)
        return booked.merge(self.accounts()[["account_id", "customer_id"]], on="account_id")

    def card_payments(self, window):
        cards = self.rows("card", "card").drop_duplicates("card_id", keep="last")
        paid = self.rows("card", "card_transaction", "transaction_date", window)
        return paid.merge(cards[["card_id", "customer_id"]], on="card_id")

    def population(self):
        return self.rows("core_banking", "customer").drop_duplicates("customer_id", keep="last")["customer_id"]


def is_off(days):
    """Whether the bank is closed: by its list of holidays and make-up working days, else by the weekday."""
    listed = pd.read_csv(settings.ROOT / "dbt_project/seeds/bank_holiday.csv", parse_dates=["holiday_date"])
    is_open = days.map(listed.set_index("holiday_date")["is_business_day"].to_dict())
    return days.dt.day_of_week.ge(5).where(is_open.isna(), is_open.eq(False))


def weekend_out_amount_90d(bank):
    booked = bank.transactions(90)
    kept = booked[(booked["direction"] == "out") & is_off(booked["day"])]
    # In these 90 days the calendar and the weekday differ both ways.
    weekend = booked["day"].dt.day_of_week >= 5
    assert (is_off(booked["day"]) & ~weekend).any()
    assert (weekend & ~is_off(booked["day"])).any()
    return kept.groupby("customer_id")["amount"].sum(), 0


def days_since_transfer_out(bank):
    booked = bank.transactions(365)
    kept = booked[(booked["direction"] == "out") & (booked["purpose"] == "transfer")]
    return kept.groupby("customer_id")["age"].min(), None


def transaction_out_amount_trend_30d(bank):
    booked = bank.transactions(60).query("direction == 'out'")
    now = booked[booked["age"] < 30].groupby("customer_id")["amount"].sum()
    before = booked[booked["age"] >= 30].groupby("customer_id")["amount"].sum()
    return now.reindex(before.index).fillna(0) / before - 1, None


def cash_out_share_90d(bank):
    booked = bank.transactions(90).query("direction == 'out'")
    cash = booked[booked["purpose"] == "cash"].groupby("customer_id")["amount"].sum()
    whole = booked.groupby("customer_id")["amount"].sum()
    return cash.reindex(whole.index).fillna(0) / whole, None


def channel_entropy_90d(bank):
    channels = ["mobile", "branch", "web", "atm", "pos", "card", "standing_order"]
    booked = bank.transactions(90)
    counts = booked[booked["channel"].isin(channels)].groupby(["customer_id", "channel"]).size().unstack(fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    return -(shares * np.log(shares.where(shares > 0, 1))).sum(axis=1), None


def salary_in_amount_variation_90d(bank):
    booked = bank.transactions(90)
    booked = booked[(booked["direction"] == "in") & booked["purpose"].isin(["salary", "pension"])]
    months = booked.groupby(["customer_id", booked["age"] // 30])["amount"].sum().unstack(fill_value=0)
    months = months.reindex(columns=range(3), fill_value=0)
    return months.std(axis=1, ddof=0) / months.mean(axis=1), None


def card_dining_count_90d(bank):
    paid = bank.card_payments(90)
    kept = paid[paid["merchant_category_code"].isin(["5811", "5812", "5813", "5814"])]
    return kept.groupby("customer_id").size(), 0


def merchant_concentration_365d(bank):
    groups = {
        "grocery": "5411 5422 5441 5451 5462 5499", "dining": "5811 5812 5813 5814",
        "transport": "4111 4121 4131 4784", "travel": "4411 4511 4722 7011", "fuel": "5541 5542 5552",
        "telecom": "4812 4814 4816 4899", "department": "5300 5310 5311 5331",
        "clothing": "5611 5621 5641 5651 5661 5691", "electronics": "5045 5722 5732 5734",
        "health": "5912 8011 8021 8062 8099", "education": "5942 8211 8220 8241 8299", "beauty": "5977 7230 7298",
        "entertainment": "7832 7922 7995 7996 7999", "general": "5399 5944 5999",
    }  # fmt: skip
    group = {code: name for name, codes in groups.items() for code in codes.split()}
    paid = bank.card_payments(365)
    amounts = paid.groupby(["customer_id", paid["merchant_category_code"].map(group)])["amount"].sum()
    return (amounts / amounts.groupby("customer_id").sum()).pow(2).groupby("customer_id").sum(), None


def session_seconds_30d(bank):
    return bank.rows("mobile", "session", "started_at", 30).groupby("customer_id")["duration_seconds"].sum(), 0


def view_fund_count_90d(bank):
    lines = bank.rows("core_banking", "product").drop_duplicates("product_id", keep="last")
    seen = bank.rows("mobile", "event", "occurred_at", 90).merge(lines[["product_id", "product_line"]], on="product_id")
    return seen.query("event_type == 'product_view' and product_line == 'fund'").groupby("customer_id").size(), 0


def deposit_average_amount_90d(bank):
    deposits = bank.accounts().query("product_line in ('current', 'savings', 'term_deposit')")
    stood = bank.rows("core_banking", "balance").merge(deposits[["account_id", "customer_id"]], on="account_id")
    stood = stood.assign(day=pd.to_datetime(stood["balance_date"])).drop_duplicates(["account_id", "day"], keep="last")
    daily = stood.pivot(index="day", columns="account_id", values="balance_amount")
    daily = daily.reindex(pd.date_range(daily.index.min(), bank.as_of)).ffill().fillna(0)
    owner = deposits.set_index("account_id")["customer_id"]
    return daily.tail(90).mean().groupby(owner).sum(), 0


def subscribe_amount_180d(bank):
    ordered = bank.rows("wealth", "wealth_order", "ordered_date", 180)
    return ordered[ordered["side"] == "subscribe"].groupby("customer_id")["amount"].sum(), 0


def instalment_due_amount_90d(bank):
    contracts = bank.rows("loan", "contract").drop_duplicates("contract_id", keep="last")
    due = bank.rows("loan", "repayment", "due_date", 90).drop_duplicates("repayment_id", keep="last")
    due = due.merge(contracts[["contract_id", "customer_id"]], on="contract_id")
    return due.groupby("customer_id")["due_amount"].sum(), 0


def call_count_180d(bank):
    called = bank.rows("contact_centre", "call", "started_at", 180)
    return called[called["direction"] == "in"].groupby("customer_id").size(), 0


def response_delivered_count_365d(bank):
    came = bank.rows("campaign", "response", "occurred_at", 365)
    return came[came["response_type"] == "delivered"].groupby("customer_id").size(), 0


def savings_holding_count(bank):
    accounts = bank.accounts().query("product_line == 'savings' and status != 'closed'")
    return accounts.groupby("customer_id").size(), 0


COMPUTED = [
    weekend_out_amount_90d,
    days_since_transfer_out,
    transaction_out_amount_trend_30d,
    cash_out_share_90d,
    channel_entropy_90d,
    salary_in_amount_variation_90d,
    card_dining_count_90d,
    merchant_concentration_365d,
    session_seconds_30d,
    view_fund_count_90d,
    deposit_average_amount_90d,
    subscribe_amount_180d,
    instalment_due_amount_90d,
    call_count_180d,
    response_delivered_count_365d,
    savings_holding_count,
]


def query(statement, role="bi_reader", values=None):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


@pytest.mark.parametrize("compute", COMPUTED, ids=lambda compute: compute.__name__)
def test_an_indicator_agrees_with_pandas(line, compute):
    name = compute.__name__
    computed, otherwise = compute(Bank(line))
    links = query("select customer_id, linked_customer_id from marts.bridge_identity", "platform")
    linked = {person for link in links for person in link}
    # Linked persons add up several customer numbers; the tests of the identity look at them.
    people = [customer for customer in Bank(line).population() if customer not in linked]
    expected = {customer: computed.get(customer, otherwise) for customer in people}
    got = dict(query(f"select customer_id, {name} from published.customer_wide"))
    assert sum(value not in (None, 0) for value in expected.values()) >= 5, "too few customers to say anything"
    for customer, value in expected.items():
        assert got[customer] == (None if value is None else pytest.approx(value, abs=0.005, rel=1e-9)), customer


@pytest.fixture
def wide(line):
    with db.connect("bi_reader") as link, link.cursor() as cursor:
        cursor.execute("select * from published.customer_wide")
        names = [column.name for column in cursor.description]
        return pd.DataFrame(cursor.fetchall(), columns=names).drop(columns=KEYS).astype(float)


def test_the_wide_table_has_one_row_a_person_and_enough_columns(line, wide):
    assert wide.shape[1] >= 800
    assert query("select count(*), count(distinct customer_id) from published.customer_wide") == query(
        "select count(*), count(*) from published.customer_360"
    )


def test_no_indicator_is_a_filler_nor_a_copy_but_those_that_are_explained(wide):
    """And whatever is explained is still one of both: an exception ends with its reason."""
    content = {name: wide[name].round(9).fillna(np.inf).to_numpy().tobytes() for name in wide}
    constant = {name for name in wide if wide[name].nunique(dropna=False) <= 1}
    alike = Counter(content[name] for name in wide if name not in constant)
    copies = {name for name in wide if alike[content[name]] > 1}
    first = {content[name]: name for name in reversed(list(wide)) if name in copies}
    assert constant | copies - set(first.values()) <= set(EXPLAINED) <= constant | copies


@pytest.mark.slow
def test_a_date_that_goes_on_and_the_same_computed_whole_are_the_same(line):
    """So is a past date that is built again when the states before it are gone."""
    ((published,),) = query(
        "select build_id from governance.publication where business_date = %s", "platform", (line.dates[1],)
    )
    assert builds.get(published).previous_build_id, "the published build slid on from the date before"
    again = builds.open_build(line.dates[1], "whole")
    whole = dataclasses.replace(again, previous_build_id=0, previous_date=None)
    for layer in builds.LAYERS:
        dbt.build_layer(layer, whole)
        gate.judge(layer, whole)
    slid, computed = hashes(build_id=published), hashes(build_id=whole.build_id)
    assert {name: found for name, found in computed.items() if slid[name] != found} == {}
    assert slid["tags.ind_all"][0] > 100
