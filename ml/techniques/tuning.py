"""A few tries at better parameters: seeded, pruned early, judged on the customers that end the fit, never on test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

if TYPE_CHECKING:
    import optuna

# Parameters are compared, not fitted: more rows than these only cost time.
ROWS = 40_000
FIRST_PRUNED_ROUND = 20
ROUNDS_BETWEEN = 10


@dataclass(frozen=True)
class Trial:
    """One try: its parameters, its log loss on the stop customers (NaN where it was given up), rounds, outcome."""

    params: dict[str, Any]
    loss: float
    rounds: int
    state: str


@dataclass(frozen=True)
class Tuned:
    """The parameters to use, all trials (the first one: those of the spec), why these, and Optuna's own record."""

    params: dict[str, Any]
    trials: list[Trial]
    reason: str
    record: list[Any]


def tune(
    fixed: Mapping[str, Any],
    train: tuple[np.ndarray, np.ndarray],
    stop: tuple[np.ndarray, np.ndarray],
    trials: int,
    rounds: int,
    patience: int,
    seed: int,
) -> Tuned:
    """Try `trials` sets of parameters beside `fixed` (LightGBM's names); features and label of each part.

    The spec's own are kept unless another set is better by more than two standard errors of the difference per
    customer: with few positives the best of many tries is mostly luck. The same input gives the same answer.
    """
    # It takes a second to import, and most processes that load a model never tune.
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rng = np.random.default_rng(seed)
    rows = np.arange(len(train[1]))
    if len(rows) > ROWS:
        rows = np.sort(rng.choice(rows, ROWS, replace=False))
    label = stop[1].astype(np.float64)
    losses: dict[int, np.ndarray] = {}

    # Cut into bins once for all trials, which costs as much as a trial's trees: so no feature may be left out for what
    # one trial's leaves need.
    once = {**fixed, "feature_pre_filter": False}
    fitted = lightgbm.Dataset(train[0][rows], train[1][rows], params=once)
    watched = fitted.create_valid(*stop)

    def objective(trial: optuna.Trial) -> float:
        params = {**once, **(_suggested(trial, fixed) if trial.number else {})}
        callbacks = [lightgbm.early_stopping(patience, verbose=False), _pruning(trial)]
        booster = lightgbm.train(params, fitted, num_boost_round=rounds, valid_sets=[watched], callbacks=callbacks)
        losses[trial.number] = _loss(np.asarray(booster.predict(stop[0], num_iteration=booster.best_iteration)), label)
        trial.set_user_attr("rounds", booster.best_iteration)
        return float(losses[trial.number].mean())

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(3, trials // 2)),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=FIRST_PRUNED_ROUND),
    )
    study.optimize(objective, n_trials=trials + 1)
    made = [
        Trial(
            dict(one.params),
            float(losses[one.number].mean()) if one.number in losses else float("nan"),
            int(one.user_attrs.get("rounds", 0)),
            one.state.name.lower(),
        )
        for one in study.trials
    ]
    best = study.best_trial
    if best.number == 0:
        return Tuned({}, made, "no trial was better than the spec's parameters", study.trials)
    gain = losses[0] - losses[best.number]
    error = float(gain.std() / np.sqrt(len(gain)))
    if gain.mean() <= 2 * error:
        reason = f"the best trial is ahead by {gain.mean():.2e}, within two standard errors of {error:.2e}"
        return Tuned({}, made, reason, study.trials)
    reason = f"a trial is ahead by {gain.mean():.2e} (standard error {error:.2e})"
    return Tuned(dict(best.params), made, reason, study.trials)


def _suggested(trial: optuna.Trial, fixed: Mapping[str, Any]) -> dict[str, Any]:
    leaf = int(fixed.get("min_data_in_leaf", 50))
    return {
        "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", max(5, leaf // 4), leaf * 4, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.15, log=True),
    }


def _pruning(trial: optuna.Trial) -> Any:
    import optuna

    def report(at: Any) -> None:
        if at.iteration % ROUNDS_BETWEEN:
            return
        trial.report(at.evaluation_result_list[0][2], at.iteration)
        if trial.number and trial.should_prune():
            raise optuna.TrialPruned

    return report


def _loss(probability: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Log loss per customer (n,)."""
    safe = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.asarray(-(label * np.log(safe) + (1 - label) * np.log(1 - safe)))
