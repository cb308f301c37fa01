"""All offers learnt, and the learner chosen on customers that none of them has seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ml.judging.kinds.uplift import qini
from ml.techniques.uplift.experiment import Experiment
from ml.techniques.uplift.learners import KINDS, Arm, learn


def learn_and_choose(
    learnt: Experiment, calibration: Experiment, params: Mapping[str, Any], seed: int, threads: int
) -> tuple[tuple[Arm, ...], str, dict[str, float]]:
    """Arms learnt on both sets of customers, the kind of learner, and each kind's Qini on `calibration`.

    The kinds are compared by arms that were learnt without the calibration's customers; the mean of T and X is taken
    unless one alone is better there. What is returned is then learnt from all.
    """
    offers = range(len(learnt.offers))
    tried = [learn(learnt, at, params, seed, threads) for at in offers]
    found = {kind: _qini(tried, calibration, kind, threads) for kind in KINDS}
    kind = max(reversed(KINDS), key=lambda one: found[one])
    whole = _together(learnt, calibration)
    return tuple(learn(whole, at, params, seed, threads) for at in offers), kind, found


def _qini(arms: list[Arm], experiment: Experiment, kind: str, threads: int) -> float:
    """The offers' Qini on average, weighted by how many got them."""
    total, count = 0.0, 0
    for at, arm in enumerate(arms):
        places = experiment.places(at)
        trial = experiment.trial(places)
        effect = arm.effect(experiment.numbers[places], kind, threads)
        found = qini(effect, trial) if 0 < trial.treated.sum() < len(places) else np.nan
        if np.isfinite(found):
            total, count = total + found * int(trial.treated.sum()), count + int(trial.treated.sum())
    return total / count if count else 0.0


def _together(one: Experiment, other: Experiment) -> Experiment:
    parts = ("numbers", "arm", "outcome", "propensity", "stratum", "fold")
    return Experiment(
        features=one.features,
        offers=one.offers,
        categorical=one.categorical,
        **{part: np.concatenate([getattr(one, part), getattr(other, part)]) for part in parts},
    )
