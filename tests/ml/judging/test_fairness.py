from __future__ import annotations

import numpy as np
import pytest

from ml.judging.fairness import fairness, unfair
from ml.judging.groups import POOLED, pooled

LIMITS = {"selection_rate": 0.1, "true_positive_rate": 0.2, "calibration": 0.02}


def customers(group, label, score, selected):
    """Rows as written, repeated so that no group is small."""
    times = 100
    return (
        np.tile(np.array(score, float), times),
        np.tile(np.array(label), times),
        np.tile(np.array(selected, bool), times),
        {"sex": np.tile(np.array(group, object), times)},
    )


def test_the_measures_of_a_group_by_hand():
    score, label, selected, groups = customers(
        ["F", "F", "F", "F", "M", "M", "M", "M"],
        [1, 1, 0, 0, 1, 0, 0, 0],
        [0.9, 0.3, 0.6, 0.2, 0.8, 0.4, 0.2, 0.2],
        [1, 0, 1, 0, 1, 0, 0, 0],
    )
    women, men = fairness(score, label, selected, groups, resamples=50)
    assert (women.group, women.rows, women.positives) == ("F", 400, 200)
    assert women.measures["selection_rate"].value == pytest.approx(0.5)
    assert women.measures["true_positive_rate"].value == pytest.approx(0.5)
    assert women.measures["calibration"].value == pytest.approx((0.9 + 0.3 + 0.6 + 0.2) / 4 - 0.5)
    assert women.gaps["selection_rate"].value == pytest.approx(0.5 - 0.25)
    assert women.gaps["true_positive_rate"].value == pytest.approx(0.5 - 1.0)
    assert men.gaps["true_positive_rate"].value == pytest.approx(0.5)
    assert men.gaps["calibration"].value == pytest.approx((1.6 / 4 - 0.25) - (2.0 / 4 - 0.5))
    low, high = women.gaps["selection_rate"].low, women.gaps["selection_rate"].high
    assert 0.15 < low < 0.25 < high < 0.35


def test_a_gap_fails_and_noise_does_not():
    rng = np.random.default_rng(1)
    chance = rng.beta(1, 9, 4000)
    label = (rng.random(4000) < chance).astype(int)
    groups = {"region": rng.choice(["east", "west", "north"], 4000).astype(object)}
    assert unfair(fairness(chance, label, chance > 0.2, groups, names=("region",)), LIMITS) == []

    # The east is promised too much and chosen for it.
    promised = np.where(groups["region"] == "east", np.clip(chance + 0.2, 0, 1), chance)
    found = unfair(fairness(promised, label, promised > 0.2, groups, names=("region",)), LIMITS)
    assert any(line.startswith("region east: selection_rate") for line in found)
    assert any(line.startswith("region east: calibration") for line in found)


def test_small_groups_are_pooled_and_the_still_too_small_are_not_judged():
    groups = np.array(["a"] * 500 + ["b"] * 30 + ["c"] * 40, object)
    label = np.tile([1, 0], 285)
    assert sorted(set(pooled(groups, label))) == ["a", POOLED]
    selected = groups != "a"
    found = fairness(np.full(570, 0.5), label, selected, {"region": groups}, resamples=50)
    assert {one.group: one.is_judged for one in found} == {"a": True, POOLED: False}
    assert unfair(found[1:], LIMITS) == []


def test_one_group_alone_says_nothing():
    label = np.tile([1, 0], 300)
    assert fairness(np.full(600, 0.5), label, label > 0, {"sex": np.full(600, "unknown", object)}) == []
    assert fairness(np.full(600, 0.5), label, label > 0, {}) == []
