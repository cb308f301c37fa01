"""The marts of products, events and campaigns against the files, computed again without any of the platform's code."""

from __future__ import annotations

import csv
import json
from decimal import Decimal

import pandas as pd
import pytest

from bankmart import settings
from bankmart.governance import build as builds
from tests.e2e.mart.delivered import kept, newest, sent

FACTS = [
    ("core_banking.transaction", "marts.fct_transaction", {"amount": "amount"}),
    ("card.card_transaction", "marts.fct_card_transaction", {"amount": "amount"}),
    ("mobile.session", "marts.fct_session", {"duration_seconds": "duration_seconds"}),
    ("mobile.event", "marts.fct_app_event", {}),
    ("contact_centre.feedback", "marts.fct_feedback", {"score": "score"}),
    ("contact_centre.survey", "marts.fct_survey", {"score": "score"}),
    ("wealth.wealth_order", "marts.fct_wealth_order", {"amount": "amount"}),
    ("wealth.risk_assessment", "marts.fct_risk_assessment", {"risk_level": "risk_level"}),
    ("loan.repayment", "marts.fct_repayment", {"due_amount": "due_amount", "paid_amount": "paid_amount"}),
    ("consent.consent_event", "marts.fct_consent_event", {}),
    ("external.macro_indicator", "marts.fct_macro_indicator", {"indicator_value": "indicator_value"}),
    ("campaign.contact", "marts.fct_contact", {"propensity": "propensity"}),
    ("campaign.response", "marts.fct_response", {}),
    ("campaign.lead", "marts.fct_lead", {}),
    ("campaign.opportunity", "marts.fct_opportunity", {"expected_amount": "expected_amount"}),
    ("campaign.order", "marts.fct_order", {"amount": "amount", "margin_amount": "margin_amount"}),
    ("campaign.cost", "marts.fct_cost", {"amount": "amount"}),
]
# Moments of the files and the dates they become, in the bank's time zone.
MOMENTS = [
    ("mobile.session", "started_at", "marts.fct_session", "session_date"),
    ("mobile.event", "occurred_at", "marts.fct_app_event", "event_date"),
    ("contact_centre.feedback", "given_at", "marts.fct_feedback", "feedback_date"),
    ("consent.consent_event", "occurred_at", "marts.fct_consent_event", "event_date"),
    ("campaign.contact", "contacted_at", "marts.fct_contact", "contact_date"),
    ("campaign.order", "ordered_at", "marts.fct_order", "order_date"),
]


def total(column):
    return sum((Decimal(value) for value in column if value), Decimal(0))


@pytest.mark.parametrize(("table", "fact", "sums"), FACTS)
def test_a_fact_has_every_delivered_row_and_amount(line, table, fact, sums):
    rows = sent(line, table)
    assert len(rows)
    asked = ", ".join(["count(*)", *(f"sum({column})::numeric" for column in sums)])
    (got,) = kept(line, f"select {asked} from {fact} where build_id = any(%(builds)s)")
    assert got[0] == len(rows)
    for value, column in zip(got[1:], sums.values(), strict=True):
        assert float(value) == pytest.approx(float(total(rows[column])), abs=0.001)


def test_interactions_are_calls_complaints_and_visits(line):
    tables = {"call": "contact_centre.call", "complaint": "contact_centre.complaint", "visit": "crm.visit"}
    got = kept(
        line, "select interaction_kind, count(*) from marts.fct_interaction where build_id = any(%(builds)s) group by 1"
    )
    assert dict(got) == {kind: len(sent(line, table)) for kind, table in tables.items()}


@pytest.mark.parametrize(("table", "moment", "fact", "day"), MOMENTS)
def test_a_moment_falls_on_the_day_of_the_banks_time_zone(line, table, moment, fact, day):
    moments = pd.to_datetime(sent(line, table)[moment], utc=True, format="ISO8601").dt.tz_convert("Asia/Shanghai")
    got = kept(line, f"select {day}, count(*) from {fact} where build_id = any(%(builds)s) group by 1")
    assert dict(got) == moments.dt.date.value_counts().to_dict()


def test_card_payments_are_grouped_as_the_seed_says(line):
    with (settings.dbt_dir() / "seeds" / "merchant_group.csv").open(encoding="utf-8") as file:
        ranges = [
            (int(row["first_code"]), int(row["last_code"]), row["merchant_group"]) for row in csv.DictReader(file)
        ]

    def group(code):
        return next((name for first, last, name in ranges if first <= int(code) <= last), "other")

    rows = sent(line, "card.card_transaction")
    expected = rows.assign(name=rows["merchant_category_code"].map(group)).groupby("name")["amount"].agg(total)
    got = kept(
        line,
        "select merchant_group, sum(amount) from marts.fct_card_transaction"
        " where build_id = any(%(builds)s) group by merchant_group",
    )
    assert dict(got) == expected.to_dict()


def test_payments_and_transactions_belong_to_the_holder(line):
    cards, accounts = newest(line, "card.card", "card_id"), newest(line, "core_banking.account", "account_id")
    rows = sent(line, "card.card_transaction")
    got = kept(
        line, "select customer_id, count(*) from marts.fct_card_transaction where build_id = any(%(builds)s) group by 1"
    )
    assert dict(got) == rows["card_id"].map(cards["customer_id"]).value_counts().to_dict()
    rows = sent(line, "core_banking.transaction")
    got = kept(
        line, "select customer_id, count(*) from marts.fct_transaction where build_id = any(%(builds)s) group by 1"
    )
    assert dict(got) == rows["account_id"].map(accounts["customer_id"]).value_counts().to_dict()


def test_a_response_has_the_campaign_and_channel_of_its_contact(line):
    contacts = sent(line, "campaign.contact").set_index("contact_id")
    rows = sent(line, "campaign.response").set_index("response_id")["contact_id"]
    got = kept(
        line, "select response_id, campaign_id, channel from marts.fct_response where build_id = any(%(builds)s)"
    )
    expected = pd.DataFrame({name: rows.map(contacts[name]) for name in ("campaign_id", "channel")})
    assert {response: (campaign, channel) for response, campaign, channel in got} == {
        name: tuple(values) for name, values in expected.T.items()
    }


def test_holdings_of_every_month_end_follow_from_accounts_and_balances(line):
    days = line.dates[:1]
    lines = sent(line, "core_banking.product", days).set_index("product_id")["product_line"]
    accounts = sent(line, "core_banking.account", days).sort_values("effective_date", kind="stable")
    accounts = accounts.drop_duplicates("account_id", keep="last")
    accounts = accounts.assign(line=accounts["product_id"].map(lines), ends=accounts["close_date"].replace("", "9999"))
    balances = sent(line, "core_banking.balance", days).sort_values("balance_date", kind="stable")
    positions = sent(line, "wealth.position", days).sort_values("position_date", kind="stable")
    expected = {}
    for end in pd.date_range(balances["balance_date"].min(), days[0], freq="ME").strftime("%Y-%m-%d"):
        last = balances[balances["balance_date"] <= end].drop_duplicates("account_id", keep="last")
        amount = last.set_index("account_id")["balance_amount"].map(Decimal)
        held = accounts[(accounts["open_date"] <= end) & (accounts["ends"] > end)]
        owned = [
            (
                row.customer_id,
                row.line,
                Decimal(0) if row.line in ("loan", "credit_card") else amount.get(row.account_id, 0),
            )
            for row in held.itertuples()
        ]
        last = positions[positions["position_date"] <= end].drop_duplicates(["customer_id", "product_id"], keep="last")
        owned += [
            (row.customer_id, lines[row.product_id], Decimal(row.market_value_amount))
            for row in last.itertuples()
            if Decimal(row.market_value_amount) > 0
        ]
        for customer, product_line, value in owned:
            count, balance = expected.get((customer, product_line, end), (0, 0))
            expected[customer, product_line, end] = (count + 1, balance + value)
    got = kept(
        line,
        "select customer_id, product_line, month_end_date::text, product_count, balance_amount from marts.fct_holding"
        " where build_id = any(%(builds)s)",
    )
    assert len({end for _, _, end in expected}) > 5
    assert {row[:3]: row[3:] for row in got} == expected


def test_loans_know_what_was_paid(line):
    contracts, repaid = newest(line, "loan.contract", "contract_id"), sent(line, "loan.repayment")
    paid = repaid.groupby("contract_id")["paid_amount"].agg(total)
    first_due = repaid.groupby("contract_id")["due_date"].min()
    expected = {}
    for number, row in contracts.iterrows():
        start = pd.Period(row["start_date"], "M")
        known = pd.Period(first_due.get(number, str(line.dates[1])), "M")
        left = int(row["term_months"]) - max((known - start).n - 1, 0)
        to_come = max(left * Decimal(row["payment_amount"]) - paid.get(number, 0), Decimal(0))
        expected[number] = (paid.get(number, Decimal(0)), Decimal(0) if row["status"] == "finished" else to_come)
    got = kept(
        line, "select contract_id, paid_amount, outstanding_amount from marts.dim_loan where build_id = %(last)s"
    )
    assert {number: (has_paid, owes) for number, has_paid, owes in got} == expected


def test_what_is_held_now_adds_up_to_the_balances(line):
    got = kept(
        line,
        """
        select
            (select sum(balance_amount) from marts.fct_holding_current where build_id = %(last)s),
            (select sum(balance_amount) from marts.fct_balance_current where build_id = %(last)s)
        """,
    )
    ((held, balance),) = got
    assert held == balance


def test_a_built_layer_tells_its_lineage(line):
    """OpenLineage events of dbt's models: a pair for each, with what it was made from, column by column."""
    told = [json.loads(text) for text in (line.state / "lineage" / "events.jsonl").read_text().splitlines()]
    of_date = [
        each for each in told if each["run"]["facets"]["nominalTime"]["nominalStartTime"][:10] == f"{line.dates[1]}"
    ]
    runs = {}
    for each in of_date:
        runs.setdefault(each["run"]["runId"], []).append(each)
    assert all([each["eventType"] for each in pair] == ["START", "COMPLETE"] for pair in runs.values())
    layers = {each["job"]["name"]: each["run"]["runId"] for each in of_date if each["job"]["name"].count(".") == 1}
    assert set(layers) == {f"dbt.{layer}" for layer in builds.LAYERS}
    (done,) = [
        each for each in of_date
        if each["job"]["name"] == "dbt.marts.fct_transaction" and each["eventType"] == "COMPLETE"
    ]  # fmt: skip
    assert done["run"]["facets"]["parent"]["run"]["runId"] == layers["dbt.marts"]
    assert "bankmart.staging.stg_core_banking__transaction" in {each["name"] for each in done["inputs"]}
    (made,) = done["outputs"]
    assert made["name"] == "bankmart.marts.fct_transaction"
    assert made["outputFacets"]["outputStatistics"]["rowCount"] > 0
    parents = made["facets"]["columnLineage"]["fields"]["amount"]["inputFields"]
    assert {(each["name"], each["field"]) for each in parents} == {
        ("bankmart.staging.stg_core_banking__transaction", "amount")
    }


def test_what_a_window_looks_back_for_lies_together(line):
    """Facts are in the order of their dates, and their block indexes know every row: history is not read."""
    indexes = kept(
        line,
        "select c.oid, i.indrelid::regclass::text, a.attname from pg_index i join pg_class c on c.oid = i.indexrelid"
        " join pg_class t on t.oid = i.indrelid join pg_am m on m.oid = c.relam"
        " join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]"
        " where m.amname = 'brin' and t.relkind = 'r' and t.relname like 'fct%%'",
    )
    assert {"marts.fct_balance_daily", "marts.fct_card_transaction"} <= {table for _, table, _ in indexes}
    for index, table, column in indexes:
        ((count, out_of_order),) = kept(
            line,
            "select count(*), count(*) filter (where is_back) from ("
            f"select {column} < lag({column}) over (order by ctid) as is_back from {table}"  # noqa: S608
            " where build_id = (%(builds)s)[1]) as made",
        )
        # The server may put a row where another page had room; account by account it would be one of each.
        assert out_of_order <= max(20, count // 200), f"{table} is not in the order of {column}"
        assert kept(line, f"select brin_summarize_new_values({index})") == [(0,)], f"{table}: {column}"  # noqa: S608
