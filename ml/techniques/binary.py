"""A calibrated LightGBM classifier: a yes-or-no question about a customer, answered with a probability."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

from ml.data.split import Split, buckets
from ml.data.training import TrainingSet, read_training
from ml.errors import ArtefactRefused
from ml.judging import drift, plots
from ml.judging.cost import cost_curve
from ml.judging.groups import BRANCH, GroupedSet, groups_of
from ml.judging.judgement import Judgement
from ml.judging.kinds.probability import ProbabilityJudgement, with_groups
from ml.judging.metrics import compare
from ml.judging.reasons import SCORE, describe, top_reasons
from ml.spec import Economics, Spec
from ml.techniques import trees
from ml.techniques.baseline import Baseline, as_plain, best_rule, fit_logistic, from_plain
from ml.techniques.boosting import fit, fit_again
from ml.techniques.calibration import Calibration, choose

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOOSTER, PLAIN = "model.lgb", "model.json"
SHAP_SAMPLE = 500
USUAL_ROWS = 100_000


@dataclass
class Model:
    """A booster, its calibration, the bands' thresholds and the baseline it is compared with.

    `null_shares` are those of training, per feature, `baselines` what drift is measured against; `facts` are what
    else is worth knowing of its making.
    """

    booster: lightgbm.Booster
    features: tuple[str, ...]
    calibration: Calibration
    thresholds: dict[str, float]
    baseline: Baseline
    null_shares: tuple[float, ...]
    threads: int
    facts: dict[str, Any]
    baselines: dict[str, drift.Baseline] = field(default_factory=dict)

    def raw(self, numbers: np.ndarray) -> np.ndarray:
        """Log-odds before calibration (n,) for features (n, len(features))."""
        return trees.raw(self.booster, numbers, self.threads)

    def score(self, numbers: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (n,) for features (n, len(features))."""
        return self.calibration(self.raw(numbers))

    def promised(self, data: TrainingSet, rows: np.ndarray) -> np.ndarray:
        """The score (k,) of each row in the mask (n,)."""
        return self.score(data.columns(self.features)[rows])

    def bands(self, scores: np.ndarray) -> np.ndarray:
        """The band (n,) of each score: the first, from the top, whose threshold it reaches; else `low`."""
        names, least = list(self.thresholds), list(self.thresholds.values())
        return np.select([scores >= limit for limit in least], names, default="low")

    def reasons(self, numbers: np.ndarray, count: int) -> list[str]:
        """Per row, as JSON, the features that raise the score most (SHAP in log-odds, largest first)."""
        if not len(numbers):
            return []
        tells = self.facts.get("tells", SCORE)
        known = self.facts.get("descriptions", {})
        return top_reasons(self.features, numbers, self.shap(numbers), count, known, (tells[0], tells[1]))

    def shap(self, numbers: np.ndarray) -> np.ndarray:
        """TreeSHAP contributions (n, len(features)) in log-odds (Lundberg et al. 2020), less the base."""
        return np.asarray(self.booster.predict(numbers, pred_contrib=True, num_threads=self.threads))[:, :-1]

    def against(self, rival: Model, data: TrainingSet, rows: np.ndarray, seed: int) -> Judgement:
        """As `judge`, with another model in the baseline's place."""
        theirs = rival.score(data.columns(rival.features)[rows])
        ours = self.score(data.columns(self.features)[rows])
        return compare(ours, theirs, data.label[rows].astype(np.float64), seed=seed)

    def judge(self, data: TrainingSet, rows: np.ndarray, seed: int) -> ProbabilityJudgement:
        """Against the baseline on the rows (mask (n,)) of a training set; by groups where the bank knows them."""
        label = data.label[rows].astype(np.float64)
        numbers = data.columns(self.features)[rows]
        score, rank = self.score(numbers), self.baseline.rank(data.columns(self.baseline.columns)[rows])
        judged = compare(score, self.baseline.calibration(rank), label, baseline_rank=rank, seed=seed)
        economics = self.facts.get("economics")
        return with_groups(
            judged,
            score,
            label,
            np.isin(self.bands(score), self.facts.get("acted_on", list(self.thresholds)[:1])),
            groups_of(data, rows),
            drift.drift(self.baselines, self.features, numbers, score) if self.baselines else None,
            Economics(**economics) if economics else None,
            seed,
        )

    def watch(self) -> drift.Watch:
        """A new count of customers against those of training, to be fed while they are scored."""
        return drift.Watch(self.baselines, self.features)

    def figures(self, data: TrainingSet, rows: np.ndarray, seed: int, subject: str = "customers") -> dict[str, Figure]:
        """File name → plot, for the rows (mask (n,)) of a training set, each of which is one of `subject`."""
        numbers, label = data.columns(self.features)[rows], data.label[rows]
        score = self.score(numbers)
        rank = self.baseline.rank(data.columns(self.baseline.columns)[rows])
        sample = np.random.default_rng(seed).choice(len(numbers), min(SHAP_SAMPLE, len(numbers)), replace=False)
        made = {
            "reliability.png": plots.reliability(score, label),
            "gain.png": plots.gain(score, rank, label, str(self.baseline), subject=subject),
            "lift.png": plots.lift(score, label),
            "shap.png": plots.importance(
                self.features, self.shap(numbers[np.sort(sample)]), "log-odds before calibration", subject
            ),
        }
        if economics := self.facts.get("economics"):
            branch = groups_of(data, rows).get(BRANCH, np.full(len(label), "the bank", dtype=object))
            made["cost.png"] = plots.cost(cost_curve(score, label, branch, Economics(**economics), seed=seed))
        return made

    def save(self, folder: Path, example: dict[str, float | None]) -> None:
        """Write an MLflow model of plain files into the new `folder`: booster text, JSON, MLmodel."""
        import mlflow.lightgbm
        import pandas as pd
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema

        signature = ModelSignature(
            Schema([ColSpec("double", name, required=False) for name in self.features]),
            Schema([ColSpec("double")]),
        )
        mlflow.lightgbm.save_model(
            self.booster,
            str(folder),
            signature=signature,
            input_example=pd.DataFrame([example], columns=list(self.features), dtype="float64"),
            pip_requirements=[f"lightgbm=={lightgbm.__version__}"],
        )
        plain = {
            "technique": "binary",
            "features": list(self.features),
            "calibration": asdict(self.calibration),
            "thresholds": self.thresholds,
            "baseline": as_plain(self.baseline),
            "null_shares": list(self.null_shares),
            "threads": self.threads,
            "facts": self.facts,
            "baselines": drift.as_plain(self.baselines),
        }
        (folder / PLAIN).write_text(json.dumps(plain, indent=1), encoding="utf-8")


def read(spec: Spec, as_of: date, build_id: int | None = None) -> GroupedSet:
    """As `ml.data.training.read_training`; the customers' groups can be looked up."""
    return GroupedSet(**vars(read_training(spec, as_of, build_id)))


def train(spec: Spec, data: TrainingSet, split: Split) -> Model:
    """Fit, stop early by customers of their own, calibrate, cut the bands. Same input, same text.

    `params` are LightGBM's, and: `trials` (see `boosting`), `baseline` (`logistic`, else the best rule), `learn_all`:
    once calibrated and cut, as many trees are learnt from the calibration customers too, for whom positives are few.
    """
    booster, facts = fit(spec, data, split)
    raw = np.asarray(booster.predict(data.numbers[split.calibration], raw_score=True, num_threads=spec.threads))
    label, fold = data.label[split.calibration], buckets(data.customers[split.calibration], 5, "fold")
    calibration = choose(raw, label, fold)
    scores = calibration(raw)
    shares = np.cumsum(list(spec.bands.values()))
    thresholds = {name: float(np.quantile(scores, 1 - share)) for name, share in zip(spec.bands, shares, strict=True)}
    learn = split.train | split.stop
    baseline: Baseline = (
        fit_logistic(data, learn, split.calibration, fold)
        if spec.params.get("baseline") == "logistic"
        else best_rule(spec, data, learn, split.calibration)
    )
    if spec.params.get("learn_all"):
        booster = fit_again(spec, data, learn | split.calibration, booster, facts)
    learnt = data.numbers[split.train]
    # What is usual is told by evenly spaced rows; a million tell the same and take seconds.
    usual = learnt[:: max(1, len(learnt) // USUAL_ROWS)]
    fitted_scores = calibration(np.asarray(booster.predict(usual, raw_score=True, num_threads=spec.threads)))
    return Model(
        booster=booster,
        features=data.features,
        calibration=calibration,
        thresholds=thresholds,
        baseline=baseline,
        null_shares=tuple(np.isnan(learnt).mean(axis=0).tolist()),
        threads=spec.threads,
        facts=facts
        | {
            "calibration": calibration.kind,
            "baseline": str(baseline),
            "thresholds": thresholds,
            "acted_on": list(spec.reasons_for),
            "economics": asdict(spec.economics) if spec.economics else None,
            "tells": list(spec.tells),
            "descriptions": describe(data.features, usual),
            "about": _about(booster, calibration, thresholds, facts, bool(spec.params.get("learn_all"))),
        },
        baselines=drift.baselines(data.features, usual, fitted_scores, booster.feature_importance("gain").tolist()),
    )


def _about(
    booster: lightgbm.Booster,
    calibration: Calibration,
    thresholds: dict[str, float],
    facts: dict[str, Any],
    learns_all: bool,
) -> list[str]:
    bands = ", ".join(f"{name} from {value:.4f}" for name, value in thresholds.items())
    tuning = facts.get("tuning")
    untuned = f"Not tuned: {facts['untuned']}." if "untuned" in facts else "Not tuned."
    tuned = f"Tuned with {len(tuning['trials'])} trials: {tuning['reason']}." if tuning else untuned
    return [
        f"{booster.num_trees()} boosted trees, calibrated by {calibration.kind} on the calibration customers;"
        " see `reliability.png`.",
        *(["In the end the trees were learnt anew, the calibration customers among them."] if learns_all else []),
        f"Bands by probability, fixed at training: {bands}, else low.",
        tuned,
        *(
            f"Learnt from what was over before {one['test']} and judged on it: AUC {one['auc'][0]:.4f}"
            f" [{one['auc'][1]:.4f}, {one['auc'][2]:.4f}] ({one['rows']} rows, {one['positives']} positives)."
            for one in facts.get("rolling", ())
        ),
        *_unlike(facts, learns_all),
    ]


def _unlike(facts: dict[str, Any], learns_all: bool) -> list[str]:
    """In what the earlier dates' training isn't this one; nothing where no earlier date was judged."""
    if not facts.get("rolling", True):
        return ["No earlier date could judge it beside: none has labels enough, and dates before it that were over."]
    if "rolling" not in facts:
        return []
    apart = [
        *(
            ["its parameters were tuned on customers of those dates too"]
            if facts.get("tuning", {}).get("params")
            else []
        ),
        *(["the calibration customers weren't learnt from in the end, as they are here"] if learns_all else []),
        "beyond 100,000 rows it was a sample of the customers",
    ]
    return [f"Those earlier dates tell how steady the model is, not how it would have been used: {'; '.join(apart)}."]


def explains(model: Model) -> Model:
    """What scores a customer's features and gives reasons for them: the model itself."""
    return model


def load(folder: Path) -> Model:
    """The model that `save` wrote; reads text and JSON only. Raises ArtefactRefused where they don't fit."""
    try:
        plain = json.loads((folder / PLAIN).read_text(encoding="utf-8"))
        booster = lightgbm.Booster(model_str=(folder / BOOSTER).read_text(encoding="utf-8"))
        model = Model(
            booster=booster,
            features=tuple(plain["features"]),
            calibration=_calibration(plain["calibration"]),
            thresholds=plain["thresholds"],
            baseline=from_plain(plain["baseline"]),
            null_shares=tuple(plain["null_shares"]),
            threads=plain["threads"],
            facts=plain["facts"],
            baselines=drift.from_plain(plain["baselines"]),
        )
    except (OSError, ValueError, KeyError, TypeError, lightgbm.basic.LightGBMError) as error:
        raise ArtefactRefused(f"The model's files can't be read: {error}. Train and promote again.") from error
    if booster.feature_name() != list(model.features):
        raise ArtefactRefused(f"{BOOSTER} and {PLAIN} name different features: they aren't of one model.")
    return model


def _calibration(plain: dict[str, Any]) -> Calibration:
    return Calibration(plain["kind"], tuple(plain["x"]), tuple(plain["y"]))
