from __future__ import annotations

import numpy as np
import pandas as pd

from bankmart.sources.simulate.contacts.text import NEGATIVE, POSITIVE, write_feedback


def test_feedback_is_varied_and_its_stars_follow_its_sentiment_loosely(bank, whole):
    feedback = whole("contact_centre__feedback")
    truth = pd.read_parquet(bank.truth / "sentiment.parquet").set_index("feedback_id")
    feedback["sentiment"] = feedback["feedback_id"].map(truth["sentiment"])
    assert feedback["sentiment"].notna().all()
    assert feedback["feedback_text"].nunique() > 0.9 * len(feedback)
    stars = feedback.dropna(subset="score").astype({"score": int}).groupby("sentiment")["score"]
    assert stars.mean()["negative"] < stars.mean()["neutral"] < stars.mean()["positive"]
    assert set(feedback["language"]) == {"zh", "en"}


def test_many_sentences_can_be_made():
    rng = np.random.default_rng(0)
    texts = write_feedback(rng, np.full(3000, NEGATIVE), np.zeros(3000, bool))
    assert len(set(texts)) > 2000
    english = write_feedback(rng, np.full(1000, POSITIVE), np.ones(1000, bool))
    assert len(set(english)) > 500
    assert all(text.isascii() for text in english)


def test_anomalies_are_planted_and_known(bank, whole):
    truth = pd.read_parquet(bank.truth / "anomaly.parquet")
    booked = whole("core_banking__transaction").set_index("transaction_id")
    seen = truth[truth["transaction_id"].isin(booked.index)].set_index("transaction_id")
    rows = booked.loc[seen.index]
    assert (rows["transaction_date"] == seen["transaction_date"].astype(str)).all()
    nights = rows[seen["kind"] == "night_transfers"]
    assert (nights["transaction_at"].str[11:13].astype(int) < 6).all()
    slices = rows[seen["kind"] == "structuring"]
    assert slices["amount"].astype(float).between(40_000, 49_999).all()
