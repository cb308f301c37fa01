"""How well a ranking tells whom a contact changes: Qini and uplift@k, with customers resampled for intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.judging.fairness import Measured, ratio
from ml.judging.judgement import Judgement, judgement
from ml.judging.kinds.policy import CONTROL, Policy

# The names in the order of every report, with whether more is better.
METRICS = {
    "qini": True,
    "uplift_at_10": True,
    "uplift_at_30": True,
    "policy_value": True,
    "policy_profit": True,
}
RESAMPLES = 400


@dataclass(frozen=True)
class Trial:
    """What happened to customers of whom some were treated: all arrays (n,).

    `outcome` is 0/1 or any number, `treated` is boolean, `weight` is one over the probability of what each customer
    got (all ones where every customer had the same chances).
    """

    outcome: np.ndarray
    treated: np.ndarray
    weight: np.ndarray

    def ordered(self, score: np.ndarray) -> Ordered:
        """The customers from the highest score down."""
        return Ordered(score, self)

    @property
    def effect(self) -> float:
        """The average effect: the treated's weighted mean less the others'."""
        treated, other = self.treated, ~self.treated
        return float(
            np.average(self.outcome[treated], weights=self.weight[treated])
            - np.average(self.outcome[other], weights=self.weight[other])
        )


class Ordered:
    """A trial sorted by a score once, so that a resample costs a few cumulative sums; ties stay together."""

    def __init__(self, score: np.ndarray, trial: Trial) -> None:
        self.order = np.argsort(-score, kind="stable")
        ranked = score[self.order]
        self.ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        self.outcome = trial.outcome[self.order].astype(np.float64)
        self.treated = trial.treated[self.order]
        self.weight = trial.weight[self.order]

    def curve(self, copies: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The Qini curve: share of customers treated (0 to 1), and the outcome gained per customer of all.

        Radcliffe (2007), "Using control groups to target on predicted lift": the treated's outcomes among the first
        so many, less the control's scaled to as many customers. With weights both are sums of inverse probabilities.
        `copies` (n,) says how often each customer counts.
        """
        weight = self.weight if copies is None else self.weight * copies[self.order]
        one, other = np.where(self.treated, weight, 0.0), np.where(self.treated, 0.0, weight)
        treated, control = np.cumsum(one)[self.ends], np.cumsum(other)[self.ends]
        won, had = np.cumsum(one * self.outcome)[self.ends], np.cumsum(other * self.outcome)[self.ends]
        if not treated[-1] or not control[-1]:
            return np.array([0.0, 1.0]), np.array([0.0, np.nan])
        matched = np.divide(had * treated, control, out=np.zeros_like(had), where=control > 0)
        share = (treated + control) / (treated[-1] + control[-1])
        return np.append(0.0, share), np.append(0.0, (won - matched) / treated[-1])

    def area(self, copies: np.ndarray | None = None) -> float:
        """The area between the Qini curve and the straight line of a random order."""
        share, gained = self.curve(copies)
        return float(np.trapezoid(gained, share) - gained[-1] / 2)

    def uplift_at(self, share: float, copies: np.ndarray | None = None) -> float:
        """The average effect among the first `share` of the customers."""
        weight = self.weight if copies is None else self.weight * copies[self.order]
        reached = np.cumsum(weight)
        first = reached <= share * reached[-1] + 1e-9
        one, other = first & self.treated, first & ~self.treated
        if not weight[one].sum() or not weight[other].sum():
            return np.nan
        return float(
            np.average(self.outcome[one], weights=weight[one]) - np.average(self.outcome[other], weights=weight[other])
        )


@dataclass(frozen=True)
class Offer:
    """One offer's customers and the control's: `rows` are their places in the whole, the rest is by them."""

    name: str
    rows: np.ndarray
    trial: Trial
    scores: np.ndarray
    baseline: np.ndarray


def compare(
    offers: Sequence[Offer],
    policies: tuple[Policy, Policy],
    positives: int | None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Judgement:
    """Two ways to rank and to choose, on the same customers, resampled in pairs.

    Qini and uplift@k are each offer's own, averaged with the number of its treated as weight. `policies` are the
    model's and the baseline's, on all rows that `Offer.rows` point into.
    """
    sides = [[offer.trial.ordered(scores) for scores in (offer.scores, offer.baseline)] for offer in offers]
    best = [_perfect(offer.trial) for offer in offers]
    share = np.array([offer.trial.treated.sum() for offer in offers]) / sum(o.trial.treated.sum() for o in offers)
    rows = len(policies[0].outcome)

    def measured(copies: np.ndarray) -> np.ndarray:
        found = np.empty((2, len(METRICS)))
        own = [copies[offer.rows] for offer in offers]
        # Of few buyers a resample may have none: then no order is better than another.
        areas = [perfect.area(each) or np.nan for perfect, each in zip(best, own, strict=True)]
        for at in range(2):
            ranked = [side[at] for side in sides]
            found[at] = [
                _mean([one.area(c) / area for one, c, area in zip(ranked, own, areas, strict=True)], share),
                _mean([one.uplift_at(0.1, c) for one, c in zip(ranked, own, strict=True)], share),
                _mean([one.uplift_at(0.3, c) for one, c in zip(ranked, own, strict=True)], share),
                policies[at].value(copies),
                policies[at].profit(copies),
            ]
        return found

    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples, 2, len(METRICS)))
    for at in range(resamples):
        drawn[at] = measured(np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64))
    return judgement(rows, positives, METRICS, measured(np.ones(rows)), drawn)


def effects_by_group(policy: Policy, offers: np.ndarray, promised: np.ndarray) -> Measured:
    """Whom the policy contacts, what contacts really changed by group, and the error of what was promised.

    `offers` (n,) is how many offers were drawn in the customer's campaign, each of which tells of its customers;
    `promised` (n,) the effect said of what each really got. Observed effects are differences of means, weighted by
    inverse propensity; rows with an arm below 0 only count as selected.
    """
    selected, weight = policy.chosen != CONTROL, 1 / policy.propensity
    one = np.where(policy.arm > CONTROL, weight / np.maximum(offers, 1), 0.0)
    same = np.where(selected & (policy.arm == policy.chosen), weight, 0.0)
    other = np.where(policy.arm == CONTROL, weight, 0.0)
    sides = (one, other, same, selected * other)
    parts = [np.ones(len(weight)), selected, one * promised, *sides, *(side * policy.outcome for side in sides)]

    def measure(sums: np.ndarray) -> np.ndarray:
        rows, chosen, said, *both = np.moveaxis(sums, -1, 0)
        mean = [ratio(bought, there) for there, bought in zip(both[:4], both[4:], strict=True)]
        everybody, picked = mean[0] - mean[1], mean[2] - mean[3]
        return np.stack([ratio(chosen, rows), everybody, picked, ratio(said, both[0]) - everybody], axis=-1)

    return Measured(
        names=("selection_rate", "observed_uplift", "uplift_of_selected", "calibration"),
        parts=np.column_stack(parts),
        measure=measure,
        cases=np.ones(len(weight)),
        says="The selection rate is the share that the model would contact with any offer; observed uplift is how much"
        " more of the contacted than of the control bought; that of the selected compares who got what the model would"
        " choose with the control; calibration is the mean promised effect less the observed.",
    )


def _mean(values: Sequence[float], share: np.ndarray) -> float:
    found = np.array(values)
    there = np.isfinite(found)
    return float(np.average(found[there], weights=share[there])) if there.any() else np.nan


def _perfect(trial: Trial) -> Ordered:
    return trial.ordered(np.where(trial.treated, 1.0, -1.0) * trial.outcome)


def perfect_area(trial: Trial) -> float:
    """The area of the best order there could be: treated buyers first, control buyers last."""
    return _perfect(trial).area()


def qini(score: np.ndarray, trial: Trial) -> float:
    """The Qini coefficient: the area over random as a share of the perfect order's (1 is perfect, 0 is random).

    NaN where no order is better than another: nobody's outcome differs.
    """
    perfect = perfect_area(trial)
    return trial.ordered(score).area() / perfect if perfect else np.nan
