from __future__ import annotations

import math

import numpy as np
import pytest

from ml.techniques.tuning import tune

FIXED = {"objective": "binary", "metric": "binary_logloss", "num_threads": 1, "deterministic": True,
         "force_row_wise": True, "verbose": -1, "seed": 1}  # fmt: skip


def drawn(rows, seed):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 6))
    chance = 1 / (1 + np.exp(2 - 1.5 * numbers[:, 0] - numbers[:, 1]))
    return numbers, (rng.random(rows) < chance).astype(np.int8)


def tuned(fixed, trials=6):
    return tune({**FIXED, **fixed}, drawn(3_000, 1), drawn(1_500, 2), trials, rounds=60, patience=10, seed=3)


def test_hopeless_parameters_are_replaced_and_the_first_trial_is_the_specs_own():
    found = tuned({"learning_rate": 0.0005, "num_leaves": 2})
    assert found.trials[0].params == {}
    assert len(found.trials) == 7
    assert found.params["learning_rate"] >= 0.02
    assert "is ahead by" in found.reason
    finished = [one for one in found.trials if one.state == "complete"]
    assert min(one.loss for one in finished) < found.trials[0].loss


def test_good_parameters_are_kept_and_given_up_trials_are_said_so():
    found = tuned({"learning_rate": 0.08, "num_leaves": 7, "min_data_in_leaf": 40, "lambda_l2": 5.0})
    assert found.params == {}
    assert {one.state for one in found.trials} <= {"complete", "pruned"}
    assert all(math.isnan(one.loss) == (one.state == "pruned") for one in found.trials)


def test_the_same_seed_tries_the_same():
    first, second = tuned({"num_leaves": 31}, trials=3), tuned({"num_leaves": 31}, trials=3)
    assert [one.params for one in first.trials] == [one.params for one in second.trials]
    assert [one.loss for one in first.trials] == pytest.approx([one.loss for one in second.trials], nan_ok=True)
