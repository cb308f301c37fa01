from __future__ import annotations

import numpy as np
import pytest

from ml.judging.kinds import ranking

INF = -np.inf


def test_a_ranking_by_hand():
    scores = np.array([[0.9, 0.8, 0.7, 0.6, INF]])
    taken = np.array([[False, True, False, True, False]])
    ndcg_3, ndcg_7, average, recall_3, recall_7 = ranking.per_row(scores, taken)[0]
    ideal = 1 / np.log2(2) + 1 / np.log2(3)
    assert ndcg_3 == pytest.approx((1 / np.log2(3)) / ideal)
    assert ndcg_7 == pytest.approx((1 / np.log2(3) + 1 / np.log2(5)) / ideal)
    assert average == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert (recall_3, recall_7) == (0.5, 1.0)


def test_the_best_ranking_is_one_and_what_is_no_candidate_is_missed():
    scores = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, INF], [3.0, 2.0, 1.0]])
    taken = np.array([[True, False, False], [False, False, True], [False, False, False]])
    found = ranking.per_row(scores, taken)
    assert found[0].tolist() == [1.0] * 5
    assert found[1].tolist() == [0.0] * 5
    assert np.isnan(found[2]).all()


def test_ties_keep_the_order_of_the_items():
    assert ranking.places(np.array([[1.0, 1.0, 2.0]])).tolist() == [[1, 2, 0]]


def test_coverage_is_of_what_anybody_could_be_shown():
    scores = np.array([[4.0, 3.0, 2.0, 1.0, INF], [4.0, 3.0, 2.0, 1.0, INF]])
    assert ranking.coverage(scores) == 0.75


def test_a_better_ranking_is_told_from_chance_and_the_same_is_no_difference():
    rng = np.random.default_rng(0)
    taken = np.zeros((400, 10), dtype=bool)
    taken[np.arange(400), rng.integers(0, 10, 400)] = True
    noise = rng.random((400, 10))
    judged = ranking.compare(noise + 0.8 * taken, noise, taken, resamples=100)
    assert judged.difference["ndcg_3"].low > 0
    assert (judged.rows, judged.positives) == (400, 400)
    same = ranking.compare(noise, noise, taken, resamples=20)
    assert {(one.low, one.value, one.high) for one in same.difference.values()} == {(0.0, 0.0, 0.0)}
    assert ranking.compare(noise, noise, taken, resamples=20).as_dict() == same.as_dict()


def test_the_table_names_every_rival():
    taken = np.eye(4, dtype=bool)
    judged = ranking.compare(np.eye(4), np.ones((4, 4)), taken, resamples=5)
    text = ranking.table("Rankings", {"popularity": judged}, {"model": 0.5, "popularity": 0.25})
    assert "| popularity |" in text
    assert "50%" in text
    assert "25%" in text
