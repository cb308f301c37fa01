"""The bank's contacts as a data set: split, trained, judged, saved, loaded, compared; refused with a reason."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import pytest

from ml.data.build import Build
from ml.data.training import as_day
from ml.errors import ArtefactRefused, DataPrerequisite
from ml.judging import drift
from ml.judging.gate import with_fairness
from ml.judging.groups import Grouped
from ml.spec import load_spec
from ml.techniques import technique
from ml.techniques import uplift as own
from ml.techniques.uplift.contacts import ContactSet
from ml.techniques.uplift.model import load
from ml.tracking import package

DAYS = [date(2026, 3, 31), date(2026, 5, 31), date(2026, 8, 31)]
FEATURES = ("x0", "x1", "x2")


@pytest.fixture(scope="module")
def spec():
    spec = load_spec("uplift")
    # A test of 2,500 contacts is a tenth of a campaign's: its intervals are wider.
    gates = dataclasses.replace(spec.gates, margin=0.15)
    return dataclasses.replace(spec, features=FEATURES, params={"effect_rounds": 40}, gates=gates)


def contacts(each=2500, seed=1, rate=0.25):
    """Campaign by month: gift moves who has a large x0, call who has a small one; x2 are sure things."""
    rng = np.random.default_rng(seed)
    count = each * len(DAYS)
    day = np.repeat([as_day(one) for one in DAYS], each)
    numbers = rng.random((count, 3))
    arm = rng.choice(3, count, p=[0.4, 0.3, 0.3])
    chance = 0.01 + 0.3 * (numbers[:, 2] > 0.85) + rate * (arm == 1) * (numbers[:, 0] > 0.7)
    chance = chance + rate * (arm == 2) * (numbers[:, 0] < 0.3)
    label = (rng.random(count) < chance).astype(np.int8)
    return ContactSet(
        build=Build(1, date(2026, 10, 31), "training", "passed", "x"),
        contacts=np.array([b"K%06d" % at for at in range(count)]),
        customers=np.array([b"C%05d" % at for at in rng.integers(0, 20_000, count)]),
        day=day,
        contact_day=day + 3,
        numbers=numbers,
        treatment=np.array(["control", "gift", "call"])[arm],
        campaign=np.array([f"K{at}" for at in np.repeat(range(len(DAYS)), each)]),
        label=label,
        propensity=np.array([0.4, 0.3, 0.3])[arm],
        is_given=np.ones(count, dtype=bool),
        margin=np.where(label == 1, 50.0, 0.0),
        cost=np.where(arm == 2, 6.0, np.where(arm == 1, 0.5, 0.0)),
        features=FEATURES,
        empty=(),
        types=dict.fromkeys(FEATURES, "double precision"),
        content_hash="x",
        everyone=np.random.default_rng(seed).random((2_000, 3)) * [0.5, 1, 1],
    )


@pytest.fixture(scope="module")
def trained(spec):
    data = contacts()
    split = own.split(spec, data)
    return data, split, own.train(spec, data, split)


def test_the_technique_is_found_with_both_tables():
    how = technique("uplift")
    assert [kind.table for kind in (how.scores, *how.more_scores)] == ["customer_offer", "customer_score"]
    assert how.read is own.read


def test_the_test_is_the_newest_date_and_nothing_learnt_reaches_into_it(spec, trained):
    data, split, _ = trained
    assert split.periods["test"] == ["2026-08-31"]
    assert not (split.test & (split.train | split.calibration)).any()
    assert not set(data.customers[split.train]) & set(data.customers[split.calibration])
    learnt = split.train | split.calibration
    assert (data.contact_day[learnt] + spec.horizon_days).max() < data.contact_day[split.test].min()
    late = dataclasses.replace(data, contact_day=np.where(data.on(DAYS[1]), as_day(DAYS[2]) - 5, data.contact_day))
    assert split.periods["train"] == ["2026-03-31", "2026-05-31"]
    assert own.split(spec, late).periods["train"] == ["2026-03-31"]


def test_it_is_judged_against_the_response_model_and_passes_its_gates(spec, trained):
    data, split, model = trained
    judged = model.judge(data, split.test, spec.seed)
    assert judged.rows == split.test.sum()
    assert judged.model["qini"].low > 0
    assert judged.difference["qini"].value > 0.02
    assert judged.model["policy_profit"].value > 0
    checks = with_fairness(spec, own.checks(spec.gates, judged))
    assert [one for one in checks if not one.passed] == []
    names = [one.name for one in checks]
    assert "qini apart from random" in names
    assert "qini above the response model's" in names
    assert set(model.figures(data, split.test, 1)) >= {"qini_gift.png", "effect_call.png", "shap_gift.png"}


def test_the_groups_of_the_contacted_are_looked_at(spec, trained):
    data, split, model = trained

    class Known(Grouped, ContactSet):
        def groups(self, rows):
            return {"sex": np.where(self.numbers[rows, 0] > 0.5, "F", "M").astype(object)}

    judged = model.judge(Known(**vars(data)), split.test, spec.seed)
    women, men = judged.fairness
    # Gifts move some with a large x0, calls some with a small one: as many women as men.
    assert women.measures["observed_uplift"].value == pytest.approx(men.measures["observed_uplift"].value, abs=0.05)
    # Women are best given the gift, and it is what nearly all of them are chosen for.
    assert women.measures["uplift_of_selected"].value > women.measures["observed_uplift"].value + 0.03
    assert all(abs(one.measures["calibration"].value) < 0.05 for one in (women, men))


def test_value_and_costs_are_those_of_the_contacts_and_decide_the_rank(trained):
    _, _, model = trained
    assert model.value == pytest.approx(50)
    assert model.costs == pytest.approx((6, 0.5))
    assert model.offers == ("call", "gift")
    effects = np.array([[0.2, 0.15], [0.3, 0.1], [0.0, -0.1]])
    assert model.ranks(effects).tolist() == [[2, 1], [1, 2], [2, 1]]


def test_reasons_are_of_the_offer(trained):
    _, _, model = trained
    (said,) = model.reasons(np.array([[0.95, 0.5, 0.5]]), model.offers.index("gift"), 2)
    assert '"feature": "x0"' in said
    assert "gift" in said
    assert model.reasons(np.empty((0, 3)), 0, 3) == []


def test_saved_and_loaded_it_is_the_same_and_brings_no_code(trained, tmp_path):
    data, _, model = trained
    model.save(tmp_path / "model", dict.fromkeys(FEATURES, 0.5))
    package.refuse_unsafe(tmp_path / "model")
    again = load(tmp_path / "model")
    assert np.array_equal(again.effects(data.numbers[:500]), model.effects(data.numbers[:500]))
    assert again.thresholds == model.thresholds
    (tmp_path / "model" / "offer_0_treated.lgb").unlink()
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model")


def test_the_same_again_is_the_same_model(spec, trained):
    data, split, model = trained
    again = own.train(spec, data, split)
    assert np.array_equal(again.effects(data.numbers), model.effects(data.numbers))
    assert again.facts == model.facts


def test_other_seeds_are_learnt_too_and_their_spread_is_told(spec, trained, monkeypatch):
    data, split, model = trained
    assert any("by one seed only" in said for said in model.facts["about"])
    logged = []
    monkeypatch.setattr("ml.tracking.registry.log_trials", lambda metric, trials: logged.append((metric, trials)))
    seeded = own.train(dataclasses.replace(spec, params={**spec.params, "seeds": 3}), data, split)
    assert np.array_equal(seeded.effects(data.numbers[:500]), model.effects(data.numbers[:500])), "served is the first"
    found = seeded.facts["by_seed"]
    assert [one["seed"] for one in found] == [spec.seed, spec.seed + 1, spec.seed + 2]
    judged = model.judge(data, split.test, spec.seed)
    for name in ("qini", "uplift_at_10", "uplift_at_30"):
        assert found[0][name] == pytest.approx(judged.model[name].value)
        assert len({one[name] for one in found}) > 1, "the seeds say different things"
    ((metric, runs),) = logged
    assert (metric, [one.value for one in runs]) == ("test_qini", [one["qini"] for one in found])
    assert runs[2].metrics == {
        "test_uplift_at_10": found[2]["uplift_at_10"],
        "test_uplift_at_30": found[2]["uplift_at_30"],
    }
    least = min(one["qini"] for one in found)
    assert any(f"By 3 seeds on the same test contacts: qini {least:.4f} to " in said for said in seeded.facts["about"])
    assert load_spec("uplift").params["seeds"] == 3


def test_against_itself_there_is_no_difference_and_against_noise_there_is(spec, trained):
    data, split, model = trained
    same = model.against(model, data, split.test, 1)
    assert {interval.value for interval in same.difference.values()} == {0.0}
    blind = dataclasses.replace(data, label=np.random.default_rng(9).permutation(data.label))
    rival = own.train(spec, blind, split)
    assert model.against(rival, data, split.test, 1).difference["qini"].low > 0


def test_no_buyers_or_one_arm_only_is_skipped_with_the_reason(spec):
    data = contacts(900)
    with pytest.raises(DataPrerequisite, match="train has 0 buyers") as skipped:
        own.split(spec, dataclasses.replace(data, label=np.zeros(data.rows, dtype=np.int8)))
    found, span = skipped.value.report, (DAYS[-1] - DAYS[0]).days + spec.horizon_days
    assert (found["history_days"], found["history_days_needed"]) == (span, 2 * spec.horizon_days)
    assert (found["positives"], found["positives_needed"]) == (0, spec.needs.train_positives)
    assert found["as_of_dates"]["2026-03-31"] == {"rows": 900, "positives": 0}
    one_arm = dataclasses.replace(data, treatment=np.full(data.rows, "gift"))
    split = own.split(spec, one_arm)
    with pytest.raises(DataPrerequisite, match="no offer has") as skipped:
        own.train(spec, one_arm, split)
    assert skipped.value.report["positives"] == data.positives


def test_an_offer_without_buyers_is_left_out_and_said_so(spec, trained):
    data, split, _ = trained
    label = np.where(data.treatment == "call", 0, data.label).astype(np.int8)
    model = own.train(spec, dataclasses.replace(data, label=label), split)
    assert model.offers == ("gift",)
    assert any("for want of buyers: call" in said for said in model.facts["about"])
    judged = model.judge(data, split.test, 1)
    assert judged.model["qini"].low > 0


def test_the_customers_of_a_day_are_compared_with_everybody_and_not_with_those_contacted(trained):
    data, _, model = trained
    watch = model.watch()
    watch.add(data.everyone[::2], model.score(data.everyone[::2]))
    assert watch.report().verdict == "stable"
    contacted = drift.drift(model.baselines, model.features, data.everyone, model.score(data.everyone))
    assert contacted.verdict == "drifted"


def test_drift_and_slices_are_in_the_judgement_and_customers_of_another_kind_fail_the_gate(spec, trained, seen):
    data, split, model = trained
    judged = seen(model, data, split.test, FEATURES, "qini")
    assert judged.drift.verdict == "stable"
    others = dataclasses.replace(data, numbers=np.where(split.test[:, None], data.numbers**4, data.numbers))
    moved = model.judge(others, split.test, 1)
    assert not {check.name: check.passed for check in own.checks(spec.gates, moved)}["drift"]
