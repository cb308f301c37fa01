"""A planted effect is found; the same input gives the same; small and odd data are no trouble."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ml.judging.kinds.uplift import qini
from ml.techniques.uplift.choice import learn_and_choose
from ml.techniques.uplift.experiment import Experiment, shares
from ml.techniques.uplift.learners import KINDS, learn


def made(count=6000, seed=1, offers=("gift", "call"), strata=1):
    """x0 says whom the gift moves, x1 whom the call puts off or moves; x2 makes sure things, x3 is noise."""
    rng = np.random.default_rng(seed)
    numbers = rng.random((count, 4))
    numbers[rng.random(count) < 0.1, 3] = np.nan
    arm = rng.integers(0, len(offers) + 1, count)
    stratum = rng.integers(0, strata, count)
    chance = 0.02 + 0.35 * (numbers[:, 2] > 0.8)
    chance = chance + 0.3 * (arm == 1) * (numbers[:, 0] > 0.7)
    chance = np.clip(chance + (arm == 2) * np.where(numbers[:, 1] > 0.7, 0.3, -0.1), 0, 1)
    return Experiment(
        features=("x0", "x1", "x2", "x3"),
        numbers=numbers,
        offers=offers,
        arm=arm,
        outcome=(rng.random(count) < chance).astype(float),
        propensity=shares(arm, stratum),
        stratum=stratum,
        fold=rng.integers(0, 3, count),
    )


@pytest.fixture(scope="module")
def chosen():
    learnt, calibration = made(), made(2000, 2)
    return learn_and_choose(learnt, calibration, {}, 7, 1)


def test_the_planted_effects_are_found_and_response_is_not_effect(chosen):
    arms, kind, qinis = chosen
    assert set(qinis) == set(KINDS)
    assert qinis[kind] == max(qinis.values())
    test = made(12_000, 3)
    for at, arm in enumerate(arms):
        places = test.places(at)
        trial, numbers = test.trial(places), test.numbers[places]
        for one in KINDS:
            assert qini(arm.effect(numbers, one, 1), trial) > 0.15
        assert qini(arm.effect(numbers, kind, 1), trial) > qini(arm.response(numbers, 1), trial) + 0.05
        moved = numbers[:, at] > 0.7
        effect = arm.effect(numbers, kind, 1)
        assert effect[moved].mean() > 0.1
        assert abs(effect[~moved].mean()) < 0.1
        assert np.abs(arm.contributions(numbers[:300], kind, 1)).mean(axis=0).argmax() == at


def test_sleeping_dogs_have_a_negative_effect(chosen):
    arms, kind, _ = chosen
    test = made(4000, 4)
    dogs = (test.numbers[:, 1] < 0.6) & (test.numbers[:, 2] > 0.85)
    assert arms[1].effect(test.numbers[dogs], kind, 1).mean() < -0.03


def test_the_same_again_is_the_same(chosen):
    arms, kind, _ = chosen
    again, kind_again, _ = learn_and_choose(made(), made(2000, 2), {}, 7, 1)
    assert kind == kind_again
    for one, other in zip(arms, again, strict=True):
        assert one.treated.model_to_string() == other.treated.model_to_string()
        assert one.effect_control.model_to_string() == other.effect_control.model_to_string()


def test_an_amount_is_learnt_as_an_amount():
    whole = made(3000, 5)
    spent = dataclasses.replace(whole, outcome=whole.outcome * 40)
    arm = learn(spent, 0, {}, 1, 1)
    effect = arm.effect(spent.numbers, "tx", 1)
    assert effect[spent.numbers[:, 0] > 0.7].mean() == pytest.approx(12, abs=6)


def test_only_draws_that_had_the_offer_tell_of_it():
    whole = made(3000, 6, strata=3)
    arm = np.where((whole.stratum == 2) & (whole.arm == 2), 0, whole.arm)
    whole = dataclasses.replace(whole, arm=arm, propensity=shares(arm, whole.stratum))
    assert set(whole.stratum[whole.places(1)]) == {0, 1}
    assert not whole.allowed()[whole.stratum == 2, 1].any()
    assert whole.allowed()[:, 0].all()


def test_few_customers_of_an_arm_are_no_trouble():
    whole = made(400, 8)
    effect = learn(whole, 0, {}, 1, 1).effect(whole.numbers, "tx", 1)
    assert np.isfinite(effect).all()
