"""The protocols on small cuts of the public sets as they are: real lines, read, walked and judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.bench._uplift_protocol import summary
from ml.bench._uplift_table import Table
from ml.bench.response import judge
from ml.bench.uplift import split_and_judge
from ml.public.contacts import read_contacts
from ml.public.window import PLAIN, Protocol

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def lines(name, **how):
    found = sorted((DATA / name).glob("*.csv"))
    if not found:
        pytest.skip(f"{DATA / name} isn't there: the public data sets aren't part of the project")
    return pd.read_csv(found[0], **how)


def test_the_walk_on_eight_thousand_real_contacts(tmp_path):
    cut = tmp_path / "cut.csv"
    lines("bank_marketing", sep=";").iloc[30_000:38_000].to_csv(cut, index=False)
    contacts, _ = read_contacts(cut, "y", "rows", ("duration", "age", "marital"))
    protocol = Protocol(start=0.6, window=3000, every=800, delay=100, seeds=(1,), settings=PLAIN, threads=1)
    report = judge(contacts, protocol)
    assert (report["contacts"], report["judged"], report["protocol"]["retrainings"]) == (8000, 3200, 4)
    assert (report["protected"], report["suspects"]) == ([], {})
    rolling = report["metrics"]["rolling"]["auc"]
    assert 0.6 < rolling["low"] < rolling["value"] < 0.8, "the call's length isn't among the columns"
    assert "Bank Marketing" in report["note"]


def test_the_learners_on_twenty_thousand_real_customers():
    file = lines("hillstrom")
    file = file[file["segment"] != "Mens E-Mail"].head(20_000)
    names = ["recency", "history", "mens", "womens", "newbie"]
    segment = file["segment"].to_numpy(dtype=str)
    table = Table(file[names], names, (), segment, file["visit"].to_numpy(np.float64), None)
    offers = ("Womens E-Mail",)
    found = [split_and_judge(table, None, offers, "No E-Mail", seed, 40, 1) for seed in (0, 1)]
    metrics = summary(offers, found)["treatments"]["Womens E-Mail"]["metrics"]
    assert metrics["qini"]["bootstrap_95"][0] > 0, "apart from random"
    assert 0 < metrics["effect"]["mean"] < metrics["uplift_at_30"]["mean"], "the first third gains more than all"
    assert metrics["random_qini"]["bootstrap_95"][0] < 0 < metrics["random_qini"]["bootstrap_95"][1]
