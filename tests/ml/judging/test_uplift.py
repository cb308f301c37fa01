"""Qini and uplift@k against examples worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.judging.kinds.policy import Policy
from ml.judging.kinds.uplift import METRICS, Offer, Trial, compare, perfect_area, qini


def trial(outcome, treated, weight=None):
    treated = np.array(treated, dtype=bool)
    return Trial(
        np.array(outcome, float), treated, np.ones(len(treated)) if weight is None else np.array(weight, float)
    )


# Ordered by score: T1 C0 | T1 C0 | T0 C1 | T0 C1: the first half gains, the second loses.
SCORE = np.array([8, 7, 6, 5, 4, 3, 2, 1.0])
FOUR = trial([1, 0, 1, 0, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0, 1, 0])


def test_the_curve_is_radcliffes_by_hand():
    share, gained = FOUR.ordered(SCORE).curve()
    assert share == pytest.approx(np.arange(9) / 8)
    # Treated buyers among the first so many, less control buyers × treated / control, by 4 treated.
    by_hand = [0, 1, 1, 2, 2, 2, 2 - 1 * 3 / 3, 2 - 1 * 4 / 3, 2 - 2 * 4 / 4]
    assert gained == pytest.approx(np.array(by_hand) / 4)
    assert FOUR.effect == 0


def test_area_and_coefficient_by_hand():
    heights = np.array([0, 1, 1, 2, 2, 2, 1, 2 / 3, 0]) / 4
    area = (heights[1:] + heights[:-1]).sum() / 2 / 8
    assert FOUR.ordered(SCORE).area() == pytest.approx(area)
    # The perfect order: both treated buyers, then the four without any, then both control buyers, as ties.
    perfect = np.trapezoid([0, 2 / 4, 2 / 4, 0], [0, 2 / 8, 6 / 8, 1])
    assert perfect_area(FOUR) == pytest.approx(perfect)
    assert qini(SCORE, FOUR) == pytest.approx(area / perfect)
    assert qini(np.where(FOUR.treated, 1, -1) * FOUR.outcome, FOUR) == pytest.approx(1)


def test_ties_stay_together_so_a_constant_is_random():
    assert qini(np.zeros(8), FOUR) == 0


def test_uplift_at_a_share_is_that_shares_effect():
    ordered = FOUR.ordered(SCORE)
    assert ordered.uplift_at(0.5) == pytest.approx(1.0)
    assert ordered.uplift_at(0.75) == pytest.approx(2 / 3 - 1 / 3)
    assert np.isnan(ordered.uplift_at(0.125))


def test_copies_are_the_same_as_drawing_rows():
    rng = np.random.default_rng(1)
    one = trial(rng.random(300) < 0.3, rng.random(300) < 0.5)
    score = rng.random(300).round(1)
    drawn = rng.integers(0, 300, 300)
    copies = np.bincount(drawn, minlength=300).astype(float)
    again = trial(one.outcome[drawn], one.treated[drawn])
    assert one.ordered(score).area(copies) == pytest.approx(again.ordered(score[drawn]).area())
    assert one.ordered(score).uplift_at(0.3, copies) == pytest.approx(one.ordered(score).uplift_at(0.3, copies))


def test_weights_undo_a_draw_with_other_chances():
    rng = np.random.default_rng(2)
    n = 60_000
    kind = rng.random(n) < 0.5
    chance = np.where(kind, 0.8, 0.2)
    treated = rng.random(n) < chance
    outcome = rng.random(n) < np.where(kind, 0.5, 0.1) + 0.05 * treated
    weight = 1 / np.where(treated, chance, 1 - chance)
    assert trial(outcome, treated).effect > 0.2
    assert trial(outcome, treated, weight).effect == pytest.approx(0.05, abs=0.015)


def policies(outcome, arm, chosen):
    arm = np.array(arm)
    half = np.full(len(arm), 0.5)
    outcome = np.array(outcome, float)
    return Policy(arm, np.array(chosen), half, outcome, outcome * 10 - arm)


def test_policy_value_by_hand():
    policy = policies([1, 0, 1, 0], [1, 0, 0, 1], [1, 1, 0, 0])
    # Agreed on the first and the third, drawn with chance 1/2: (1/0.5 + 1/0.5) / 4.
    assert policy.value() == pytest.approx(1.0)
    assert policy.normalised_value() == pytest.approx(1.0)
    assert policy.profit() == pytest.approx((9 + 10) / 2)
    assert policies([1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]).value() == 0


def test_compare_pairs_both_sides_and_averages_offers():
    rng = np.random.default_rng(3)
    n = 4000
    good = rng.random(n)
    treated = rng.random(n) < 0.5
    outcome = rng.random(n) < 0.05 + 0.3 * good * treated
    rows = np.arange(n)
    offer = Offer("gift", rows, trial(outcome, treated), good, rng.random(n))
    chosen = (good > 0.5).astype(int)
    policy = Policy(treated.astype(int), chosen, np.full(n, 0.5), outcome.astype(float), outcome.astype(float))
    judged = compare([offer, offer], (policy, policy), int(outcome.sum()), resamples=100)
    assert list(judged.model) == list(METRICS)
    assert judged.model["qini"].value == pytest.approx(qini(good, offer.trial))
    assert judged.model["qini"].low > 0.1
    assert judged.baseline["qini"].low < 0 < judged.baseline["qini"].high
    assert judged.difference["qini"].low > 0
    assert judged.difference["policy_value"].value == 0
    assert compare([offer], (policy, policy), None, 100).model["qini"] == judged.model["qini"]
