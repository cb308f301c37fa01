from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from bankmart.sources.simulate.contacts import creatives
from bankmart.sources.simulate.contacts.creatives import CHANNELS, LANGUAGES, Subject
from bankmart.sources.simulate.world import products as shelf

SUBJECTS = [Subject(0, "大额定存专享", shelf.TERM_DEPOSIT, 20_000), Subject(1, "指数基金体验", shelf.FUND, 20_030)]


def made():
    return creatives.table(SUBJECTS, pa.array(["CP0001", "CP0002"])).to_pandas()


def test_each_campaign_has_texts_of_every_channel_in_both_languages():
    rows = made()
    assert rows["creative_id"].is_unique
    assert (rows.groupby(["campaign_id", "channel", "language"]).size() == 2).all()
    assert rows.groupby("campaign_id")["channel"].nunique().tolist() == [len(CHANNELS)] * 2
    assert set(rows["language"]) == set(LANGUAGES)
    assert rows["creative_text"].is_unique
    assert rows.loc[rows["language"] == "en", "creative_text"].map(str.isascii).all()
    assert not rows.loc[rows["language"] == "zh", "creative_text"].map(str.isascii).any()
    assert (rows["created_date"].astype(str) < "2024-12-01").all()


def test_most_fund_texts_name_the_risk_and_a_few_do_not():
    rows = made()
    funds = rows[(rows["campaign_id"] == "CP0002") & (rows["language"] == "zh")]
    assert 0.7 < funds["creative_text"].str.contains("基金有风险").mean() <= 1


def test_a_contact_gets_a_text_of_its_campaign_channel_and_language():
    rows = made().set_index("creative_id")
    draw = np.array([0.0, 0.49, 0.5, 0.99])
    for channel, name in enumerate(CHANNELS):
        for language, code in enumerate(LANGUAGES):
            number = creatives.choose(1, np.full(4, channel), np.full(4, language), draw)
            found = rows.loc[creatives.identifiers(number).to_pylist()]
            assert set(found["campaign_id"]) == {"CP0002"}
            assert set(found["channel"]) == {name}
            assert set(found["language"]) == {code}
            assert found.index.nunique() == 2
    assert creatives.identifiers(np.array([-1])).to_pylist() == [None]


def test_contacts_refer_to_creatives_where_the_contract_knows_them(tables, whole):
    if "campaign__creative" not in tables:
        pytest.skip("the contract has no creatives")
    rows = whole("campaign__creative").drop_duplicates("creative_id").set_index("creative_id")
    contacts = whole("campaign__contact")
    assert (contacts["creative_id"].isna() == (contacts["channel"] == "none")).all()
    sent = contacts.dropna(subset="creative_id")
    assert (sent["creative_id"].map(rows["channel"]) == sent["channel"]).all()
    assert (sent["creative_id"].map(rows["campaign_id"]) == sent["campaign_id"]).all()
