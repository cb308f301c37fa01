"""What every model is to have: plots, or a reason in its card; every kind of gate; a signature and an example."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from mlflow.models import Model as Packed

from ml.data.contacts import ContactSet, Offer
from ml.data.split import split_by_time
from ml.errors import ArtefactRefused
from ml.judging import groups, rolling
from ml.judging.cost import CostCurve
from ml.judging.gate import KINDS, every_kind, gap_limits, verdicts, with_fairness
from ml.judging.judgement import Interval
from ml.spec import load_spec, model_names
from ml.techniques import cluster, contact, outlier, technique, text
from ml.techniques.text.data import split_by_month
from ml.techniques.unlabelled import split_newest
from ml.tracking import signature

TODAY = date(2025, 10, 31)
# What it is → how the plots that show it begin.
WANTED = {
    "calibration": ("reliability", "deciles", "calibration"),
    "gain": ("gain", "qini", "search"),
    "lift": ("lift",),
    "cost": ("cost",),
    "shap": ("shap",),
}
# No plot, but a fact of the training that the card tells: how it would have been at earlier dates.
ROLLING = "rolling"
ROLLS = {"churn", "clv", "response", "value_up"}
SHOWN = {
    "anomaly": {"gain", "lift"},
    "churn": set(WANTED),
    "clv": {"calibration", "gain", "lift", "shap"},
    "recommend": {"gain", "shap"},
    "response": set(WANTED),
    "segment": set(),
    "sentiment": set(),
    "uplift": {"calibration", "gain", "shap"},
    "value_up": set(WANTED),
}
ODDS = ("log-odds before calibration",)
EFFECTS = ("effect on the outcome", "effect on the outcome, by its X part", "difference in log-odds")
UNITS = {
    "churn": (ODDS, "customers"),
    "clv": (("currency units a year",), "customers"),
    "recommend": (("ranker's score",), "pairs of a customer and a product"),
    "response": (ODDS, "contacts"),
    "uplift": (EFFECTS, "contacts"),
    "value_up": (ODDS, "customers"),
}


def sibling(name):
    """The test module of that name, for the small banks in it."""
    found = importlib.util.spec_from_file_location(f"sibling_{Path(name).stem}", Path(__file__).parent / name)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def of_probability(spec, request):
    request.getfixturevalue("monkeypatch").setattr(rolling, "POSITIVES", 10)
    tests = sibling("test_binary.py")
    own = dataclasses.replace(
        spec, features=tests.NAMES, baseline_columns=("session_count_90d",), params={**tests.SPEC.params, "origins": 1}
    )
    data = tests.bank()
    split = split_by_time(own, data)
    return technique("binary").train(own, data, split), data, split


def of_contacts(spec, request):
    request.getfixturevalue("bank")
    request.getfixturevalue("monkeypatch").setattr(rolling, "POSITIVES", 10)
    tests = sibling("test_binary.py")
    plain = tests.bank()
    flag = np.arange(plain.rows) % 2
    wide = np.column_stack([plain.numbers, flag])
    plain = dataclasses.replace(plain, features=(*tests.NAMES, "offer_treatment_gift"), numbers=wide)
    known = (Offer("fund", "rate", "sms"), Offer("fund", "gift", "sms"))
    offered = {"own": {}, "contacts": plain.customers, "offers": flag, "known": known}
    data = ContactSet(**vars(plain), base=tests.NAMES, everyone=plain.numbers[:, :-1], **offered)
    own = dataclasses.replace(
        spec, features=tests.NAMES, params={**tests.SPEC.params, "own_line": (), "baseline": "logistic", "origins": 1}
    )
    split = split_by_time(own, data)
    return contact.train(own, data, split), data, split


def of_segments(spec, request):
    data, _ = sibling("test_cluster.py").bank()
    request.getfixturevalue("monkeypatch").setattr(cluster, "_champion", lambda spec: None)
    split = split_newest(spec, data)
    return cluster.train(spec, data, split), data, split


def of_anomalies(spec, request):
    data = sibling("test_outlier.py").bank()
    split = split_newest(spec, data)
    return outlier.train(spec, data, split), data, split


def of_texts(spec, request):
    data = sibling("test_text.py").feedback()
    split = split_by_month(spec, data)
    return text.train(spec, data, split), data, split


def of_effects(spec, request):
    tests = sibling("uplift/test_technique.py")
    own = dataclasses.replace(spec, features=tests.FEATURES, params={"effect_rounds": 40})
    data = tests.contacts()
    split = tests.own.split(own, data)
    return tests.own.train(own, data, split), data, split


def of_a_shop(spec, request):
    request.getfixturevalue("shop").build(count=700)
    params = {**spec.params, "num_boost_round": 40, "min_data_in_leaf": 20, "settings": {}}
    own = dataclasses.replace(spec, params=params)
    how = technique(spec.technique)
    data = how.read(own, TODAY, None)
    split = how.split(own, data)
    return how.train(own, data, split), data, split


SMALL = {
    "binary": of_probability,
    "cluster": of_segments,
    "contact": of_contacts,
    "outlier": of_anomalies,
    "recommend": of_a_shop,
    "text": of_texts,
    "two_part": of_a_shop,
    "uplift": of_effects,
}


@pytest.mark.parametrize("name", model_names())
def test_each_is_shown_or_its_absence_has_a_reason(name, request):
    spec = load_spec(name)
    model, data, split = SMALL[spec.technique](spec, request)
    judged = model.judge(data, split.test, 1)
    figures, card = model.figures(data, split.test, 1), "\n".join(judged.sections())
    shown = {what for what, begins in WANTED.items() if any(one.startswith(begins) for one in figures)}
    assert shown == SHOWN[name]
    about = "\n".join(model.facts["about"])
    if ROLLING in model.facts:
        shown = shown | {ROLLING}
        dates = [one["test"] for one in model.facts[ROLLING]]
        assert dates, "the small bank has an earlier date to be judged on"
        assert max(dates) < min(split.periods["test"])
        assert all(f"Learnt from what was over before {day} and judged on it" in about for day in dates)
    assert (ROLLING in shown) == (name in ROLLS)
    assert set(judged.absent) == {*WANTED, ROLLING} - shown, "neither shown nor explained, or both"
    for what, why in judged.absent.items():
        assert len(why) > 20
        assert f"\n- {what}: {why}." in card.split("## What there is not")[1]
    assert "tuned" in "\n".join(model.facts["about"]).lower(), "what was tried, or that nothing was"
    assert judged.absent or "## What there is not" not in card
    assert judged.as_dict()["absent"] == dict(judged.absent)
    for plot, figure in figures.items():
        if plot.startswith("shap"):
            (axes,) = figure.axes
            unit, subject = UNITS[name]
            assert axes.get_title().endswith(f" {subject}")
            assert axes.get_xlabel() in [f"mean |contribution|, {one}" for one in unit]
    if "cost" in shown:
        assert isinstance(judged.cost, CostCurve)


def test_a_probability_without_prices_says_so():
    tests = sibling("test_binary.py")
    spec = dataclasses.replace(tests.SPEC, economics=None)
    data = tests.bank()
    split = split_by_time(spec, data)
    model = technique("binary").train(spec, data, split)
    assert "cost.png" not in model.figures(data, split.test, 1)
    assert set(model.judge(data, split.test, 1).absent) == {"cost"}


@pytest.mark.parametrize("name", model_names())
def test_every_kind_of_gate_is_named_and_every_limit_is_of_something_measured(name, request, monkeypatch):
    monkeypatch.setattr(groups, "SMALL_ROWS", 10)
    monkeypatch.setattr(groups, "SMALL_POSITIVES", 1)
    spec = load_spec(name)
    how = technique(spec.technique)
    model, data, split = SMALL[spec.technique](spec, request)
    half = np.where(np.arange(len(split.test)) % 2, "M", "F").astype(object)
    bases = (type(data),) if isinstance(data, groups.Grouped) else (groups.Grouped, type(data))
    known = type("Known", bases, {"groups": lambda self, mask: {"sex": half[mask]}})(**vars(data))
    judged = model.judge(known, split.test, 1)
    made = every_kind(with_fairness(spec, how.checks(spec.gates, judged)), judged)
    said = verdicts(made)
    assert set(said) == set(KINDS)
    promises_nothing = {"anomaly", "recommend", "segment", "sentiment"}
    assert (said["calibration"] == "not applicable") == (name in promises_nothing)
    limits = gap_limits(spec.gates, judged)
    assert limits, "no gap between groups is limited"
    assert set(limits) <= set(judged.fairness[0].measures), "a limit of what nobody measures"
    (fair,) = (one for one in made if one.kind == "fairness")
    assert fair.needed.startswith("gaps to the others: ")
    # Beyond its limit each of them refuses the version.
    for measure, limit in limits.items():
        gap = Interval(limit + 0.2, limit + 0.1, limit + 0.3)
        unlike = [dataclasses.replace(one, is_judged=True, gaps=one.gaps | {measure: gap}) for one in judged.fairness]
        found = how.checks(spec.gates, dataclasses.replace(judged, fairness=tuple(unlike)))
        assert verdicts(every_kind(found, judged))["fairness"] == "failed"
    if name == "uplift":
        wrong = dataclasses.replace(judged, overall={"calibration": Interval(0.05, 0.04, 0.06)})
        assert verdicts(how.checks(spec.gates, wrong))["calibration"] == "failed"


@pytest.mark.parametrize("name", model_names())
def test_a_model_has_a_signature_and_an_example_that_keeps_it(name, request, tmp_path):
    spec = load_spec(name)
    model, data, split = SMALL[spec.technique](spec, request)
    example = technique(spec.technique).example(data, split)
    model.save(tmp_path / "model", example)
    signed = signature.inputs(tmp_path / "model")
    packed = Packed.load(str(tmp_path / "model"))
    assert packed.signature.outputs.inputs
    assert packed.saved_input_example_info
    kept = json.loads((tmp_path / "model" / packed.saved_input_example_info["artifact_path"]).read_text())
    values = dict(zip(kept["columns"], kept["data"][0], strict=True)) if "columns" in kept else kept
    assert list(values) == list(signed)
    kinds = {"double": (int, float, type(None)), "string": (str,)}
    assert all(isinstance(values[column], kinds[kind]) for column, kind in signed.items())
    read = set(model.features) & set(spec.features)
    assert read <= set(signed)
    loaded = technique(spec.technique).load(tmp_path / "model")
    assert tuple(loaded.features) == tuple(model.features)
    signature.refuse_unsigned(spec, loaded.features, signed, name)

    # The columns as they were, one missing, one of another type.
    types = {column: {"double": "numeric", "string": "text"}[kind] for column, kind in signed.items()}
    first = next(iter(signed))
    assert signature.differences(types, signed) == []
    assert signature.differences({one: kind for one, kind in types.items() if one != first}, signed) == [
        f"lacks {first}"
    ]
    other = {"double": "text", "string": "numeric"}[signed[first]]
    (said,) = signature.differences(types | {first: other}, signed)
    assert said == f"has {first} as {other}, promised was {signed[first]}"
    if read:
        some = sorted(read)[0]
        with pytest.raises(ArtefactRefused, match=f"reads {some}, which its signature doesn't name"):
            signature.refuse_unsigned(spec, loaded.features, {k: v for k, v in signed.items() if k != some}, name)
