"""Gradient boosted trees by LightGBM: fitted on train customers, ended and tuned by others, all seeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import lightgbm
import numpy as np

from ml.data.split import Split
from ml.data.training import TrainingSet
from ml.judging.rolling import rolling
from ml.spec import Spec
from ml.techniques.tuning import Tuned, tune

# The technique's own parameters in a spec's `params`, which LightGBM doesn't know.
OWN = ("num_boost_round", "early_stopping_rounds", "trials", "baseline", "own_line", "offer", "origins", "learn_all")

TUNING_POSITIVES = 100


def fit(spec: Spec, data: TrainingSet, split: Split) -> tuple[lightgbm.Booster, dict[str, Any]]:
    """The booster, its best trees only, and the facts of its making. Same input, same text.

    `params` may say `trials`, how many other sets of parameters to try (0: none); without `TUNING_POSITIVES` among
    the stop customers none is tried. `origins`: how many earlier dates such a training is judged on
    beside; it has the same parameters, whatever dates they were tuned on, and never learns from calibration customers.
    """
    params = _params(spec)
    rounds, patience = spec.params.get("num_boost_round", 600), spec.params.get("early_stopping_rounds", 50)
    train = data.numbers[split.train], data.label[split.train]
    stop = data.numbers[split.stop], data.label[split.stop]
    facts: dict[str, Any] = {}
    trials = int(spec.params.get("trials", 0))
    if trials and stop[1].sum() >= TUNING_POSITIVES:
        tuned = tune(params, train, stop, trials, rounds, patience, spec.seed)
        params |= tuned.params
        facts["tuning"] = _plain(tuned)
        # Children of the run that is open; without one (a benchmark) nothing.
        from ml.tracking.registry import log_trials

        log_trials("stop_log_loss", tuned.record)
    elif trials:
        facts["untuned"] = (
            f"{int(stop[1].sum())} of those set aside to end the fit are positive; below {TUNING_POSITIVES} the best of"
            " several tries is luck"
        )
    booster = _fitted(params, data.features, train, stop, rounds, patience)

    def at_origin(until: TrainingSet, then: Split) -> np.ndarray:
        learnt, ended = ((until.numbers[part], until.label[part]) for part in (then.train, then.stop))
        made = _fitted(params, until.features, learnt, ended, rounds, patience)
        return np.asarray(made.predict(until.numbers[then.test], raw_score=True, num_threads=spec.threads))

    if most := int(spec.params.get("origins", 0)):
        facts["rolling"] = rolling(spec, data, most, at_origin)
    return booster, facts | {"trees": booster.num_trees()}


def fit_again(
    spec: Spec, data: TrainingSet, rows: np.ndarray, booster: lightgbm.Booster, facts: Mapping[str, Any]
) -> lightgbm.Booster:
    """As many trees as `booster` has, of more rows (mask (n,)), with the parameters in the facts of its making."""
    params = _params(spec) | dict(facts.get("tuning", {}).get("params", {}))
    fitted = lightgbm.Dataset(data.numbers[rows], data.label[rows], feature_name=list(data.features))
    made = lightgbm.train(params, fitted, num_boost_round=max(1, booster.num_trees()))
    return lightgbm.Booster(model_str=made.model_to_string())


def _params(spec: Spec) -> dict[str, Any]:
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": spec.threads,
        "seed": spec.seed,
        "verbose": -1,
        **{name: value for name, value in spec.params.items() if name not in OWN},
    }


def _fitted(
    params: Mapping[str, Any],
    features: tuple[str, ...],
    train: tuple[np.ndarray, np.ndarray],
    stop: tuple[np.ndarray, np.ndarray],
    rounds: int,
    patience: int,
) -> lightgbm.Booster:
    fitted = lightgbm.Dataset(*train, feature_name=list(features))
    booster = lightgbm.train(
        dict(params),
        fitted,
        num_boost_round=rounds,
        valid_sets=[fitted.create_valid(*stop)],
        callbacks=[lightgbm.early_stopping(patience, verbose=False)],
    )
    # Keeping only the best trees makes the text and every later prediction the same thing.
    return lightgbm.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))


def _plain(tuned: Tuned) -> dict[str, Any]:
    trials = [asdict(one) | {"loss": one.loss if one.loss == one.loss else None} for one in tuned.trials]
    return {"params": tuned.params, "reason": tuned.reason, "trials": trials}
