"""One split of an experiment learnt and judged, and many of them summed up: no seed is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.errors import DataError
from ml.judging.kinds.policy import CONTROL, Policy, choose
from ml.judging.kinds.uplift import Trial, perfect_area
from ml.spec import load_spec
from ml.techniques.uplift.choice import learn_and_choose
from ml.techniques.uplift.experiment import Experiment
from ml.techniques.uplift.learners import Arm

METRICS = ("qini", "response_qini", "qini_above_response", "random_qini", "uplift_at_10", "uplift_at_30")


@dataclass(frozen=True)
class Outcome:
    """One treatment's metrics in one seed: values by name, and their resamples (resamples,) by name."""

    values: dict[str, float]
    drawn: dict[str, np.ndarray]
    kind: str


def judge_split(learnt: Experiment, test: Experiment, seed: int, resamples: int, threads: int) -> list[Outcome]:
    """Learn on one part, judge each treatment on the other. Raises DataError where one has too few customers."""
    for at, name in enumerate(learnt.offers):
        for part, experiment in (("train", learnt), ("test", test)):
            trial = experiment.trial(experiment.places(at))
            sides = [trial.outcome[side] for side in (trial.treated, ~trial.treated)]
            if min(map(len, sides)) < 10 or len(np.unique(trial.outcome)) < 2:
                raise DataError(
                    f"Treatment {name!r} can't be judged: {part} has {len(sides[0])} customers with it and"
                    f" {len(sides[1])} of the control, whose target sums to {sides[0].sum():g} and {sides[1].sum():g}."
                )
    rng = np.random.default_rng([seed, 2])
    held = rng.random(len(learnt)) < 0.25
    arms, kind, _ = learn_and_choose(learnt.only(~held), learnt.only(held), load_spec("uplift").params, seed, threads)
    return [_judged(arms, kind, test, at, seed, resamples, threads) for at in range(len(learnt.offers))]


def _judged(
    arms: tuple[Arm, ...], kind: str, test: Experiment, at: int, seed: int, resamples: int, threads: int
) -> Outcome:
    places = test.places(at)
    trial, numbers = test.trial(places), test.numbers[places]
    effect = arms[at].effect(numbers, kind, threads)
    rng = np.random.default_rng([seed, 3 + at])
    scores = {
        "qini": effect,
        "response_qini": arms[at].response(numbers, threads),
        "random_qini": rng.random(len(places)),
    }
    ranked = {name: trial.ordered(score) for name, score in scores.items()}
    best = trial.ordered(np.where(trial.treated, 1.0, -1.0) * trial.outcome)
    arm = (test.arm[places] != CONTROL).astype(int)
    worth = choose(effect[:, None], np.zeros(1), 1.0, np.ones((len(places), 1), dtype=bool))
    # Two arms of several: their chances within the pair.
    chance = test.propensity[places] / _pair(trial)
    policies = {
        "policy_value": Policy(arm, worth, chance, trial.outcome, trial.outcome),
        "value_all_treated": Policy(arm, np.ones(len(arm), int), chance, trial.outcome, trial.outcome),
        "value_none_treated": Policy(arm, np.zeros(len(arm), int), chance, trial.outcome, trial.outcome),
    }

    def measured(copies: np.ndarray) -> dict[str, float]:
        area = best.area(copies) or np.nan
        found = {name: one.area(copies) / area for name, one in ranked.items()}
        found["qini_above_response"] = found["qini"] - found["response_qini"]
        found |= {
            "uplift_at_10": ranked["qini"].uplift_at(0.1, copies),
            "uplift_at_30": ranked["qini"].uplift_at(0.3, copies),
            "share_treated": float(np.average(worth, weights=copies)),
        }
        for name, policy in policies.items():
            found[name] = policy.value(copies)
            found[f"{name}_self_normalised"] = policy.normalised_value(copies)
        return found

    rows = len(places)
    drawn = [
        measured(np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)) for _ in range(resamples)
    ]
    values = measured(np.ones(rows)) | {
        "effect": trial.effect,
        "qini_area": ranked["qini"].area(),
        "perfect_area": perfect_area(trial),
    }
    return Outcome(values, {name: np.array([one[name] for one in drawn]) for name in drawn[0]}, kind)


def _pair(trial: Trial) -> float:
    """The part of all customers that the pair of arms makes up, told from the weights."""
    return float(len(trial.outcome) / (trial.weight.sum() / 2))


def summary(offers: tuple[str, ...], found: list[list[Outcome]]) -> dict[str, Any]:
    """Per treatment and metric: mean over seeds with spread, the bootstrap's interval, and every seed's value."""
    said: dict[str, Any] = {}
    for at, offer in enumerate(offers):
        own = [seed[at] for seed in found]
        metrics = {}
        for name in own[0].values:
            values = np.array([one.values[name] for one in own])
            metrics[name] = {
                "mean": _short(values.mean()),
                "seed_sd": _short(values.std(ddof=1)) if len(values) > 1 else None,
                "seed_range": [_short(values.min()), _short(values.max())],
            }
            if name in own[0].drawn:
                low, high = np.nanpercentile(np.concatenate([one.drawn[name] for one in own]), [2.5, 97.5])
                metrics[name]["bootstrap_95"] = [_short(low), _short(high)]
            if name in METRICS:
                metrics[name]["by_seed"] = [_short(value) for value in values]
        said[offer] = {"metrics": metrics, "learner_by_seed": [one.kind for one in own]}
    return {"treatments": said}


def _short(value: float) -> float:
    return round(float(value), 6)
