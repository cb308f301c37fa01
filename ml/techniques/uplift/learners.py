"""T- and X-learners on LightGBM, one pair of them per offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from ml.techniques.trees import predicted
from ml.techniques.uplift.experiment import CONTROL, Experiment

# T, X, and the mean of both: effects on one scale, that of the outcome.
KINDS = ("t", "x", "tx")
BOOSTERS = ("treated", "control", "effect_treated", "effect_control")
DEFAULTS: dict[str, Any] = {
    "learning_rate": 0.03,
    "num_leaves": 8,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "outcome_rounds": 200,
    "outcome_patience": 20,
    "effect_rounds": 50,
    # A split may not follow a handful of customers, nor stop a small campaign from being learnt at all.
    "leaves_per_data": 20,
}


@dataclass(frozen=True)
class Arm:
    """What was learnt of one offer: outcomes with and without it, and its effect from either side.

    `chance` is the offer's share of the customers that were learnt from.
    """

    treated: lightgbm.Booster
    control: lightgbm.Booster
    effect_treated: lightgbm.Booster
    effect_control: lightgbm.Booster
    chance: float

    def response(self, numbers: np.ndarray, threads: int) -> np.ndarray:
        """The expected outcome (n,) with the offer: what a response model ranks by."""
        return predicted(self.treated, numbers, threads)

    def effect(self, numbers: np.ndarray, kind: str, threads: int) -> np.ndarray:
        """The offer's effect (n,) on the expected outcome.

        T: difference of the two outcome models. X: the effects learnt from either side, each weighted by the other
        side's share (Künzel et al. 2019, eq. 9), so that the larger group's model of the counterfactual counts more.
        """
        found = []
        if "t" in kind:
            found.append(self.response(numbers, threads) - predicted(self.control, numbers, threads))
        if "x" in kind:
            found.append(
                self.chance * predicted(self.effect_control, numbers, threads)
                + (1 - self.chance) * predicted(self.effect_treated, numbers, threads)
            )
        return np.asarray(np.mean(found, axis=0))

    def contributions(self, numbers: np.ndarray, kind: str, threads: int) -> np.ndarray:
        """TreeSHAP contributions (n, features) to the effect (Lundberg et al. 2020), less the base.

        Of the X-learner's effect in units of the outcome, where it is part of the model; else the difference of the
        two outcome models' contributions, in log-odds where the outcome is a yes or no.
        """
        if "x" in kind:
            control = _shap(self.effect_control, numbers, threads)
            return np.asarray(self.chance * control + (1 - self.chance) * _shap(self.effect_treated, numbers, threads))
        return np.asarray(_shap(self.treated, numbers, threads) - _shap(self.control, numbers, threads))


def learn(experiment: Experiment, offer: int, params: Mapping[str, Any], seed: int, threads: int) -> Arm:
    """Learn one offer (its place in `experiment.offers`). The same input gives the same boosters.

    Outcome models stop where customers left out say so. The effects behind the X-learner are imputed with models
    that haven't seen the customer (cross-fitting, Chernozhukov et al. 2018): a model that knows the outcome by heart
    would impute no effect.
    """
    own = experiment.only(experiment.places(offer))
    treated, weight = own.arm != CONTROL, own.trial(np.arange(len(own))).weight
    settings = DEFAULTS | dict(params)
    rounds, patience = settings.pop("outcome_rounds"), settings.pop("outcome_patience")
    effect_rounds, division = settings.pop("effect_rounds"), settings.pop("leaves_per_data")
    fixed = {"deterministic": True, "force_row_wise": True, "num_threads": threads, "seed": seed, "verbose": -1}

    def fit(objective: str, side: np.ndarray, target: np.ndarray, count: int, out: np.ndarray | None = None) -> Any:
        least = int(min(settings["min_data_in_leaf"], max(5, side.sum() // division)))
        made = {**settings, **fixed, "objective": objective, "min_data_in_leaf": least}
        names = {"feature_name": list(experiment.features), "categorical_feature": list(experiment.categorical)}
        data = lightgbm.Dataset(own.numbers[side], target[side], weight=weight[side], params=made, **names)
        if out is None:
            return lightgbm.train(made, data, num_boost_round=count)
        valid = data.create_valid(own.numbers[out], target[out], weight=weight[out])
        stop = lightgbm.early_stopping(patience, verbose=False)
        return lightgbm.train(made, data, num_boost_round=count, valid_sets=[valid], callbacks=[stop])

    kind = "binary" if experiment.is_binary() else "l2"
    outcome = own.outcome.astype(np.float64)
    unseen, best = np.empty((2, len(own))), np.empty((2, len(np.unique(own.fold))))
    for at, fold in enumerate(np.unique(own.fold)):
        out = own.fold == fold
        for side, members in enumerate((~treated, treated)):
            booster = fit(kind, members & ~out, outcome, rounds, members & out)
            best[side, at] = booster.best_iteration
            unseen[side, out] = booster.predict(own.numbers[out], num_threads=threads)
    count = np.maximum(np.median(best, axis=1).astype(int), 1)
    return Arm(
        treated=fit(kind, treated, outcome, int(count[1])),
        control=fit(kind, ~treated, outcome, int(count[0])),
        effect_treated=fit("l2", treated, outcome - unseen[0], effect_rounds),
        effect_control=fit("l2", ~treated, unseen[1] - outcome, effect_rounds),
        chance=float(treated.mean()),
    )


def _shap(booster: lightgbm.Booster, numbers: np.ndarray, threads: int) -> np.ndarray:
    return np.asarray(booster.predict(numbers, pred_contrib=True, num_threads=threads))[:, :-1]
