from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def truth(bank):
    return pd.read_parquet(bank.truth / "response.parquet")


def test_several_campaigns_are_randomised_with_controls_and_offers(whole):
    campaigns = whole("campaign__campaign").drop_duplicates("campaign_id").set_index("campaign_id")
    contacts = whole("campaign__contact")
    assert (campaigns["is_randomised"] == "true").sum() >= 4
    drawn = contacts["propensity"].notna()
    assert (drawn == (contacts["campaign_id"].map(campaigns["is_randomised"]) == "true")).all()
    arms = contacts[drawn].groupby("campaign_id")["treatment"].agg(set)
    assert all("control" in arm for arm in arms)
    assert max(len(arm) for arm in arms) >= 4
    assert set(contacts.loc[contacts["treatment"] == "control", "channel"]) == {"none"}
    shares = contacts[drawn].drop_duplicates(["campaign_id", "treatment"]).astype({"propensity": float})
    assert (shares.groupby("campaign_id")["propensity"].sum() - 1).abs().max() < 1e-9


def test_the_base_rate_is_a_banks(truth):
    assert 0.01 < truth.loc[truth["is_received"], "p_response"].mean() < 0.05


def test_every_contact_has_its_truth_and_buyers_follow_it(truth, whole, bank):
    contacts = whole("campaign__contact")
    received = truth[truth["is_received"]].set_index("contact_id")
    known = contacts[contacts["contact_id"].isin(received.index)].set_index("contact_id")
    assert len(known) == len(contacts)
    assert (received.loc[known.index, "treatment"] == known["treatment"]).all()
    responses = whole("campaign__response")
    bought = responses[responses["response_type"] == "bought"]
    expected = received.loc[known.index, "p_response"].sum()
    assert abs(len(bought) - expected) < 4 * expected**0.5
    assert whole("campaign__order")["campaign_id"].notna().sum() == len(bought)


def test_effects_differ_between_customers_and_some_are_negative(truth):
    effects = truth[truth["treatment"] != "control"].groupby("treatment")["effect"]
    assert (effects.min() < -0.002).all()
    assert (effects.quantile(0.9) > 0.02).all()
    assert (effects.std() > 0.01).all()


def test_the_funnel_runs_forward(whole):
    leads = whole("campaign__lead").set_index("lead_id")
    opportunities = whole("campaign__opportunity").set_index("opportunity_id")
    orders = whole("campaign__order").dropna(subset="opportunity_id")
    assert (opportunities["opened_at"] >= opportunities["lead_id"].map(leads["created_at"])).all()
    assert (orders["ordered_at"] >= orders["opportunity_id"].map(opportunities["opened_at"])).all()
    assert set(orders["opportunity_id"].map(opportunities["stage"])) == {"won"}
    assert (whole("campaign__cost")["amount"].astype(float) > 0).all()


def test_who_is_contacted_had_consented(whole):
    consents = whole("consent__consent_event")
    granted = consents[(consents["purpose"] == "marketing") & (consents["action"] == "granted")]
    contacts = whole("campaign__contact")
    assert set(contacts["customer_id"]) <= set(granted["customer_id"])
    assert len(set(granted["customer_id"])) < whole("core_banking__customer")["customer_id"].nunique()
