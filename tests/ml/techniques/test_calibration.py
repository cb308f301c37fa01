from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from ml.techniques.calibration import Calibration, choose, fit_isotonic, fit_platt


def drawn(rows, chance_of, seed=0):
    rng = np.random.default_rng(seed)
    raw = rng.normal(-2, 1.5, rows)
    return raw, (rng.random(rows) < chance_of(raw)).astype(float), rng.integers(0, 5, rows)


def sigmoid(raw):
    return 1 / (1 + np.exp(-(0.5 * raw - 1)))


def test_platt_finds_the_sigmoid():
    raw, label, _ = drawn(50_000, sigmoid)
    slope, intercept = fit_platt(raw, label).x
    assert slope == pytest.approx(0.5, abs=0.05)
    assert intercept == pytest.approx(-1, abs=0.1)


def test_a_score_that_points_the_wrong_way_becomes_the_base_rate():
    raw, label, _ = drawn(5_000, lambda raw: sigmoid(-raw))
    chance = fit_platt(raw, label)(raw)
    assert chance == pytest.approx(np.full(5_000, label.mean()))


def test_steps_are_chosen_where_the_truth_has_steps_and_the_sigmoid_where_positives_are_few():
    raw, label, fold = drawn(20_000, lambda raw: np.where(raw > -1, 0.5, 0.05))
    assert choose(raw, label, fold).kind == "isotonic"
    assert choose(raw[:300], label[:300], fold[:300]).kind == "platt"


@pytest.mark.parametrize("fit", [fit_platt, fit_isotonic])
def test_it_keeps_the_order_stays_inside_and_survives_json(fit):
    raw, label, _ = drawn(2_000, sigmoid)
    made = fit(raw, label)
    far = np.array([-1e9, -3.0, 0.0, 3.0, 1e9])
    chance = made(far)
    assert (np.diff(chance) >= 0).all()
    assert ((chance > 0) & (chance < 1)).all()
    plain = json.loads(json.dumps(asdict(made)))
    again = Calibration(plain["kind"], tuple(plain["x"]), tuple(plain["y"]))
    np.testing.assert_array_equal(again(far), chance)
