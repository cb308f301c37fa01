from __future__ import annotations

import numpy as np
import pytest

from ml.judging.kinds import value


def test_amounts_by_hand():
    promised, came = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 4.0, 3.0, -4.0])
    judged = value.compare(promised, promised, came, resamples=5)
    # Ranks 0 1 2 3 against 1 3 2 0: 1 - 6 · (1 + 4 + 0 + 9) / (4 · 15).
    assert judged.model["spearman"].value == pytest.approx(1 - 6 * 14 / 60)
    assert judged.model["mae"].value == pytest.approx((0 + 2 + 0 + 8) / 4)
    assert judged.model["rmse"].value == pytest.approx(np.sqrt((0 + 4 + 0 + 64) / 4))
    assert judged.model["decile_error"].value == pytest.approx((0 + 2 + 0 + 8) / 12)
    assert judged.positives is None


def test_ties_share_a_rank_and_a_decile():
    assert value.ranks(np.array([5.0, 1.0, 5.0])).tolist() == [1.5, 0.0, 1.5]
    assert set(value.deciles(np.zeros(50))) == {4}
    assert np.bincount(value.deciles(np.arange(100.0))).tolist() == [10] * 10


def test_a_constant_promise_has_no_rank_correlation():
    judged = value.compare(np.ones(50), np.arange(50.0), np.arange(50.0), resamples=5)
    assert np.isnan(judged.model["spearman"].value)
    assert judged.baseline["spearman"].value == pytest.approx(1)


def test_the_difference_is_paired_and_less_error_is_ahead():
    rng = np.random.default_rng(0)
    came = rng.gamma(1, 100, 500)
    near, far = came + rng.normal(0, 10, 500), came + rng.normal(0, 50, 500)
    judged = value.compare(near, far, came, resamples=100)
    assert judged.ahead("mae").low > 0
    assert judged.ahead("spearman").low > 0


def test_deciles_say_promise_and_outcome():
    promised = np.arange(20.0)
    assert value.by_decile(promised, 2 * promised)[0] == (1, 2, 0.5, 1.0)
    assert value.table("Deciles", promised, promised).count("\n") == 13
