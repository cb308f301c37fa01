"""What is settled for a walk: another choice only beyond chance, and no more retraining than is affordable."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.public import settling
from ml.public.contacts import Contacts
from ml.public.settling import _chosen, _step
from ml.public.window import Protocol
from ml.techniques.categories import memory


def test_another_choice_is_taken_only_where_it_is_better_beyond_chance():
    rng = np.random.default_rng(0)
    label = (rng.random(3000) < 0.1).astype(np.int8)
    noise = rng.normal(size=(3, 3000))
    scores = {"usual": label + 2 * noise[0], "luck": label + 2 * noise[0] + 0.05 * noise[1], "good": label + noise[2]}
    assert _chosen(["usual", "luck"], scores, label, 0.0) == "usual"
    assert _chosen(["usual", "luck", "good"], scores, label, 0.02) == "good"
    assert _chosen(["usual", "good"], scores, label, 0.3) == "usual", "better, but by too little"
    scores["good"][:2990] = np.nan
    assert _chosen(["usual", "good"], scores, label, 0.0) == "usual", "hardly anybody was scored by both"


def test_many_buyers_bear_more_trees_where_these_did_better_earlier(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8000, 4))
    label = (rng.random(8000) < 1 / (1 + np.exp(-2 * np.sin(4 * x[:, 0]) * np.sign(x[:, 1])))).astype(np.int8)
    names = pd.DataFrame(index=range(8000))
    contacts = Contacts(np.arange(8000.0), label, pd.DataFrame(x, columns=[*"abcd"]), names, "1", {})
    past = memory(contacts.moment, label)
    asked = Protocol(window=5000, seeds=(1,))
    assert settling.settle(contacts, past, asked, 6000)[0].settings == "plain", "too few for a try"
    monkeypatch.setattr(settling, "MANY", 2000)
    plan, said = settling.settle(contacts, past, asked, 6000)
    assert plan.settings == "more trees"
    assert said["more trees, last 5000"] > said["plain, last 5000"]
    assert settling.settle(contacts, past, Protocol(window=5000, settings="plain"), 6000)[0].settings == "plain"


def test_retrainings_of_a_large_file_are_fewer():
    assert _step(Protocol(), 12_357, 20_000) == 500
    assert _step(Protocol(), 300_000, 20_000) == 7_500
    assert _step(Protocol(), 300_000, 300_000) == 50_000
    assert _step(Protocol(every=100), 300_000, 300_000) == 100
