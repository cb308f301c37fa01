"""Whoever was chosen by what is known of them is no experiment; propensities make one of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ml.techniques.uplift.experiment import Experiment, shares
from ml.techniques.uplift.learners import learn
from ml.techniques.uplift.randomised import NotRandomised, require_randomised, standardised_differences

NONE = np.zeros(3000, dtype=bool)


def made(chance, seed=1, count=3000):
    """`chance(numbers)` is the probability of the offer."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(count, 5))
    numbers[rng.random(count) < 0.2, 4] = np.nan
    drawn = chance(numbers)
    arm = (rng.random(count) < drawn).astype(int)
    outcome = (rng.random(count) < np.clip(0.1 + 0.15 * (numbers[:, 0] > 0) + 0.05 * arm, 0, 1)).astype(float)
    zero = np.zeros(count, dtype=int)
    names = ("wealth", "age", "visits", "noise", "often_null")
    return Experiment(
        names, numbers, ("gift",), arm, outcome, shares(arm, zero), zero, rng.integers(0, 3, count)
    ), drawn


@pytest.mark.parametrize("seed", range(6))
def test_a_draw_passes(seed):
    experiment, _ = made(lambda numbers: np.full(len(numbers), 0.3), seed)
    (balance,) = require_randomised(experiment, NONE, seed=seed)
    assert balance.is_random
    assert 0.4 < balance.auc < 0.55


def test_who_was_chosen_by_a_covariate_is_refused_and_it_is_named():
    experiment, _ = made(lambda numbers: 1 / (1 + np.exp(-numbers[:, 0])))
    with pytest.raises(NotRandomised, match="wealth") as refused:
        require_randomised(experiment, NONE)
    assert "gift" in str(refused.value)
    assert "propensity" in str(refused.value)
    assert "noise" not in str(refused.value)


def test_a_choice_that_no_mean_shows_is_refused_too():
    experiment, _ = made(lambda numbers: np.where(np.abs(numbers[:, 2]) > 1, 0.8, 0.2))
    with pytest.raises(NotRandomised, match="visits"):
        require_randomised(experiment, NONE)


def test_being_null_tells_it():
    experiment, _ = made(lambda numbers: np.where(np.isnan(numbers[:, 4]), 0.8, 0.4))
    with pytest.raises(NotRandomised, match="often_null being null"):
        require_randomised(experiment, NONE)


def test_a_category_tells_it():
    experiment, _ = made(lambda numbers: np.full(len(numbers), 0.5))
    codes = np.random.default_rng(2).integers(0, 8, 3000)
    arm = (np.random.default_rng(3).random(3000) < np.where(codes % 2, 0.75, 0.25)).astype(int)
    numbers = np.column_stack([experiment.numbers, codes])
    told = dataclasses.replace(
        experiment, features=(*experiment.features, "region"), numbers=numbers, arm=arm, categorical=(5,)
    )
    with pytest.raises(NotRandomised, match="region"):
        require_randomised(told, NONE)


def test_propensities_rescue_it():
    experiment, drawn = made(lambda numbers: 0.1 + 0.8 / (1 + np.exp(-2 * numbers[:, 0])), seed=4, count=20_000)
    with pytest.raises(NotRandomised):
        require_randomised(experiment, np.zeros(20_000, dtype=bool))
    known = dataclasses.replace(experiment, propensity=np.where(experiment.arm == 1, drawn, 1 - drawn))
    assert require_randomised(known, np.ones(20_000, dtype=bool)) == []
    everybody = np.arange(20_000)
    assert experiment.trial(everybody).effect > 0.09
    assert known.trial(everybody).effect == pytest.approx(0.05, abs=0.02)
    effect = learn(known, 0, {}, 1, 1).effect(known.numbers, "x", 1)
    assert effect.mean() == pytest.approx(0.05, abs=0.025)


def test_a_draw_that_is_only_said_to_be_one_is_refused():
    experiment, _ = made(lambda numbers: 1 / (1 + np.exp(-numbers[:, 0])))
    # The bank says everybody had the same chance; the covariates say otherwise.
    with pytest.raises(NotRandomised, match="K1, gift"):
        require_randomised(experiment, np.ones(3000, dtype=bool), ("K1",))


def test_differences_by_hand():
    numbers = np.array([[1.0], [3.0], [5.0], [np.nan]])
    given = np.array([True, True, False, False])
    found = standardised_differences(numbers, given)
    # Means 2 and 5, variances 1 and 0; null 0 of 2 and 1 of 2, variances 0 and 0.25.
    assert found == pytest.approx([-3 / np.sqrt(0.5), -0.5 / np.sqrt(0.125)])
