from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from ml.data.build import Build
from ml.data.training import as_day
from ml.errors import ArtefactRefused, DataError, DataPrerequisite
from ml.judging.gate import checks
from ml.models.segment import SPEC
from ml.techniques import cluster
from ml.techniques.cluster.fit import numbered
from ml.techniques.cluster.space import FURTHEST, fit_space
from ml.techniques.unlabelled import Unlabelled, split_newest

DATES = (date(2026, 8, 31), date(2026, 9, 30), date(2026, 10, 31))
FEATURES = ("aum_amount", "transaction_out_count_90d", "session_count_90d", "tenure_days")
CENTRES = np.array([[200, 5, 0, 3000], [50_000, 12, 30, 300], [900_000, 60, 4, 1500]], dtype=float)


def bank(rows=300, seed=0, shares=(0.5, 0.3, 0.2), order=(0, 1, 2)):
    rng = np.random.default_rng(seed)
    group = rng.choice(3, len(DATES) * rows, p=shares)
    numbers = CENTRES[list(order)][group] * rng.lognormal(0, 0.25, (len(group), 4))
    numbers[rng.random(numbers.shape) < 0.02] = np.nan
    made = Unlabelled(
        build=Build(1, DATES[-1], "training", "passed", None),
        customers=np.array([f"C{at:05d}" for at in range(rows)] * len(DATES), dtype="S6"),
        day=np.repeat([as_day(day) for day in DATES], rows).astype(np.int32),
        numbers=numbers,
        features=FEATURES,
        empty=(),
        types=dict.fromkeys(FEATURES, "double precision"),
        content_hash="x",
    )
    return made, group


@pytest.fixture(autouse=True)
def _no_champion(monkeypatch):
    monkeypatch.setattr(cluster, "_champion", lambda spec: None)


@pytest.fixture(scope="module")
def trained():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "_champion", lambda spec: None)
        data, group = bank()
        return cluster.train(SPEC, data, split_newest(SPEC, data)), data, group


def test_the_groups_are_found_named_and_better_than_tiers(trained):
    model, data, group = trained
    assert len(model.keys) == 3
    assert adjusted_rand_score(group, model.groups(data.numbers)) > 0.9
    assert model.keys == ("s1", "s2", "s3")
    shares = [one["share"] for one in model.facts["profiles"]]
    assert shares == sorted(shares, reverse=True), "without a champion the largest comes first"
    names = [one["zh"] for one in model.facts["profiles"]]
    assert len(set(names)) == 3
    assert all("高" in name or "低" in name for name in names)
    assert any("high " in one["en"] for one in model.facts["profiles"])
    assert "| s1 | " in "\n".join(model.facts["about"])
    judged = model.judge(data, split_newest(SPEC, data).test, 1)
    assert judged.model["stability"].value > 0.9
    assert judged.ahead("silhouette").low > 0
    assert judged.positives is None
    clear = model.score(data.numbers)
    assert ((clear >= 0) & (clear <= 1)).all()
    (reasons,) = (json.loads(one) for one in model.reasons(data.numbers[:1], 2))
    assert reasons[0].keys() >= {"feature", "value", "contribution", "zh", "en"}


def test_numbers_stay_from_training_to_training(trained, monkeypatch):
    model, _, _ = trained
    monkeypatch.setattr(cluster, "_champion", lambda spec: model)
    data, _ = bank(seed=9, shares=(0.1, 0.3, 0.6))
    again = cluster.train(replace(SPEC, seed=7), data, split_newest(SPEC, data))
    assert again.keys == model.keys
    mine, theirs = (np.array(one.keys)[one.groups(data.numbers)] for one in (again, model))
    assert (mine == theirs).mean() > 0.98
    assert again.facts["same_as_champion"] > 0.9
    assert again.facts["profiles"][0]["share"] < 0.2, "the first isn't the largest any more, and keeps its number"
    judged = again.against(model, data, split_newest(SPEC, data).test, 1)
    assert judged.ahead("silhouette").low > -0.05


def test_a_new_group_gets_a_number_that_was_never_given():
    earlier = np.array([0] * 50 + [1] * 50)
    split_up = np.array([0] * 50 + [1] * 25 + [2] * 25)
    assert sorted(numbered(split_up, 3, earlier, ("s1", "s4"), 6)) == ["s1", "s4", "s7"]
    assert numbered(np.array([1, 1, 0]), 2, None, (), 0) == ("s2", "s1")
    strangers = numbered(np.arange(100) % 5, 5, earlier, ("s1", "s2"), 2)
    assert sorted(strangers) == ["s3", "s4", "s5", "s6", "s7"], "nobody's group is a fifth of everybody's"


def test_saved_loaded_and_refused(trained, tmp_path):
    model, data, _ = trained
    model.save(tmp_path / "a", dict.fromkeys(FEATURES, 1.0))
    again = cluster.load(tmp_path / "a")
    np.testing.assert_array_equal(again.score(data.numbers), model.score(data.numbers))
    np.testing.assert_array_equal(again.groups(data.numbers), model.groups(data.numbers))
    plain = json.loads((tmp_path / "a" / "model.json").read_text())
    for broken in ({**plain, "keys": ["s1"]}, {**plain, "centres": "many"}, {"technique": "cluster"}):
        (tmp_path / "a" / "model.json").write_text(json.dumps(broken))
        with pytest.raises(ArtefactRefused):
            cluster.load(tmp_path / "a")


def test_the_same_data_give_the_same_groups(trained):
    model, data, _ = trained
    again = cluster.train(SPEC, data, split_newest(SPEC, data))
    np.testing.assert_array_equal(again.centres, model.centres)


def test_extremes_nulls_and_constants_stay_in_bounds():
    numbers = np.column_stack([np.r_[np.arange(99.0), 1e15], np.full(100, 7.0), np.full(100, np.nan)])
    space = fit_space(numbers)
    places = space(np.vstack([numbers, [[-1e300, 1e300, 5.0], [np.nan] * 3]]))
    assert np.isfinite(places).all()
    assert np.abs(places).max() <= FURTHEST


def test_too_little_is_a_reason_and_no_baseline_an_error():
    data, _ = bank(rows=50)
    with pytest.raises(DataPrerequisite, match="there are 50 customers") as refused:
        split_newest(SPEC, data)
    found = refused.value.report
    assert (found["rows"], found["rows_needed"]) == (50, SPEC.gates.minimum_rows)
    assert (len(found["as_of_dates"]), found["as_of_dates_needed"]) == (len(data.dates()), 1)
    assert (found["positives"], found["positives_needed"]) == (None, None), "nobody is positive"
    data, _ = bank()
    with pytest.raises(DataError, match="baseline columns"):
        cluster.train(replace(SPEC, baseline_columns=()), data, split_newest(SPEC, data))


def test_drift_and_slices_are_in_the_judgement_and_customers_of_another_kind_fail_the_gate(trained, seen):
    model, data, _ = trained
    test = split_newest(SPEC, data).test
    judged = seen(model, data, test, model.features)
    assert judged.drift.verdict == "stable"
    for one in judged.slices:
        shares = [found.value for name, found in one.metrics.items() if name.startswith("share_")]
        assert sum(shares) == pytest.approx(1)
    others = dataclasses.replace(data, numbers=np.where(test[:, None], 30 * data.numbers + 500, data.numbers))
    moved = model.judge(others, test, 1)
    assert not {check.name: check.passed for check in checks(SPEC.gates, moved)}["drift"]
