from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from ml.data.build import Build
from ml.data.split import split_by_time
from ml.data.training import TrainingSet, as_day
from ml.errors import DataError
from ml.judging.gate import Check, checks, with_fairness
from ml.judging.kinds.probability import ProbabilityJudgement
from ml.spec import Economics, load_spec
from ml.techniques import binary

NAMES = ("complaint_count_90d", "aum_amount", "session_count_90d")
SPEC = replace(
    load_spec("churn"),
    features=NAMES,
    baseline_columns=("session_count_90d",),
    economics=Economics(10, 200, 50),
    params={"num_leaves": 7, "learning_rate": 0.1, "min_data_in_leaf": 20, "num_boost_round": 80},
)


def bank(rows=6_000, seed=1, change=lambda numbers: numbers):
    rng = np.random.default_rng(seed)
    numbers = np.column_stack([rng.poisson(0.5, rows), rng.gamma(2, 20_000, rows), rng.poisson(9, rows)]).astype(float)
    chance = 1 / (1 + np.exp(2.5 - 1.2 * numbers[:, 0] + 0.15 * numbers[:, 2]))
    days = np.array([as_day(date(2025, 1, 31) + timedelta(30 * at)) for at in range(8)])
    numbers = change(numbers)
    return TrainingSet(
        build=Build(0, date(2025, 12, 31), "training", "passed", None),
        customers=np.array([f"C{at:05d}".encode() for at in range(rows)]),
        day=np.sort(rng.choice(days, rows)).astype(np.int32),
        numbers=numbers,
        label=(rng.random(rows) < chance).astype(np.int8),
        features=NAMES,
        empty=(),
        types=dict.fromkeys(NAMES, "double precision"),
        content_hash=str(seed),
    )


@pytest.fixture(scope="module")
def trained():
    data = bank()
    split = split_by_time(SPEC, data)
    return binary.train(SPEC, data, split), data, split


def test_a_judgement_has_everything_and_the_gates_read_it(trained):
    model, data, split = trained
    judged = model.judge(data, split.test, 1)
    assert isinstance(judged, ProbabilityJudgement)
    assert judged.drift.verdict == "stable"
    assert judged.cost.branches == 1, "without branches the bank is one"
    assert judged.fairness == (), "data that aren't the bank's have no groups"
    made = {check.name: check for check in checks(SPEC.gates, judged)}
    assert made["drift"].passed
    why = "not judged: there is no table features.ftr_group with sex, age_band, region"
    assert (made["fairness"].passed, made["fairness"].found) == (False, why)
    card = "\n".join(judged.sections())
    assert "## Drift of the test rows against training: stable" in card
    assert "## What it is worth" in card
    json.dumps(judged.as_dict())


def test_without_groups_a_version_passes_only_where_the_spec_says_why(trained):
    model, data, split = trained
    made = checks(SPEC.gates, model.judge(data, split.test, 1))

    def fairness(spec, checks):
        (found,) = (one for one in with_fairness(spec, checks) if one.name == "fairness")
        return found

    assert not fairness(SPEC, made).passed
    told = fairness(replace(SPEC, unjudged_groups="a bank of companies"), made)
    assert told.passed
    assert told.found.endswith("; the spec says: a bank of companies")
    # A technique that compares no groups, and one whose groups are treated otherwise: no reason helps that.
    assert not fairness(SPEC, []).passed
    assert fairness(replace(SPEC, unjudged_groups="it reads texts"), []).passed
    unfair = [Check("fairness", False, "sex F: selection_rate 0.4", "gaps")]
    assert not fairness(replace(SPEC, unjudged_groups="a bank of companies"), unfair).passed


def test_with_few_positives_the_calibration_customers_are_learnt_from_before_the_test(trained):
    model, data, split = trained
    spec = replace(SPEC, params={**SPEC.params, "learn_all": True})
    other = binary.train(spec, data, split)
    assert other.booster.num_trees() == model.booster.num_trees()
    assert (other.calibration, other.thresholds) == (model.calibration, model.thresholds)
    assert other.booster.model_to_string() != model.booster.model_to_string()
    judged = other.judge(data, split.test, 1)
    assert judged.model["auc"].value > 0.7
    assert judged.model["ece"].value < 0.03
    assert "the calibration customers among them" in " ".join(other.facts["about"])


def test_customers_of_another_kind_fail_the_drift_gate(trained):
    model, _, split = trained
    other = bank(change=lambda numbers: numbers + np.array([2.0, 0.0, 8.0]))
    judged = model.judge(other, split.test, 1)
    assert judged.drift.verdict == "drifted"
    assert not {check.name: check.passed for check in checks(SPEC.gates, judged)}["drift"]


def test_what_is_saved_is_what_is_loaded(trained, tmp_path):
    model, data, _ = trained
    model.save(tmp_path / "model", dict.fromkeys(NAMES, 1.0))
    again = binary.load(tmp_path / "model")
    np.testing.assert_array_equal(again.score(data.numbers), model.score(data.numbers))
    assert again.baselines == model.baselines
    assert again.baseline == model.baseline
    assert again.facts["descriptions"] == model.facts["descriptions"]


def test_reasons_are_sentences_of_what_raises_the_score(trained):
    model, _, _ = trained
    (text,) = model.reasons(np.array([[4.0, 30_000.0, 9.0]]), 3)
    first = json.loads(text)[0]
    assert first["feature"] == "complaint_count_90d"
    assert first["zh"].startswith("近90天投诉次数：4（一般客户：0）")
    assert first["en"] == f"Number of complaints, last 90 days: 4 (usual: 0); raises {SPEC.tells[1]}"
    assert model.reasons(np.empty((0, 3)), 3) == []


def test_the_same_seed_and_data_give_the_same_text(trained):
    model, data, split = trained
    again = binary.train(SPEC, data, split)
    assert again.booster.model_to_string() == model.booster.model_to_string()
    assert again.facts == model.facts


def test_a_null_and_an_unseen_value_are_scored_and_nothing_is_infinite(trained):
    model, _, _ = trained
    scores = model.score(np.array([[np.nan, np.nan, np.nan], [1e12, -1e12, 1e12]]))
    assert ((scores > 0) & (scores < 1)).all()


def test_logistic_regression_as_the_baseline(trained, tmp_path):
    _, data, split = trained
    model = binary.train(replace(SPEC, params={**SPEC.params, "baseline": "logistic"}), data, split)
    assert model.facts["baseline"] == "logistic regression on 3 features"
    judged = model.judge(data, split.test, 1)
    assert judged.baseline["auc"].value > 0.7, "the truth is a logistic one"
    model.save(tmp_path / "model", dict.fromkeys(NAMES, 1.0))
    assert binary.load(tmp_path / "model").baseline == model.baseline


def test_without_any_baseline_column_nothing_can_be_judged(trained):
    _, data, split = trained
    with pytest.raises(DataError, match="baseline"):
        binary.train(replace(SPEC, baseline_columns=("tenure_days",)), data, split)


def test_the_card_says_in_what_earlier_dates_were_learnt_otherwise():
    one = {"test": "2025-06-30", "auc": [0.7, 0.6, 0.8], "rows": 10, "positives": 3}
    told = "\n".join(binary._unlike({"rolling": [one], "tuning": {"params": {"num_leaves": 3}}}, True))
    assert "parameters were tuned on customers of those dates too" in told
    assert "calibration customers weren't learnt from in the end" in told
    plain = "\n".join(binary._unlike({"rolling": [one], "tuning": {"params": {}}}, False))
    assert "tuned" not in plain
    assert "calibration" not in plain
    assert binary._unlike({}, True) == []
