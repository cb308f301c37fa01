from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.public.gain import METRICS, compared, figures


def test_by_hand_and_against_scikit_learn():
    label = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    score = np.linspace(1, 0, 10)
    auc, area, best_half = figures(score, label)
    assert auc == pytest.approx(roc_auc_score(label, score)) == pytest.approx(15 / 16)
    assert area == pytest.approx(0.2 / 2 + 0.8 * auc)
    assert best_half == 1
    assert figures(np.zeros(10), label) == pytest.approx([0.5, 0.5, 0.5]), "ties tell nothing"
    assert np.isnan(figures(score, np.zeros(10))).all()


def test_seeds_are_all_reported_and_the_difference_is_paired():
    rng = np.random.default_rng(1)
    label = (rng.random(800) < 0.3).astype(int)
    good = label + rng.normal(0, 0.7, (2, 800))
    report = compared({"rolling": good, "frozen": rng.normal(size=800)}, label)
    assert len(report["by_seed"]["rolling"]) == 2
    assert report["metrics"]["rolling"]["auc"]["value"] == pytest.approx(
        np.mean([seed["auc"] for seed in report["by_seed"]["rolling"]])
    )
    for name in METRICS:
        one = report["difference"]["rolling less frozen"][name]
        assert 0 < one["low"] < one["value"] < one["high"]
    same = compared({"a": good, "b": good}, label)["difference"]["a less b"]["auc"]
    assert same == {"value": 0, "low": 0, "high": 0}
