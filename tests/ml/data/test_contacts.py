from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from bankmart import db
from ml.data.contacts import Offer, expanded, flag, own_columns, own_name, read_contacts
from ml.data.everyone import read_everyone
from ml.data.split import split_by_time
from ml.errors import DataError, DataPrerequisite
from ml.judging import drift
from ml.spec import Needs, load_spec
from ml.techniques import contact

TODAY = date(2025, 10, 31)
DATES = [date(2025, 1, 31), date(2025, 3, 31), date(2025, 5, 31), date(2025, 7, 31)]
SPEC = replace(
    load_spec("response"),
    features=("aum_amount", "session_count_90d"),
    needs=Needs(5, 3, 3),
    params={**load_spec("response").params, "num_boost_round": 60, "trials": 0, "origins": 0},
)
SLOTS = [Offer("wealth", "rate plus", "call"), Offer("fund", "gift", "sms")]


def test_names_of_what_belongs_to_the_offered_line():
    assert own_name("view_{line}_count_90d") == "own_view_count_90d"
    assert own_name("{line}_holding_count") == "own_holding_count"
    assert flag("treatment", "rate plus/2") == "offer_treatment_rate_plus_2"
    there = ["view_fund_count_90d", "view_wealth_count_90d", "fund_holding_count"]
    assert own_columns(
        (("view_{line}_count_90d",), ("{line}_holding_count",), ("x_{line}",)), ["fund", "loan"], there
    ) == {
        "own_view_count_90d": {"fund": "view_fund_count_90d"},
        "own_holding_count": {"fund": "fund_holding_count"},
    }


def test_an_offer_brings_its_own_columns_and_flags():
    numbers = np.array([[1.0, 5.0, 7.0], [2.0, 6.0, 8.0]])
    base, own = ("aum", "view_fund", "view_wealth"), {"own_view": {"fund": "view_fund", "wealth": "view_wealth"}}
    flags = ["offer_channel_call", "offer_channel_sms"]
    fund = expanded(numbers, base, own, flags, SLOTS[1])
    assert fund[:, 3:].tolist() == [[5, 0, 1], [6, 0, 1]]
    loan = expanded(numbers, base, own, flags, Offer("loan", "gift", "post"))
    assert np.isnan(loan[:, 3]).all(), "nothing is known of a line without such columns"
    assert loan[:, 4:].tolist() == [[0, 0], [0, 0]], "a channel never seen is no channel that is known"


@pytest.fixture
def campaign(bank):
    """Contacts of four dates: who uses the app takes the fund, who has money takes the wealth product."""
    bank.execute(
        "set role platform; drop table features.ftr_customer;"
        "create table features.ftr_customer (as_of_date date, build_id bigint, customer_id text, tenure_days integer,"
        " aum_amount float8, session_count_90d integer, view_fund_count_90d integer, fund_holding_count integer);"
        "create table features.lbl_response (as_of_date date, build_id bigint, customer_id text, contact_id text,"
        " product_line text, treatment text, channel text, is_response boolean)"
    )
    build_id = bank.build("training", TODAY)
    rng = np.random.default_rng(3)
    rows = 700
    for day in DATES:
        frame = pd.DataFrame({"as_of_date": day, "build_id": build_id, "customer_id": [f"C{at}" for at in range(rows)]})
        frame["tenure_days"] = 100
        frame["aum_amount"] = rng.gamma(2, 20_000, rows).round(2)
        frame["session_count_90d"] = rng.poisson(6, rows)
        frame["view_fund_count_90d"] = rng.poisson(1, rows)
        frame["fund_holding_count"] = 0
        bank._copy("features.ftr_customer", frame)
        made = frame[["as_of_date", "build_id", "customer_id"]].copy()
        made["contact_id"] = [f"{day}-{at}" for at in range(rows)]
        which = rng.integers(0, 2, rows)
        for kind in ("product_line", "treatment", "channel"):
            made[kind] = [getattr(SLOTS[at], kind) for at in which]
        odds = np.where(which, 0.8 * (frame["session_count_90d"] - 9), (frame["aum_amount"] - 90_000) / 15_000)
        made["is_response"] = rng.random(rows) < 1 / (1 + np.exp(-odds.astype(float)))
        bank._copy("features.lbl_response", made)
    return bank


def test_each_offer_goes_to_whom_it_suits_and_survives_saving(campaign, tmp_path):
    data = read_contacts(SPEC, TODAY)
    assert data.rows == 4 * 700
    assert set(data.known) == set(SLOTS)
    at = data.features.index("own_view_count_90d")
    assert np.isnan(data.numbers[:, at]).mean() == pytest.approx(0.5, abs=0.05), "of the wealth offers"
    split = split_by_time(SPEC, data)
    model = contact.train(SPEC, data, split)
    judged = model.judge(data, split.test, 1)
    assert judged.model["auc"].low > 0.75
    assert judged.drift.verdict == "stable"
    people = np.array([[1_000.0, 15.0, 1, 0], [200_000.0, 0.0, 1, 0]])
    people = people[
        :,
        [
            ("aum_amount", "session_count_90d", "view_fund_count_90d", "fund_holding_count").index(name)
            for name in model.features
        ],
    ]
    assert [model.offers[best].product_line for best in model.by_offer(people).argmax(axis=1)] == ["fund", "wealth"]
    assert '"feature": "session_count_90d"' in model.reasons(people, 3)[0]
    assert "offer_" not in "".join(model.reasons(people, 3))
    model.save(tmp_path / "model", dict.fromkeys(data.features, 1.0))
    again = contact.load(tmp_path / "model")
    np.testing.assert_array_equal(again.score(people), model.score(people))
    assert (again.baselines, again.of_everyone) == (model.baselines, model.of_everyone)


def test_a_campaign_among_the_rich_is_no_drift_of_the_bank_and_another_bank_is(campaign):
    campaign.execute(
        "delete from features.lbl_response l using features.ftr_customer f where aum_amount < 40000"
        " and (f.customer_id, f.as_of_date) = (l.customer_id, l.as_of_date)"
    )
    data = read_contacts(SPEC, TODAY)
    assert len(data.everyone) == 700, "of the newest date"
    split = split_by_time(SPEC, data)
    model = contact.train(SPEC, data, split)
    assert model.judge(data, split.test, 1).drift.verdict == "stable"
    customers = np.random.default_rng(4).permutation(data.everyone)[:400]
    assert _drift(model.baselines, model, customers) == "drifted"
    assert _drift(model.of_everyone, model, customers) == "stable"
    assert _drift(model.of_everyone, model, customers * 5) == "drifted"


def _drift(baselines, model, customers):
    return drift.drift(baselines, model.features, customers, model.score(customers)).verdict


def test_of_many_customers_some_are_read(campaign):
    with db.connect("scorer") as link:
        ((build_id,),) = campaign.execute("select distinct build_id from features.ftr_customer")
        assert 60 < len(read_everyone(link, SPEC, build_id, ("aum_amount",), 100)) < 140


def test_a_later_contact_with_an_unseen_offer_is_judged_and_an_unseen_feature_is_an_error(campaign):
    data = read_contacts(SPEC, TODAY)
    known = data.features
    assert (data.columns((*known, "offer_channel_post"))[:, -1] == 0).all()
    with pytest.raises(DataError, match="tenure_days"):
        data.columns(("tenure_days",))


def test_the_same_contacts_have_the_same_hash_and_another_offer_another(campaign):
    first = read_contacts(SPEC, TODAY).content_hash
    assert read_contacts(SPEC, TODAY).content_hash == first
    campaign.execute("update features.lbl_response set channel = 'post' where contact_id = '2025-01-31-5'")
    assert read_contacts(SPEC, TODAY).content_hash != first


def test_without_the_labels_it_is_skipped(bank):
    with pytest.raises(DataPrerequisite, match="lbl_response aren't there"):
        read_contacts(SPEC, TODAY)
