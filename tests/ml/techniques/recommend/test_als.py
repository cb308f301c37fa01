from __future__ import annotations

import numpy as np
import pytest

from ml.techniques.recommend import als


def strengths(users=200, seed=0):
    """Two kinds of people: products 0-3 are of one, 4-7 of the other."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, users)
    chance = np.where((np.arange(8) < 4)[None, :] == (kind[:, None] == 0), 0.6, 0.05)
    return (rng.random((users, 8)) < chance) * rng.uniform(0.5, 2.0, (users, 8)), kind


def test_a_user_solves_the_equation_of_the_paper():
    learnt = als.Factors(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 2.0]]), alpha=4.0, regularisation=0.3)
    strength = np.array([2.0, 0.0, 0.5])
    items, confidence = learnt.items, np.diag(1 + 4.0 * strength)
    left = items.T @ confidence @ items + 0.3 * np.eye(2)
    expected = np.linalg.solve(left, items.T @ confidence @ (strength > 0))
    assert learnt.users(strength[None])[0] == pytest.approx(expected)


def test_a_sweep_never_raises_the_loss_and_it_finds_what_belongs_together():
    strength, kind = strengths()
    losses = [als.loss(als.fit(strength, 4, 5.0, 1.0, sweeps), strength) for sweeps in (1, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)
    learnt = als.fit(strength, 2, 5.0, 1.0)
    one = np.zeros((1, 8))
    one[0, 0] = 1.0
    scores = learnt.scores(one)[0]
    assert scores[1:4].min() > scores[4:].max()


def test_chunks_and_seed_change_nothing(monkeypatch):
    strength, _ = strengths()
    whole = als.fit(strength, seed=3)
    assert np.array_equal(whole.items, als.fit(strength, seed=3).items)
    monkeypatch.setattr(als, "CHUNK_USERS", 7)
    assert als.fit(strength, seed=3).items == pytest.approx(whole.items, abs=1e-9)
    assert whole.scores(strength) == pytest.approx(als.fit(strength, seed=3).scores(strength), abs=1e-9)


@pytest.mark.parametrize("strength", [np.zeros((5, 3)), np.ones((5, 1)), np.zeros((0, 3))])
def test_nothing_to_learn_from_gives_no_liking(strength):
    scores = als.fit(strength, sweeps=2).scores(np.zeros((2, strength.shape[1])))
    assert np.allclose(scores, 0)
