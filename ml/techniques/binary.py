"""A calibrated LightGBM classifier: a yes-or-no question about a customer, answered with a probability."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

from ml.data.split import Split, buckets
from ml.data.training import TrainingSet
from ml.errors import ArtefactRefused
from ml.judging import plots
from ml.judging.judgement import Judgement
from ml.judging.metrics import compare
from ml.spec import Spec
from ml.techniques.baseline import Rule, best_rule
from ml.techniques.calibration import Calibration, choose

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOOSTER, PLAIN = "model.lgb", "model.json"
SHAP_SAMPLE = 500


@dataclass
class Model:
    """A booster, its calibration, the bands' thresholds and the rule it is compared with.

    `null_shares` are those of training, per feature; `facts` are what else is worth knowing of its making.
    """

    booster: lightgbm.Booster
    features: tuple[str, ...]
    calibration: Calibration
    thresholds: dict[str, float]
    baseline: Rule
    null_shares: tuple[float, ...]
    threads: int
    facts: dict[str, Any]

    def raw(self, numbers: np.ndarray) -> np.ndarray:
        """Log-odds before calibration (n,) for features (n, len(features))."""
        return np.asarray(self.booster.predict(numbers, raw_score=True, num_threads=self.threads))

    def score(self, numbers: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (n,) for features (n, len(features))."""
        return self.calibration(self.raw(numbers))

    def bands(self, scores: np.ndarray) -> np.ndarray:
        """The band (n,) of each score: the first, from the top, whose threshold it reaches; else `low`."""
        names, least = list(self.thresholds), list(self.thresholds.values())
        return np.select([scores >= limit for limit in least], names, default="low")

    def reasons(self, numbers: np.ndarray, count: int) -> list[str]:
        """Per row, as JSON, the features that raise the score most (SHAP in log-odds, largest first)."""
        if not len(numbers):
            return []
        shap = self.shap(numbers)
        found = []
        for row, values in zip(shap, numbers, strict=True):
            top = [at for at in np.argsort(-row, kind="stable")[:count] if row[at] > 0]
            reasons = [
                {
                    "feature": self.features[at],
                    "value": None if np.isnan(values[at]) else float(values[at]),
                    "contribution": round(float(row[at]), 6),
                }
                for at in top
            ]
            found.append(json.dumps(reasons))
        return found

    def shap(self, numbers: np.ndarray) -> np.ndarray:
        """TreeSHAP contributions (n, len(features)) in log-odds (Lundberg et al. 2020), less the base."""
        return np.asarray(self.booster.predict(numbers, pred_contrib=True, num_threads=self.threads))[:, :-1]

    def against(self, rival: Model, data: TrainingSet, rows: np.ndarray, seed: int) -> Judgement:
        """As `judge`, with another model in the baseline's place."""
        theirs = rival.score(data.columns(rival.features)[rows])
        ours = self.score(data.columns(self.features)[rows])
        return compare(ours, theirs, data.label[rows].astype(np.float64), seed=seed)

    def judge(self, data: TrainingSet, rows: np.ndarray, seed: int) -> Judgement:
        """Against the baseline on the rows (mask (n,)) of a training set."""
        label = data.label[rows].astype(np.float64)
        rank = self.baseline.rank(data.columns((self.baseline.column,))[rows, 0])
        score = self.score(data.columns(self.features)[rows])
        return compare(score, self.baseline.calibration(rank), label, baseline_rank=rank, seed=seed)

    def figures(self, data: TrainingSet, rows: np.ndarray, seed: int) -> dict[str, Figure]:
        """File name → plot, for the rows (mask (n,)) of a training set."""
        numbers, label = data.columns(self.features)[rows], data.label[rows]
        score = self.score(numbers)
        rank = self.baseline.rank(data.columns((self.baseline.column,))[rows, 0])
        sample = np.random.default_rng(seed).choice(len(numbers), min(SHAP_SAMPLE, len(numbers)), replace=False)
        return {
            "reliability.png": plots.reliability(score, label),
            "gain.png": plots.gain(score, rank, label, str(self.baseline)),
            "shap.png": plots.importance(self.features, self.shap(numbers[np.sort(sample)])),
        }

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
            "baseline": asdict(self.baseline),
            "null_shares": list(self.null_shares),
            "threads": self.threads,
            "facts": self.facts,
        }
        (folder / PLAIN).write_text(json.dumps(plain, indent=1), encoding="utf-8")


def train(spec: Spec, data: TrainingSet, split: Split) -> Model:
    """Fit, stop early by customers of their own, calibrate, cut the bands. Same input, same text."""
    params = {
        "objective": "binary",
        "metric": "binary_logloss",
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": spec.threads,
        "seed": spec.seed,
        "verbose": -1,
        **spec.params,
    }
    rounds, patience = params.pop("num_boost_round", 600), params.pop("early_stopping_rounds", 50)
    fitted = lightgbm.Dataset(data.numbers[split.train], data.label[split.train], feature_name=list(data.features))
    stop = fitted.create_valid(data.numbers[split.stop], data.label[split.stop])
    booster = lightgbm.train(
        params,
        fitted,
        num_boost_round=rounds,
        valid_sets=[stop],
        callbacks=[lightgbm.early_stopping(patience, verbose=False)],
    )
    # Keeping only the best trees makes the text and every later prediction the same thing.
    best = lightgbm.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))
    raw = np.asarray(best.predict(data.numbers[split.calibration], raw_score=True, num_threads=spec.threads))
    label = data.label[split.calibration]
    calibration = choose(raw, label, buckets(data.customers[split.calibration], 5, "fold"))
    scores = calibration(raw)
    shares = np.cumsum(list(spec.bands.values()))
    thresholds = {name: float(np.quantile(scores, 1 - share)) for name, share in zip(spec.bands, shares, strict=True)}
    rule = best_rule(spec, data, split.train | split.stop, split.calibration)
    return Model(
        booster=best,
        features=data.features,
        calibration=calibration,
        thresholds=thresholds,
        baseline=rule,
        null_shares=tuple(np.isnan(data.numbers[split.train]).mean(axis=0).tolist()),
        threads=spec.threads,
        facts={
            "trees": best.num_trees(),
            "calibration": calibration.kind,
            "baseline": str(rule),
            "thresholds": thresholds,
            "about": _about(best, calibration, thresholds),
        },
    )


def _about(booster: lightgbm.Booster, calibration: Calibration, thresholds: dict[str, float]) -> list[str]:
    bands = ", ".join(f"{name} from {value:.4f}" for name, value in thresholds.items())
    return [
        f"{booster.num_trees()} boosted trees, calibrated by {calibration.kind} on the calibration customers;"
        " see `reliability.png`.",
        f"Bands by probability, fixed at training: {bands}, else low.",
    ]


def load(folder: Path) -> Model:
    """The model that `save` wrote; reads text and JSON only. Raises ArtefactRefused where they don't fit."""
    try:
        plain = json.loads((folder / PLAIN).read_text(encoding="utf-8"))
        booster = lightgbm.Booster(model_str=(folder / BOOSTER).read_text(encoding="utf-8"))
        rule = plain["baseline"]
        model = Model(
            booster=booster,
            features=tuple(plain["features"]),
            calibration=_calibration(plain["calibration"]),
            thresholds=plain["thresholds"],
            baseline=Rule(**{**rule, "calibration": _calibration(rule["calibration"])}),
            null_shares=tuple(plain["null_shares"]),
            threads=plain["threads"],
            facts=plain["facts"],
        )
    except (OSError, ValueError, KeyError, TypeError, lightgbm.basic.LightGBMError) as error:
        raise ArtefactRefused(f"The model's files can't be read: {error}. Train and promote again.") from error
    if booster.feature_name() != list(model.features):
        raise ArtefactRefused(f"{BOOSTER} and {PLAIN} name different features: they aren't of one model.")
    return model


def _calibration(plain: dict[str, Any]) -> Calibration:
    return Calibration(plain["kind"], tuple(plain["x"]), tuple(plain["y"]))
