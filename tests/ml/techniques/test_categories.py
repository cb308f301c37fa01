from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.techniques.categories import RATE_WINDOWS, fit_encoding, memory, past_rates


def test_levels_nulls_and_what_was_never_seen():
    seen = pd.DataFrame({"job": ["clerk", "clerk", "farmer", None]}, dtype=object)
    encoding = fit_encoding(seen)
    assert encoding.names() == ("job is clerk", "job is farmer", "share of job")
    numbers = encoding(pd.DataFrame({"job": ["farmer", None, "pilot"]}, dtype=object))
    np.testing.assert_array_equal(numbers, [[0, 1, 0.25], [np.nan] * 3, [0, 0, 0]])
    many = fit_encoding(pd.DataFrame({"id": [str(at) for at in range(1000)]}, dtype=object))
    assert many.names() == ("share of id",), "a level in one row of a thousand has no column"
    assert fit_encoding(pd.DataFrame(index=range(3)))(pd.DataFrame(index=range(2))).shape == (2, 0)


def test_nobody_knows_the_outcome_of_his_own_moment_or_of_what_is_too_young():
    rng = np.random.default_rng(0)
    moment = np.sort(rng.integers(0, 40, 300))
    label = (rng.random(300) < 0.3).astype(int)
    for delay in (0, 25):
        known = memory(moment, label, delay)
        for at in (0, 70, 180, 299):
            later = label.copy()
            first = min(np.searchsorted(moment, moment[at]), max(0, at - delay))
            later[first:] = 1 - later[first:]
            np.testing.assert_array_equal(memory(moment, later, delay)[at], known[at])
            if first > 60:
                earlier = label.copy()
                earlier[first - 5 : first] = 1 - earlier[first - 5 : first]
                assert (memory(moment, earlier, delay)[at, 1:] != known[at, 1:]).any()


def test_rates_by_hand():
    known = memory(np.arange(4), np.array([1, 1, 0, 1]))
    assert known[:, 0].tolist() == [0, 1, 2, 3]
    overall = (2 + 1) / (3 + 2)
    assert known[3, 1] == known[3, len(RATE_WINDOWS)] == (2 + 5 * overall) / (3 + 5)


def test_what_came_of_a_level_is_told_from_earlier_moments_only():
    rng = np.random.default_rng(0)
    values = pd.Series(rng.choice(["a", "b", "c"], 120), dtype=object).mask(pd.Series(rng.random(120) < 0.1), None)
    moment, label = np.sort(rng.integers(0, 40, 120)), rng.integers(0, 2, 120)
    known = np.arange(120) < 90
    found = past_rates(values, moment, label, known, prior=5)
    for at in (0, 1, 40, 89, 119):
        before = known & (moment < moment[at])
        own = before & (values.isna() if values[at] is None else values == values[at]).to_numpy()
        overall = (label[before].sum() + 1) / (before.sum() + 2)
        assert found[at] == pytest.approx((label[own].sum() + 5 * overall) / (own.sum() + 5))
    turned = np.where(known, label, 1 - label)
    np.testing.assert_array_equal(past_rates(values, moment, turned, known, prior=5), found)
