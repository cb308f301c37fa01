from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from bankmart.sources import landing
from bankmart.sources.simulate import SimulationConfig, simulate


def auc(label: np.ndarray, score: np.ndarray) -> float:
    rank = pd.Series(score).rank().to_numpy()
    ones = int(label.sum())
    return (rank[label].sum() - ones * (ones + 1) / 2) / (ones * (len(label) - ones))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A bank large enough for a few hundred turns, and what was planted there."""
    root = tmp_path_factory.mktemp("turns")
    simulate(SimulationConfig(root / "l", root / "t", customers=2500, months=13, days=0, seed=1))
    return root


@pytest.fixture(scope="module")
def churn(root):
    """Month ends of which 90 days are known, from the seventh month (trends need six months)."""
    rows = pd.read_parquet(root / "t" / "churn.parquet").dropna(subset="is_aum_halved_90d")
    rows = rows[rows["as_of_date"] > sorted(set(rows["as_of_date"]))[5]].copy()
    rows["label"] = rows["is_aum_halved_90d"].astype(bool)
    return rows


def test_as_many_leave_as_at_a_bank(churn):
    assert (churn["aum_amount"] >= 1000).all()
    assert 0.03 < churn["label"].mean() < 0.08


def test_the_planted_probability_is_calibrated(churn):
    assert churn["p90"].mean() == pytest.approx(churn["label"].mean(), rel=0.15)
    groups = churn.groupby(pd.qcut(churn["p90"].rank(method="first"), 4))[["p90", "label"]].mean()
    assert np.allclose(groups["p90"], groups["label"], rtol=0.4, atol=0.006)


def test_the_oracle_sees_much_but_not_all(churn):
    assert 0.74 < auc(churn["label"].to_numpy(), churn["p90"].to_numpy()) < 0.9


def test_the_oracle_of_responses_sees_much_but_not_all_either(root):
    truth = pd.read_parquet(root / "t" / "response.parquet")
    made = truth[truth["is_received"]]
    place = landing.folder(root / "l", "campaign", "response", date(2026, 10, 31))
    told = json.loads((place / landing.MANIFEST).read_text())
    said = pd.read_csv(place / told["file"], sep=told["delimiter"], encoding=told["encoding"], dtype=str)
    bought = made["contact_id"].isin(said.loc[said["response_type"] == "bought", "contact_id"]).to_numpy()
    # A contact of the last month may still be answered.
    over = (pd.to_datetime(made["contact_date"]) < pd.Timestamp("2026-10-01")).to_numpy()
    assert bought[over].sum() > 80
    assert 0.01 < bought[over].mean() < 0.05, "a bank's base rate"
    assert 0.7 < auc(bought[over], made["p_response"].to_numpy()[over]) < 0.9


def test_assets_fall_by_leaving_and_hardly_ever_by_accident(churn):
    planted = churn["event_date"].notna()
    assert (churn["label"] & ~planted).mean() < 0.003
    assert (churn["label"] & planted).sum() > 0.95 * planted.sum()


def test_the_truth_is_what_the_extracts_say(bank, whole):
    """AUM recomputed from balances and positions, at a month end and 90 days after."""
    truth = pd.read_parquet(bank.truth / "churn.parquet").dropna(subset="is_aum_halved_90d")
    as_of = sorted(set(truth["as_of_date"]))[-1]
    truth = truth[truth["as_of_date"] == as_of].set_index("customer_id")
    accounts = whole("core_banking__account").drop_duplicates("account_id").set_index("account_id")
    deposits = accounts[~accounts["product_id"].str.startswith("CC")]
    balances, positions = whole("core_banking__balance"), whole("wealth__position")

    def assets(day: str) -> pd.Series:
        then = balances[(balances["balance_date"] <= day) & balances["account_id"].isin(deposits.index)]
        last = then.sort_values("balance_date").groupby("account_id")["balance_amount"].last().astype(float)
        held = positions[positions["position_date"] <= day].sort_values("position_date")
        held = held.groupby(["customer_id", "product_id"])["market_value_amount"].last().astype(float)
        by_customer = last.groupby(deposits["customer_id"].reindex(last.index)).sum()
        return by_customer.add(held.groupby("customer_id").sum(), fill_value=0)

    later = str(as_of + pd.Timedelta(days=90))
    assert np.allclose(assets(str(as_of))[truth.index], truth["aum_amount"], atol=0.005)
    assert np.allclose(assets(later)[truth.index], truth["aum_after_90d_amount"], atol=0.005)
