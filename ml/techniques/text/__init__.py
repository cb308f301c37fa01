"""What does a text say? Character n-grams and a linear model per class, for Chinese and English alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.data.scores import FeedbackScored, Target
from ml.judging import drift
from ml.judging.fairness import with_groups
from ml.judging.groups import groups_of
from ml.judging.judgement import Judgement
from ml.judging.kinds.classes import class_metrics, compare_classes, confusion_plot, errors_by_group
from ml.judging.slices import RESAMPLES, slices_by
from ml.spec import Spec
from ml.techniques.plain import load_plain, refused, save_plain
from ml.techniques.text import data as text_data
from ml.techniques.text.data import CLASSES, FeedbackSet, MonthSplit
from ml.techniques.text.linear import Linear, fit_linear, shares
from ml.techniques.text.terms import CHUNK_TEXTS, Terms, fit_terms

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from psycopg2.extensions import connection

read = text_data.read_feedback
split = text_data.split_by_month
scores = FeedbackScored
_ZH = {"negative": "负面", "neutral": "中性", "positive": "正面"}
SHOWN_TERMS = 15
# Bounds of what is compared: texts of a few stock phrases lie so close together that deciles would part them.
FEELINGS = (-0.7, -0.5, -0.3, -0.1, 0.1, 0.3, 0.5, 0.7)
UNDRIFTED = (
    "Its features aren't compared: they are ten thousands of character n-grams, nearly all absent from any one text,"
    " and what new words do to the model shows in the feeling that it reads"
)

_UNRANKED = "every text is read and put into a class; none is chosen before another"
ABSENT = {
    "rolling": "a class is rare in few months' texts, and words hardly change with the month; the newest months judge,"
    " and `evaluate` judges the champion on each later one",
    "calibration": "the feeling orders texts and is no calibrated probability; `confusion.png` shows what is mistaken",
    **dict.fromkeys(("gain", "lift", "cost"), _UNRANKED),
    "shap": "the model is linear, so its weights are the contributions: the n-grams that speak most for a class are"
    " named under the technique",
}


@dataclass
class Model:
    """N-grams, weights, and the class that is most frequent (the baseline)."""

    terms: Terms
    linear: Linear
    majority: int
    facts: dict[str, Any]
    features: tuple[str, ...] = ("feedback_text",)
    baselines: dict[str, drift.Baseline] = field(default_factory=dict)
    seen: drift.Watch | None = None

    def classes(self, texts: Sequence[str | None]) -> np.ndarray:
        """The class (n,) of each text, as an index in CLASSES; one that says nothing is neutral."""
        return self.read(texts)[1]

    def read(self, texts: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
        """Feeling (n,) from -1 to 1 (chance of positive less chance of negative) and class (n,), chunk by chunk."""
        feeling, found = np.zeros(len(texts)), np.ones(len(texts), dtype=np.int64)
        for at in range(0, len(texts), CHUNK_TEXTS):
            rows = self.terms(texts[at : at + CHUNK_TEXTS])
            speaks = rows.getnnz(axis=1) > 0
            chances = self.linear.chances(rows)
            part = slice(at, at + len(speaks))
            feeling[part] = np.where(speaks, chances[:, 2] - chances[:, 0], 0.0)
            found[part] = np.where(speaks, chances.argmax(axis=1), 1)
        return feeling, found

    def reasons(self, texts: Sequence[str | None], found: np.ndarray, count: int) -> list[str]:
        """Per text, as JSON, the n-grams that speak most for its class `found` (n,), largest first."""
        rows, made = self.terms(texts), []
        for at, one in enumerate(found.tolist()):
            row = rows.getrow(at)
            weight = row.data * self.linear.weights[one, row.indices]
            order = [place for place in np.argsort(-weight, kind="stable") if weight[place] > 0]
            made.append(
                json.dumps(_reasons(self.terms, row.indices, weight, order, CLASSES[one], count), ensure_ascii=False)
            )
        return made

    def judge(self, data: FeedbackSet, rows: np.ndarray, seed: int) -> Judgement:
        """Against saying the most frequent class of every text; by groups of who wrote them."""
        (feeling, found), truth = self.read(data.at(rows)), data.label[rows]
        always = np.full(len(found), self.majority)
        judged = compare_classes(found, always, truth, len(CLASSES), seed)
        groups = groups_of(data, rows)

        def of(mask: np.ndarray) -> Judgement:
            return compare_classes(found[mask], always[mask], truth[mask], len(CLASSES), seed, RESAMPLES)

        return replace(
            with_groups(judged, errors_by_group(found, truth, len(CLASSES)), groups, seed),
            slices=slices_by(of, groups, ("macro_f1", "accuracy")),
            drift=drift.drift(self.baselines, (), np.empty((len(feeling), 0)), feeling),
            undrifted=UNDRIFTED,
            absent=ABSENT,
        )

    def against(self, rival: Model, data: FeedbackSet, rows: np.ndarray, seed: int) -> Judgement:
        """As `judge`, with another model in the baseline's place."""
        texts = data.at(rows)
        return compare_classes(self.classes(texts), rival.classes(texts), data.label[rows], len(CLASSES), seed)

    def figures(self, data: FeedbackSet, rows: np.ndarray, seed: int) -> dict[str, Figure]:
        """File name → plot."""
        return {"confusion.png": confusion_plot(self.classes(data.at(rows)), data.label[rows], CLASSES)}

    def save(self, folder: Path, example: dict[str, Any]) -> None:
        """Write an MLflow model of plain files into the new `folder`."""
        document = {
            "technique": "text",
            "terms": list(self.terms.terms),
            "idf": self.terms.idf.tolist(),
            "lengths": list(self.terms.lengths),
            "weights": self.linear.weights.tolist(),
            "bias": self.linear.bias.tolist(),
            "prior": self.linear.prior.tolist(),
            "majority": self.majority,
            "facts": self.facts,
            "baselines": drift.as_plain(self.baselines),
        }
        save_plain(folder, document, {"feedback_text": "string"}, {"score": "double", "band": "string"}, example)


def check(link: connection, spec: Spec, data: FeedbackSet) -> str:
    """Nothing to compare: a text has no window, and stars and text come together."""
    return "text and stars come in one row, and the text is as the customer wrote it: there is nothing to compare"


def example(data: FeedbackSet, split: MonthSplit) -> dict[str, Any]:
    """An input that nobody wrote."""
    return {"feedback_text": "很方便，谢谢"}


def train(spec: Spec, data: FeedbackSet, split: MonthSplit) -> Model:
    """Fit on the earlier months' texts and stars. Same input, same weights."""
    label = data.label[split.train]
    terms, linear, unseen = fit(data.at(split.train), label, spec.params)
    majority = int(np.bincount(label).argmax())
    # Of texts that it has learnt a model is surer than of any to come.
    chances = shares(unseen)
    made = {drift.SCORE: drift.baseline(chances[:, 2] - chances[:, 0], 1.0, FEELINGS)}
    return Model(terms, linear, majority, _facts(terms, linear, label, majority), baselines=made)


def fit(
    texts: Sequence[str], label: np.ndarray, params: Any, classes: int = len(CLASSES)
) -> tuple[Terms, Linear, np.ndarray]:
    """N-grams and weights of texts with labels 0..classes-1, and each text's log-odds as one that wasn't learnt.

    `params` as in `ml.models.sentiment`.
    """
    terms = fit_terms(texts, tuple(params["lengths"]), params["least_texts"])
    return terms, *fit_linear(terms(texts), label, classes, params)


def load(folder: Path) -> Model:
    """The model that `save` wrote. Raises ArtefactRefused where the files don't fit."""
    plain = load_plain(folder, "text")
    try:
        terms = Terms(tuple(plain["terms"]), np.array(plain["idf"], dtype=np.float64), tuple(plain["lengths"]))
        linear = Linear(*(np.array(plain[name], dtype=np.float64) for name in ("weights", "bias", "prior")))
        if linear.weights.shape != (len(CLASSES), len(terms.terms)) or len(terms.idf) != len(terms.terms):
            raise ValueError("its vocabulary and weights are of different sizes")
        baselines = drift.from_plain(plain["baselines"])
        return Model(terms, linear, int(plain["majority"]), plain["facts"], baselines=baselines)
    except (ValueError, KeyError, TypeError) as error:
        raise refused(error) from error


def scored(reader: connection, spec: Spec, model: Model, target: Target) -> Iterator[FeedbackScored]:
    """The build's texts, chunk by chunk."""
    text_data.require_columns(reader, spec)
    names = np.array(CLASSES)
    watch = drift.Watch(model.baselines, ())
    for chunk in text_data.stream_feedback(reader, spec, target.build_id):
        feedback, customers, _, texts, _ = zip(*chunk, strict=True)
        feeling, found = model.read(texts)
        watch.add(np.empty((len(feeling), 0)), feeling)
        bands = names[found]
        told = np.flatnonzero(np.isin(bands, spec.reasons_for))
        reasons: list[str | None] = [None] * len(texts)
        for at, reason in zip(
            told, model.reasons([texts[at] for at in told], found[told], spec.reason_count), strict=True
        ):
            reasons[at] = reason
        yield FeedbackScored(
            np.array(feedback, dtype=object), np.array(customers, dtype=object), feeling, bands, reasons
        )
    model.seen = watch if watch.rows else None


def _reasons(
    terms: Terms, indices: np.ndarray, weight: np.ndarray, order: list[int], band: str, count: int
) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for place in order:
        term = terms.terms[indices[place]].strip()
        # A piece of one that was said already says nothing new.
        if not term or any(term in said["value"] or said["value"] in term for said in made):
            continue
        made.append(
            {
                "feature": "feedback_text",
                "value": term,
                "contribution": round(float(weight[place]), 6),
                "zh": f"“{term}”使反馈显得{_ZH[band]}",
                "en": f"“{term}” makes the feedback {band}",
            }
        )
        if len(made) == count:
            break
    return made


def _facts(terms: Terms, linear: Linear, label: np.ndarray, majority: int) -> dict[str, Any]:
    count = np.bincount(label, minlength=len(CLASSES))
    strongest = {
        name: [terms.terms[at] for at in np.argsort(-linear.weights[one], kind="stable")[:SHOWN_TERMS]]
        for one, name in enumerate(CLASSES)
    }
    floor = class_metrics(np.outer(count, np.eye(len(CLASSES))[majority]))
    return {
        "terms": len(terms.terms),
        "baseline": f"every text is {CLASSES[majority]} (macro F1 {floor[0]:.3f} in training)",
        "strongest_terms": strongest,
        "about": [
            f"{len(terms.terms)} character n-grams of {terms.lengths[0]} to {terms.lengths[1]} signs, TF-IDF, and a"
            " ridge-penalised logistic regression per class, plain and on log-count ratios; so Chinese and"
            " English are one. Biases moved to the best macro F1 on texts held out in folds;"
            " nothing else is tuned.",
            "The label is what the customer said of the text: one or two stars negative, three neutral, four or five"
            " positive. Stars and words don't always agree, so no reader could reach 1.",
            f"Learnt from {', '.join(f'{n} {name}' for n, name in zip(count, CLASSES, strict=True))} texts.",
            *(f"- Speaks for {name}: {' · '.join(found)}" for name, found in strongest.items()),
        ],
    }
