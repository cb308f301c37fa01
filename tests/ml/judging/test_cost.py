from __future__ import annotations

import numpy as np
import pytest

from ml.judging.cost import cost_curve
from ml.spec import Economics

ECONOMICS = Economics(contact_cost=10, success_value=100, capacity=2)


def test_the_curve_by_hand():
    # North calls 0.9 (hit), 0.8 (miss), 0.1 (hit); south calls 0.7 (hit), 0.6 (miss).
    score = np.array([0.9, 0.8, 0.1, 0.7, 0.6])
    label = np.array([1, 0, 1, 1, 0])
    branch = np.array(["north", "north", "north", "south", "south"], object)
    found = cost_curve(score, label, branch, ECONOMICS, resamples=20)
    assert (found.contacts, found.profit) == ([0, 1, 2, 3], [0, 180, 160, 250])
    assert (found.branches, found.capacity, found.best) == (2, 2, 3)
    assert found.profit_at_capacity.value == 160
    assert found.profit_at_random == pytest.approx(4 * (100 * 3 / 5 - 10))


def test_a_branch_with_few_customers_calls_all_of_them():
    found = cost_curve(
        np.array([0.9, 0.2, 0.5]), np.array([1, 1, 0]), np.array(["a", "a", "b"], object), ECONOMICS, resamples=5
    )
    assert found.profit_at_capacity.value == 100 * 2 - 10 * 3


def test_intervals_hold_the_value_and_a_good_model_earns_more_than_chance():
    rng = np.random.default_rng(1)
    chance = rng.beta(1, 12, 5_000)
    label = rng.random(5_000) < chance
    branch = rng.choice(["a", "b", "c", "d"], 5_000).astype(object)
    found = cost_curve(chance, label, branch, Economics(10, 100, 120), seed=1)
    at = found.profit_at_capacity
    assert at.low < at.value < at.high
    assert at.low > found.profit_at_random
    assert 0 < found.best < max(found.contacts)
