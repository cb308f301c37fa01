from __future__ import annotations

import json

import numpy as np
import pytest

from ml.judging import drift


def test_psi_by_hand():
    # 100 of training evenly over two bins, 100 of today 80 to 20; half a row is added to each bin.
    e, a = np.array([50.5, 50.5]) / 101, np.array([80.5, 20.5]) / 101
    assert drift.psi(np.array([50.0, 50.0]), np.array([80.0, 20.0])) == pytest.approx(np.sum((a - e) * np.log(a / e)))
    assert drift.psi(np.array([50.0, 50.0]), np.array([500.0, 500.0])) == pytest.approx(0, abs=1e-4)
    assert np.isfinite(drift.psi(np.array([100.0, 0.0]), np.array([0.0, 100.0])))


def test_bins_are_deciles_with_one_for_null():
    made = drift.baseline(np.append(np.arange(100.0), [np.nan] * 25))
    assert len(made.edges) == 9
    assert made.count[-1] == 25
    assert sum(made.count) == 125
    assert drift.baseline(np.full(50, np.nan)).count == (0, 50)
    assert drift.baseline(np.zeros(50)).edges == (0.0,), "a constant has one bin, and one for what is above it"


def bank(rows, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 3))
    numbers[:, 0] += shift
    numbers[rng.random(rows) < 0.1, 2] = np.nan
    return numbers, 1 / (1 + np.exp(-numbers[:, 0]))


def judged(weights, rows, shift, moved_score):
    names = ("first", "second", "third")
    numbers, score = bank(20_000, 1)
    made = drift.from_plain(json.loads(json.dumps(drift.as_plain(drift.baselines(names, numbers, score, weights)))))
    today, then = bank(rows, 2, shift)
    return drift.drift(made, names, today, then if moved_score else bank(rows, 2)[1])


def test_the_same_customers_are_stable_and_others_have_drifted():
    same = judged((1, 1, 1), 5_000, 0.0, True)
    assert same.verdict == "stable"
    assert same.rows == 5_000
    moved = judged((1, 1, 1), 5_000, 1.0, True)
    assert (moved.verdict, moved.shifts[0].name) == ("drifted", drift.SCORE)
    assert moved.shifts[1].name == "first", "after the score, the feature that moved most"


@pytest.mark.parametrize(("weights", "verdict"), [((9, 0, 1), "drifted"), ((1, 9, 0), "watch")])
def test_a_feature_that_the_model_hardly_uses_is_watched_not_failed(weights, verdict):
    assert judged(weights, 5_000, 1.0, False).verdict == verdict


def test_few_customers_are_noise_not_drift():
    few = judged((1, 1, 1), 30, 0.0, True)
    assert max(shift.psi for shift in few.shifts) > drift.WATCH
    assert few.verdict == "stable"


def test_chunks_count_as_one_and_a_missing_source_shows():
    names = ("first", "second", "third")
    numbers, score = bank(20_000, 1)
    watch = drift.Watch(drift.baselines(names, numbers, score, (1, 1, 1)), names)
    today, then = bank(6_000, 3)
    today[:, 1] = np.nan
    for start in range(0, 6_000, 1_500):
        watch.add(today[start : start + 1_500], then[start : start + 1_500])
    found = watch.report()
    assert found.rows == 6_000
    assert found.verdict == "drifted"
    assert found.shifts[1].name == "second"
    assert "| second |" in drift.report("churn", found)
