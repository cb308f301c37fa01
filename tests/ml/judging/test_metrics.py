from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.judging.gate import champion_check, checks
from ml.judging.metrics import auc, compare
from ml.spec import Gates


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60))
def test_auc_and_average_precision_are_scikit_learns(rows):
    score, label = np.array([row[0] for row in rows], float) / 7, np.array([row[1] for row in rows], float)
    if len(set(label)) < 2:
        assert np.isnan(auc(score, label))
        return
    judged = compare(score, score, label, resamples=20)
    assert judged.model["auc"].value == pytest.approx(roc_auc_score(label, score))
    assert judged.model["average_precision"].value == pytest.approx(average_precision_score(label, score))


def test_lift_brier_and_ece_by_hand():
    label = np.array([1, 1] + [0] * 18, float)
    score = np.linspace(0.95, 0.05, 20)
    judged = compare(score, np.full(20, 0.1), label, resamples=2)
    assert judged.model["lift_top_decile"].value == pytest.approx(10)
    assert judged.baseline["lift_top_decile"].value == pytest.approx(1), "ties: the decile takes its share of them"
    assert judged.baseline["auc"].value == 0.5
    assert judged.baseline["brier"].value == pytest.approx((2 * 0.81 + 18 * 0.01) / 20)
    assert judged.baseline["ece"].value == pytest.approx(0)
    assert judged.model["brier"].value == pytest.approx(np.mean((score - label) ** 2))


def calibrated(rows, seed):
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 9, rows)
    return chance, (rng.random(rows) < chance).astype(float), rng


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    truth = auc(*calibrated(200_000, 1)[:2])
    inside = 0
    for seed in range(40):
        chance, label, _ = calibrated(600, 100 + seed)
        interval = compare(chance, chance, label, resamples=120, seed=seed).model["auc"]
        inside += interval.low <= truth <= interval.high
    assert inside >= 33


def test_a_promise_kept_is_calibrated_and_a_doubled_one_is_not():
    chance, label, _ = calibrated(20_000, 2)
    judged = compare(chance, chance * 2, label, resamples=50)
    assert judged.model["ece"].value < 0.01 < 0.08 < judged.baseline["ece"].value


def test_the_gates_let_the_better_pass_and_stop_the_rest():
    chance, label, rng = calibrated(6000, 3)
    noisy = np.clip(chance + rng.normal(0, 0.2, 6000), 0.001, 0.999)
    gates = Gates("auc", minimum_rows=1000, minimum_positives=100, at_most={"ece": 0.03}, unbelievable={"auc": 0.97})
    assert all(check.passed for check in checks(gates, compare(chance, noisy, label)))
    turned = {check.name: check.passed for check in checks(gates, compare(noisy, chance, label))}
    assert not turned["auc above the baseline"]
    assert not turned["ece low enough"]
    few = checks(gates, compare(chance[:300], noisy[:300], label[:300]))
    assert [check.passed for check in few[:2]] == [False, False]
    perfect = {check.name: check.passed for check in checks(gates, compare(label, noisy, label))}
    assert not perfect["auc believable"]
    assert champion_check(gates, "1", compare(chance, chance, label)).passed
    assert not champion_check(gates, "1", compare(noisy, chance, label)).passed


def test_a_metric_where_less_is_better_is_turned():
    chance, label, rng = calibrated(6000, 4)
    noisy = np.clip(chance + rng.normal(0, 0.2, 6000), 0.001, 0.999)
    gates = Gates(metric="brier", minimum_rows=1, minimum_positives=1)
    passed = {check.name: check.passed for check in checks(gates, compare(chance, noisy, label))}
    assert passed["brier above the baseline"]
