"""What is settled for a walk: another choice only beyond chance, and no more retraining than is affordable."""

from __future__ import annotations

import numpy as np

from ml.public.settling import _chosen, _step
from ml.public.window import Protocol


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


def test_retrainings_of_a_large_file_are_fewer():
    assert _step(Protocol(), 12_357, 20_000) == 500
    assert _step(Protocol(), 300_000, 20_000) == 7_500
    assert _step(Protocol(), 300_000, 300_000) == 50_000
    assert _step(Protocol(every=100), 300_000, 300_000) == 100
