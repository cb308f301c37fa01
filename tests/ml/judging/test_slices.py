from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.judging.groups import POOLED
from ml.judging.slices import slices


def test_each_slice_has_its_own_metrics_and_small_ones_are_pooled():
    rng = np.random.default_rng(1)
    tier = rng.choice(["basic", "silver", "gold", "platinum"], 6_000, p=[0.6, 0.36, 0.02, 0.02]).astype(object)
    chance = rng.beta(2, 10, 6_000)
    label = rng.random(6_000) < chance
    score = np.where(tier == "silver", 0.17, chance)
    found = {one.group: one for one in slices(score, label, {"asset_tier": tier}, names=("asset_tier",), resamples=50)}
    assert found.keys() == {"basic", "silver", POOLED}
    basic = tier == "basic"
    assert found["basic"].metrics["auc"].value == pytest.approx(roc_auc_score(label[basic], score[basic]))
    assert found["basic"].metrics["auc"].low > 0.6
    assert found["silver"].metrics["auc"].value == 0.5
    assert found["silver"].promised == pytest.approx(0.17)
    assert found["silver"].observed == label[tier == "silver"].mean()
    assert found[POOLED].rows == np.isin(tier, ["gold", "platinum"]).sum()


def test_a_slice_of_one_class_is_left_out():
    group = np.array(["a"] * 300 + ["b"] * 300, object)
    label = np.array([1, 0] * 150 + [1] * 300)
    found = slices(np.linspace(0, 1, 600), label, {"region": group}, names=("region",), resamples=10)
    assert [one.group for one in found] == ["a"]
