"""What every model is to have is among its plots, or its card says why it isn't."""

from __future__ import annotations

import dataclasses
import importlib.util
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ml.data.contacts import ContactSet, Offer
from ml.data.split import split_by_time
from ml.judging.cost import CostCurve
from ml.spec import load_spec, model_names
from ml.techniques import cluster, contact, outlier, technique, text
from ml.techniques.text.data import split_by_month
from ml.techniques.unlabelled import split_newest

TODAY = date(2025, 10, 31)
# What it is → how the plots that show it begin.
WANTED = {
    "calibration": ("reliability", "deciles", "calibration"),
    "gain": ("gain", "qini", "search"),
    "lift": ("lift",),
    "cost": ("cost",),
    "shap": ("shap",),
}
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
    tests = sibling("test_binary.py")
    own = dataclasses.replace(
        spec, features=tests.NAMES, baseline_columns=("session_count_90d",), params=tests.SPEC.params
    )
    data = tests.bank()
    split = split_by_time(own, data)
    return technique("binary").train(own, data, split), data, split


def of_contacts(spec, request):
    request.getfixturevalue("bank")
    tests = sibling("test_binary.py")
    plain = tests.bank()
    flag = np.arange(plain.rows) % 2
    wide = np.column_stack([plain.numbers, flag])
    plain = dataclasses.replace(plain, features=(*tests.NAMES, "offer_treatment_gift"), numbers=wide)
    known = (Offer("fund", "rate", "sms"), Offer("fund", "gift", "sms"))
    data = ContactSet(**vars(plain), base=tests.NAMES, own={}, contacts=plain.customers, offers=flag, known=known)
    own = dataclasses.replace(
        spec, features=tests.NAMES, params={**tests.SPEC.params, "own_line": (), "baseline": "logistic"}
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
    assert set(judged.absent) == set(WANTED) - shown, "neither shown nor explained, or both"
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
