"""Any CSV with a randomised treatment: words and numbers, nulls, unseen categories; refused with a reason."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from ml.bench import uplift
from ml.errors import DataError
from ml.techniques.uplift.randomised import NotRandomised

FAST = ("--seeds", "2", "--resamples", "20")


def customers(count=4000, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.arange(count),
            "age": rng.integers(18, 90, count).astype(float),
            "town": rng.choice(["north", "south", "east"], count),
            "money": rng.gamma(2, 100, count),
            "group": rng.choice(["No offer", "Letter", "Call"], count),
        }
    )
    chance = 0.1 + 0.3 * ((frame["group"] == "Call") & (frame["town"] == "north"))
    chance += 0.2 * ((frame["group"] == "Letter") & (frame["money"] > 250))
    frame["bought"] = np.where(rng.random(count) < chance, "yes", "no")
    frame.loc[rng.random(count) < 0.1, "age"] = np.nan
    frame.loc[rng.random(count) < 0.1, "town"] = None
    return frame


@pytest.fixture
def measured(tmp_path, capsys):
    def run(frame, *words, test=None, target="bought", treatment="group"):
        frame.to_csv(tmp_path / "c.csv", index=False)
        if test is not None:
            test.to_csv(tmp_path / "t.csv", index=False)
            words += ("--test-csv", str(tmp_path / "t.csv"))
        parser = argparse.ArgumentParser()
        uplift.add_arguments(parser)
        given = ("--csv", str(tmp_path / "c.csv"), "--treatment", treatment, "--target", target, "--drop", "id")
        assert uplift.run(parser.parse_args([*given, *FAST, *words])) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_two_offers_in_words_with_nulls(measured):
    said = measured(customers())
    assert said["data"]["control"] == "No offer"
    assert said["data"]["categorical"] == ["town"]
    assert set(said["treatments"]) == {"Call", "Letter"}
    metrics = said["treatments"]["Call"]["metrics"]
    assert metrics["qini"]["mean"] > 0.15
    assert len(metrics["qini"]["by_seed"]) == 2
    assert metrics["qini"]["bootstrap_95"][0] < metrics["qini"]["mean"] < metrics["qini"]["bootstrap_95"][1]
    assert metrics["uplift_at_10"]["mean"] > metrics["effect"]["mean"]
    assert abs(metrics["random_qini"]["mean"]) < 0.1
    assert metrics["policy_value"]["mean"] == pytest.approx(metrics["policy_value_self_normalised"]["mean"], abs=0.03)
    assert metrics["policy_value"]["mean"] > metrics["value_none_treated"]["mean"]
    assert said["protocol"]["seeds"] == [0, 1]
    assert all(one["auc"] < one["chance_at_most"] for one in said["randomised"])


def test_the_same_again_is_the_same_document(measured):
    assert measured(customers(1500)) == measured(customers(1500))


def test_numbers_for_treatment_and_an_amount_as_target(measured):
    frame = customers()
    frame["group"] = frame["group"].map({"No offer": 0.0, "Letter": 1.0, "Call": 2.0})
    frame["spent"] = (frame["bought"] == "yes") * 20.0
    said = measured(frame, "--drop", "id,bought", target="spent")
    assert said["data"]["control"] == "0"
    assert said["data"]["features"] == ["age", "town", "money"]
    assert said["treatments"]["2"]["metrics"]["effect"]["mean"] == pytest.approx(20 * 0.09, abs=1.5)


def test_a_test_file_with_an_unseen_category_and_other_column_order(measured):
    test = customers(2000, 2)
    test.loc[:50, "town"] = "abroad"
    said = measured(customers(), test=test[test.columns[::-1]])
    assert said["data"]["test_rows"] == 2000
    assert said["treatments"]["Call"]["metrics"]["qini"]["mean"] > 0.15
    assert "test file t.csv" in said["protocol"]["split"]


@pytest.mark.parametrize(
    ("values", "control", "rule"),
    [
        (["Womens E-Mail", "No E-Mail"], "No E-Mail", "means no treatment"),
        (["treated", "control"], "control", "means no treatment"),
        (["A", "B"], "A", "most frequent"),
        (["november", "no_mail"], "no_mail", "means no treatment"),
    ],
)
def test_which_value_is_the_control(measured, values, control, rule):
    frame = customers(1200)
    draw = np.random.default_rng(3).random(1200)
    frame["group"] = np.where(draw < 0.6, values[0], values[1])
    said = measured(frame, "--seeds", "1")
    assert said["data"]["control"] == control
    assert rule in said["data"]["control_rule"]


def test_a_test_file_with_words_for_numbers_is_refused(measured):
    with pytest.raises(DataError, match="words in money, which the training file has numbers in"):
        measured(customers(1200), test=customers(600, 2).assign(money="much"))


def test_few_buyers_leave_no_order_better_than_another_in_some_resamples(measured):
    frame = customers(600)
    frame["bought"] = np.where(np.arange(600) % 60 == 0, 1, 0)
    frame["kept"] = 1 - frame["bought"] * 1.0
    said = measured(frame, "--seeds", "1")
    assert said["data"]["suspects"] == {"kept": 1.0}


def test_control_as_given(measured):
    said = measured(customers(), "--control", "Letter", "--seeds", "1")
    assert (said["data"]["control"], set(said["treatments"])) == ("Letter", {"Call", "No offer"})


def chosen():
    frame = customers()
    rng = np.random.default_rng(4)
    chance = 1 / (1 + np.exp(-(frame["money"] - 200) / 80))
    frame["group"] = np.where(rng.random(len(frame)) < chance, "Call", "No offer")
    frame["chance"] = np.where(frame["group"] == "Call", chance, 1 - chance).clip(0.02, 1)
    return frame


def test_who_was_chosen_is_refused_and_propensities_rescue_it(measured):
    with pytest.raises(NotRandomised, match="money"):
        measured(chosen().drop(columns="chance"))
    said = measured(chosen(), "--propensity", "chance", "--seeds", "1")
    assert "chance" not in said["data"]["features"]
    assert said["randomised"] == "not checked: propensities were given"


@pytest.mark.parametrize(
    ("change", "words", "reason"),
    [
        (lambda frame: frame.assign(group="Call"), (), "for all customers"),
        (lambda frame: frame.assign(bought="no"), (), "can't be judged"),
        (lambda frame: frame.assign(bought="perhaps"), (), "neither a number nor yes or no"),
        (lambda frame: frame.assign(money=np.inf), (), "infinite"),
        (lambda frame: frame.drop(columns="group"), (), "lacks group"),
        (lambda frame: frame, ("--control", "Fax"), "No customer's treatment is 'Fax'"),
        (lambda frame: frame[["group", "bought", "id"]], (), "no features"),
        (lambda frame: frame, ("--drop", "id,monye"), "no column monye"),
        (lambda frame: frame.assign(group=frame["money"]), (), "Of 600 treatments 600 have fewer than 20 customers"),
    ],
)
def test_what_cant_be_used_is_refused_with_the_reason(measured, change, words, reason):
    with pytest.raises(DataError, match=reason):
        measured(change(customers(600)), *words)
