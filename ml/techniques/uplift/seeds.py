"""Would another seed have told the same? The learners once more by other seeds, on the same test contacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ml.judging.kinds.uplift import qini
from ml.techniques.settling import State
from ml.techniques.uplift.contacts import ContactSet
from ml.techniques.uplift.learners import Arm
from ml.techniques.uplift.model import Model

METRICS = ("qini", "uplift_at_10", "uplift_at_30")


@dataclass(frozen=True)
class Learnt:
    """As `log_trials` reads a try: the seed and what it gave."""

    number: int
    params: dict[str, Any]
    value: float
    metrics: dict[str, float]
    state: State = State.COMPLETE


def by_seed(
    model: Model,
    seeds: Iterable[int],
    learn: Callable[[int], tuple[tuple[Arm, ...], str]],
    data: ContactSet,
    test: np.ndarray,
) -> list[dict[str, Any]]:
    """Of `model` and of one `learn`ed by each further seed: learner, and the METRICS on the test contacts (mask (n,)).

    The first of the seeds is the model's own, and the one that is served whatever the others say. Each is a run in the
    training's.
    """
    found: list[dict[str, Any]] = []
    for at, seed in enumerate(seeds):
        arms, kind = (model.arms, model.kind) if at == 0 else learn(seed)
        found.append({"seed": seed, "learner": kind, **_measured(replace(model, arms=arms, kind=kind), data, test)})
    from ml.tracking.registry import log_trials

    runs = []
    for at, one in enumerate(found):
        params = {"seed": one["seed"], "learner": one["learner"]}
        runs.append(Learnt(at, params, one["qini"], {f"test_{name}": one[name] for name in METRICS[1:]}))
    log_trials("test_qini", runs)
    return found


def _measured(model: Model, data: ContactSet, test: np.ndarray) -> dict[str, float]:
    """The METRICS of each offer on the test contacts, averaged with the number of its treated as weight."""
    experiment = data.experiment(model.features, model.offers).only(test)
    effects = model.effects(experiment.numbers)
    found, treated = [], []
    for at in range(len(model.offers)):
        places = experiment.places(at)
        trial, effect = experiment.trial(places), effects[places, at]
        if 0 < trial.treated.sum() < len(places):
            ordered = trial.ordered(effect)
            found.append([qini(effect, trial), ordered.uplift_at(0.1), ordered.uplift_at(0.3)])
            treated.append(int(trial.treated.sum()))
    if not found:
        # The judgement says what is missing.
        return dict.fromkeys(METRICS, float("nan"))
    return dict(zip(METRICS, np.average(found, axis=0, weights=treated).tolist(), strict=True))


def told(found: list[dict[str, Any]]) -> list[str]:
    """For the card: how far the seeds lie apart."""
    if len(found) < 2:
        return ["Learnt by one seed only: how far others would lie apart wasn't looked at."]
    spread = [
        f"{name} {min(one[name] for one in found):.4f} to {max(one[name] for one in found):.4f}, mean"
        f" {np.mean([one[name] for one in found]):.4f}"
        for name in METRICS
    ]
    return [
        f"By {len(found)} seeds on the same test contacts: {'; '.join(spread)}. Served is the first one's, whatever the"
        " others say; the intervals above are over contacts, not over seeds."
    ]
