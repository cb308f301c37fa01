from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from ml.data.build import Build
from ml.data.training import as_day
from ml.errors import ArtefactRefused, DataError
from ml.judging.gate import checks
from ml.judging.kinds.outliers import compare_search, found_at
from ml.models.anomaly import SPEC
from ml.techniques import outlier
from ml.techniques.outlier.evidence import FURTHEST, fit_evidence
from ml.techniques.outlier.forest import Forest, expected_depth, grow
from ml.techniques.unlabelled import Unlabelled, split_newest

DATES = (date(2026, 9, 30), date(2026, 10, 31))


def bank(rows=800, seed=0):
    """Customers of very different size, each much like his own past; the large ones are in order."""
    rng = np.random.default_rng(seed)
    features, n = SPEC.features, len(DATES) * rows
    size = rng.lognormal(0, 1.5, n)
    columns = {}
    for name in features:
        if not name.startswith("usual_"):
            rate = 3000 if "amount" in name else 0.03 if "night" in name or "abroad" in name or "slice" in name else 5
            usual = rng.poisson(rate * size) if rate < 100 else rate * size
            columns[name] = usual * rng.lognormal(0, 0.2, n) if rate > 100 else rng.poisson(rate * size)
            columns[f"usual_{name.removesuffix('_30d')}_90d"] = usual
    numbers = np.column_stack([columns[name] for name in features]).astype(float)
    numbers[rng.random(n) < 0.2, features.index("card_count_30d")] = np.nan
    return Unlabelled(
        build=Build(1, DATES[-1], "training", "passed", None),
        customers=np.array([f"C{at:05d}" for at in range(rows)] * len(DATES), dtype="S6"),
        day=np.repeat([as_day(day) for day in DATES], rows).astype(np.int32),
        numbers=numbers,
        features=features,
        empty=(),
        types=dict.fromkeys(features, "double precision"),
        content_hash="x",
    )


@pytest.fixture(scope="module")
def trained():
    data = bank()
    return outlier.train(SPEC, data, split_newest(SPEC, data)), data


def test_planted_cases_are_found_where_the_largest_amounts_find_few(trained):
    model, data = trained
    judged = model.judge(data, split_newest(SPEC, data).test, 1)
    assert judged.positives == 20
    assert judged.model["precision_at_k"].value > 0.7
    assert judged.baseline["precision_at_k"].value < 0.4
    assert judged.ahead("precision_at_k").low > 0.2
    assert model.against(model, data, data.day > 0, 1).difference["auc"].value == 0


def test_the_reason_is_what_was_planted(trained):
    model, data = trained
    row = np.nanmedian(data.numbers, axis=0)[None, :].copy()
    row[0, data.features.index("slice_count_30d")] = 7
    row[0, data.features.index("cash_count_30d")] += 7
    assert model.score(row)[0] > np.quantile(model.score(data.numbers), 0.95), "a single sign among fifteen"
    (reasons,) = (json.loads(one) for one in model.reasons(row, 3))
    assert reasons[0]["feature"] == "slice_count_30d"
    assert "接近报告限额的存现笔数" in reasons[0]["zh"]
    assert "just below the report limit" in reasons[0]["en"]


def test_doing_a_lot_is_not_unusual_for_those_who_always_do(trained):
    model, data = trained
    usual = np.nanmedian(data.numbers, axis=0)[None, :]
    large, sudden = usual * 8, usual.copy()
    recent = [at for at, name in enumerate(data.features) if not name.startswith("usual_")]
    sudden[:, recent] *= 8
    assert model.score(sudden)[0] > model.score(large)[0] + 0.5


def test_bands_are_as_wide_as_the_spec_says(trained):
    model, data = trained
    train = split_newest(SPEC, data).train
    shares = {band: np.mean(model.bands(model.score(data.numbers[train])) == band) for band in ("high", "medium")}
    assert shares["high"] == pytest.approx(0.002, abs=0.002)
    assert shares["medium"] == pytest.approx(0.008, abs=0.003)


def test_the_forest_orders_as_scikit_learns():
    rng = np.random.default_rng(5)
    places = np.vstack([rng.normal(size=(600, 4)), rng.normal(0, 4, (30, 4))])
    ours = grow(places, 150, 256, 1).score(places)
    theirs = -IsolationForest(n_estimators=150, max_samples=256, random_state=1).fit(places).score_samples(places)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95
    assert np.abs(ours - theirs).max() < 0.1
    assert expected_depth(1) == 0
    assert expected_depth(256) == pytest.approx(10.24, abs=0.05)
    assert np.isfinite(grow(np.ones((50, 3)), 5, 32, 1).score(np.ones((2, 3)))).all(), "nothing to cut"


def test_saved_loaded_and_refused(trained, tmp_path):
    model, data = trained
    model.save(tmp_path / "a", dict.fromkeys(data.features, 1.0))
    again = outlier.load(tmp_path / "a")
    np.testing.assert_array_equal(again.score(data.numbers), model.score(data.numbers))
    assert again.bands(again.score(data.numbers)).tolist() == model.bands(model.score(data.numbers)).tolist()
    plain = json.loads((tmp_path / "a" / "model.json").read_text())
    looped = {**plain["forest"], "left": [[0] * len(tree) for tree in plain["forest"]["left"]]}
    for broken in ({**plain, "forest": looped}, {**plain, "features": ["x"]}, {**plain, "scales": None}):
        (tmp_path / "a" / "model.json").write_text(json.dumps(broken))
        with pytest.raises(ArtefactRefused):
            outlier.load(tmp_path / "a")


def test_the_same_data_give_the_same_trees(trained):
    model, data = trained
    again = outlier.train(SPEC, data, split_newest(SPEC, data))
    assert again.forest.as_dict() == model.forest.as_dict()
    assert Forest.of(model.forest.as_dict()).as_dict() == model.forest.as_dict()


def test_nulls_extremes_and_missing_columns():
    numbers = np.array([[np.nan, np.nan], [1e300, 0.0], [0.0, 0.0], [3.0, 2.0]])
    evidence = fit_evidence(numbers, ("out_count_30d", "usual_out_count_90d"))
    places = evidence.places(numbers, ("out_count_30d", "usual_out_count_90d"))
    assert np.isfinite(places).all()
    assert np.abs(places).max() <= FURTHEST
    assert places[0].tolist() == [0, 0]
    data = bank(300)
    with pytest.raises(DataError, match="baseline columns"):
        outlier.train(replace(SPEC, baseline_columns=("absent",)), data, split_newest(SPEC, data))


def test_ties_count_by_their_share():
    unusual = np.array([True, False, False, True])
    assert found_at(np.array([3.0, 2, 1, 0]), unusual, 1) == 1
    assert found_at(np.zeros(4), unusual, 1) == 0.5
    assert found_at(np.zeros(4), unusual, 9) == 2
    judged = compare_search(np.array([3.0, 1, 0, 2]), np.zeros(4), unusual)
    assert (judged.model["precision_at_k"].value, judged.baseline["precision_at_k"].value) == (1, 0.5)


def test_drift_and_slices_are_in_the_judgement_and_planted_cases_are_no_drift(trained, seen):
    model, data = trained
    test = split_newest(SPEC, data).test
    judged = seen(model, data, test, model.features)
    assert judged.drift.verdict == "stable"
    assert sum(one.positives for one in judged.slices) == judged.positives
    assert all(one.metrics["precision_at_k"].value > 0.5 for one in judged.slices)
    others = dataclasses.replace(data, numbers=np.where(test[:, None], 30 * data.numbers + 500, data.numbers))
    moved = model.judge(others, test, 1)
    assert not {check.name: check.passed for check in checks(SPEC.gates, moved)}["drift"]
