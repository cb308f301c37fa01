from __future__ import annotations

import csv
import dataclasses
import json
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ml.data.build import Build
from ml.data.training import as_day
from ml.errors import ArtefactRefused, DataPrerequisite
from ml.judging.gate import checks
from ml.judging.kinds.classes import class_metrics, compare_classes
from ml.models.sentiment import SPEC
from ml.techniques import text
from ml.techniques.text.data import FeedbackSet, label_of, split_by_month
from ml.techniques.text.terms import MOST_CHARACTERS, normalised

REVIEWS = Path(__file__).parents[4] / "shared" / "data" / "zh_bank_reviews" / "reviews.csv"
WORDS = {
    0: ("太慢了", "态度很差", "keeps crashing"),
    1: ("一般般", "and as before", "想问一下"),
    2: ("很满意", "点赞", "so easy"),
}


def feedback(rows=600, months=10, seed=0, label=None):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, rows) if label is None else np.full(rows, label)
    texts = [f"{WORDS[one][rng.integers(3)]} {rng.choice(['手机银行', '柜台', 'the app'])}" for one in labels]
    return FeedbackSet(
        build=Build(1, date(2026, 10, 31), "training", "passed", None),
        texts=texts,
        customers=np.array([b"C%04d" % (at % 100) for at in range(rows)]),
        label=labels,
        day=np.sort(rng.integers(0, months, rows) * 30 + as_day(date(2026, 1, 31))).astype(np.int32),
        content_hash="x",
    )


@pytest.fixture(scope="module")
def data():
    return feedback()


@pytest.fixture(scope="module")
def model(data):
    return text.train(SPEC, data, split_by_month(SPEC, data))


def test_the_words_are_learnt_judged_and_explained(data, model):
    split = split_by_month(SPEC, data)
    assert 0.15 < split.test.mean() < 0.35
    assert data.day[split.train].max() < data.day[split.test].min()
    judged = model.judge(data, split.test, 1)
    assert judged.model["macro_f1"].value == 1
    assert judged.baseline["kappa"].value == 0
    assert judged.ahead("macro_f1").low > 0.5
    feeling, found = model.read(["柜台态度很差", "点赞！点赞！", "The App Keeps Crashing"])
    assert [text.CLASSES[at] for at in found] == ["negative", "positive", "negative"]
    assert feeling[0] < -0.3 < 0.3 < feeling[1]
    (reasons,) = (json.loads(one) for one in model.reasons(["柜台态度很差"], np.array([0]), 2))
    assert len(reasons) == 2
    assert set(reasons[0]["value"]) <= set("柜台态度很差")
    assert reasons[0]["zh"].endswith("使反馈显得负面")
    assert "negative" in reasons[0]["en"]


@pytest.mark.parametrize("nothing", ["", None, " \n\t", "\x00\x07", "☃☃☃", "qzqzqz"])
def test_a_text_that_says_nothing_is_neutral(model, nothing):
    feeling, found = model.read([nothing])
    assert (feeling[0], text.CLASSES[found[0]]) == (0.0, "neutral")
    assert model.reasons([nothing], found, 3) == ["[]"]


def test_a_hundred_thousand_characters_are_read_as_their_beginning(model):
    long = "态度很差，" * 20_000
    started = time.monotonic()
    feeling, found = model.read([long, long[:MOST_CHARACTERS], "a" * 100_000])
    assert time.monotonic() - started < 60
    assert text.CLASSES[found[0]] == "negative"
    assert feeling[0] == feeling[1]
    assert len(normalised(long)) <= MOST_CHARACTERS
    assert len(model.reasons([long], found[:1], 3)) == 1


def test_width_case_runs_and_spaces_are_one():
    assert normalised("ＡＴＭ 太慢了！！！！！！\n\n 真的 ") == "atm 太慢了!!! 真的"


def test_saved_and_loaded_it_reads_the_same_and_a_broken_one_is_refused(data, model, tmp_path):
    model.save(tmp_path / "a", text.example(data, None))
    assert {path.suffix for path in (tmp_path / "a").iterdir()} <= {".json", ""}
    again = text.load(tmp_path / "a")
    texts = data.texts[:50]
    np.testing.assert_array_equal(again.read(texts)[0], model.read(texts)[0])
    assert again.facts == model.facts
    plain = json.loads((tmp_path / "a" / "model.json").read_text())
    for broken in ({**plain, "terms": plain["terms"][1:]}, {**plain, "technique": "binary"}, {}):
        (tmp_path / "a" / "model.json").write_text(json.dumps(broken))
        with pytest.raises(ArtefactRefused):
            text.load(tmp_path / "a")


def test_the_same_texts_give_the_same_weights(data, model):
    again = text.train(SPEC, data, split_by_month(SPEC, data))
    np.testing.assert_array_equal(again.linear.weights, model.linear.weights)


@pytest.mark.parametrize(
    ("made", "reason"), [(feedback(label=2), "0 negative texts"), (feedback(months=1), "one month")]
)
def test_too_little_is_a_reason(made, reason):
    with pytest.raises(DataPrerequisite, match=reason) as refused:
        split_by_month(SPEC, made)
    found = refused.value.report
    assert sum(found["texts"].values()) == made.rows
    assert (found["months"], found["months_needed"]) == (len(made.dates()), 2)
    assert (found["positives"], found["positives_needed"]) == (min(found["texts"].values()), SPEC.needs.train_positives)


def test_stars_are_the_label():
    assert [label_of(stars) for stars in (1, 2, 3, 4, 5)] == [0, 0, 1, 2, 2]


def test_metrics_are_scikit_learns():
    from sklearn.metrics import cohen_kappa_score, f1_score

    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 500)
    found = np.where(rng.random(500) < 0.6, truth, rng.integers(0, 2, 500))
    judged = compare_classes(found, truth, truth, 3)
    assert judged.model["macro_f1"].value == pytest.approx(f1_score(truth, found, average="macro"))
    assert judged.model["kappa"].value == pytest.approx(cohen_kappa_score(truth, found))
    assert judged.baseline["accuracy"].value == 1
    assert judged.model["kappa"].low < judged.model["kappa"].value < judged.model["kappa"].high
    assert class_metrics(np.diag([0.0, 0.0, 5.0])).tolist() == [1, 0, 1], "one class only: chance agrees wholly"


@pytest.mark.skipif(not REVIEWS.is_file(), reason="the public reviews aren't at ../shared/data/zh_bank_reviews")
def test_a_cut_of_real_reviews_is_read_better_than_by_majority():
    with REVIEWS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:2400]
    texts, label = [row["text"] for row in rows], np.array([{"0": 0, "2": 1, "1": 2}[row["class"]] for row in rows])
    terms, linear, _ = text.fit(texts[:1600], label[:1600], SPEC.params)
    found = linear.chances(terms(texts[1600:])).argmax(axis=1)
    judged = compare_classes(found, np.ones(800, dtype=int), label[1600:], 3)
    assert judged.ahead("macro_f1").low > 0.1
    assert judged.model["kappa"].low > 0.15


def test_drift_of_the_feeling_and_slices_are_in_the_judgement_with_why_its_features_are_not_compared(data, model, seen):
    split = split_by_month(SPEC, data)
    judged = seen(model, data, split.test, (), "macro_f1")
    assert judged.drift.verdict == "stable"
    assert "Its features aren't compared: they are ten thousands of character n-grams" in judged.sections()[0]
    texts = np.where(split.test, "太慢了 柜台", np.array(data.texts, dtype=object)).tolist()
    angry = dataclasses.replace(data, texts=texts)
    moved = model.judge(angry, split.test, 1)
    assert not {check.name: check.passed for check in checks(SPEC.gates, moved)}["drift"]
