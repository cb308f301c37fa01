"""Was the treatment drawn at random? Where the covariates tell it, effects can't be learnt from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import lightgbm
import numpy as np

from ml.errors import DataError
from ml.judging.metrics import auc
from ml.techniques.uplift.experiment import CONTROL, Experiment

# Chance alone passes four standard deviations once in 30,000 checks; of a covariate's difference there are many.
DEVIATIONS, COVARIATE_DEVIATIONS = 4.0, 5.0
# Below these a difference, however certain, moves no effect that a bank could act on.
LEAST_AUC, LEAST_DIFFERENCE = 0.02, 0.1
PERMUTATIONS = 200
SAMPLE_ROWS = 50_000
FEWEST = 50
NAMED = 5
SAID = 20


class NotRandomised(DataError):
    """The treatment follows from the covariates: names those that tell it."""


@dataclass(frozen=True)
class Balance:
    """How well the covariates tell one offer from the control: an AUC, what chance gives at most, and who tells it.

    `differences` are standardised mean differences by covariate, largest first, of those beyond chance.
    """

    offer: str
    stratum: int
    rows: int
    auc: float
    chance: float
    differences: dict[str, float]

    @property
    def is_random(self) -> bool:
        """Neither all covariates together nor one alone tell the treatment."""
        return self.auc <= self.chance and not self.differences

    def __str__(self) -> str:
        said = ", ".join(f"{name} (standardised difference {value:+.2f})" for name, value in self.differences.items())
        return f"{self.offer}: AUC {self.auc:.3f} where chance gives at most {self.chance:.3f}; {said or 'together'}"


def require_randomised(
    experiment: Experiment, known: np.ndarray, names: tuple[str, ...] = (), seed: int = 0
) -> list[Balance]:
    """Check every offer against the control, in each draw (stratum) whose chances are the same for everybody.

    `known` (n,) says whose propensity was given. Where given propensities differ within an arm of a draw, the draw
    isn't checked but weighted. `names` are what to call the strata. Raises NotRandomised naming the covariates.
    """
    made = [
        _balance(experiment, rows, given, offer, stratum, seed)
        for stratum, offer, rows, given, why in _draws(experiment, known)
        if not why
    ]
    if refused := [one for one in made if not one.is_random]:
        where = [f"{names[one.stratum]}, {one}" if names else str(one) for one in refused[:NAMED]]
        raise NotRandomised(
            f"Uplift isn't learnt: the treatment wasn't drawn at random, the covariates tell it. {'; '.join(where)}."
            " Whom the bank chose would be taken for what the contact did. Give the probability with which each"
            " customer's treatment was chosen (fct_contact.propensity; --propensity), or draw a control group."
        )
    return made


def told(experiment: Experiment, known: np.ndarray, names: tuple[str, ...], found: list[Balance]) -> str:
    """What `require_randomised` has looked at, for the model card, and which draws it hasn't, with the reason."""
    left = [f"{names[stratum]} {offer} ({why})" for stratum, offer, _, _, why in _draws(experiment, known) if why]
    looked = f"the treatment doesn't follow from the covariates in {len(found)} draws (an offer in a campaign)"
    if not found:
        looked = "no draw was checked for whether the treatment follows from the covariates"
    more = f" and {len(left) - SAID} more" if len(left) > SAID else ""
    return f"{looked}; not checked: {', '.join(left[:SAID])}{more}" if left else f"{looked}, all there are"


def _draws(experiment: Experiment, known: np.ndarray) -> Iterator[tuple[int, str, np.ndarray, np.ndarray, str]]:
    """Stratum, offer, rows with its control, who of them got it, and why it can't be checked (empty: it can)."""
    for stratum in np.unique(experiment.stratum).tolist():
        inside = experiment.stratum == stratum
        for at, offer in enumerate(experiment.offers):
            rows = np.flatnonzero(inside & ((experiment.arm == CONTROL) | (experiment.arm == at + 1)))
            given = experiment.arm[rows] == at + 1
            if not given.any():
                continue
            why = ""
            if min(given.sum(), (~given).sum()) < FEWEST:
                why = f"fewer than {FEWEST} with or without it"
            elif known[rows].all() and _vary(experiment.propensity[rows], given):
                why = "propensities are given that differ between customers, and weight it instead"
            yield stratum, offer, rows, given, why


def standardised_differences(numbers: np.ndarray, given: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """The means' differences in standard deviations, by column (Austin 2009), nulls left out; then those of being null.

    Shape (2 × columns,). With `weight` (n,) of weighted means.
    """
    weight = np.ones(len(given)) if weight is None else weight
    filled = np.column_stack([numbers, np.isnan(numbers).astype(np.float64)])
    there = ~np.isnan(filled)
    values = np.where(there, filled, 0.0)
    mean, spread = [], []
    for side in (given, ~given):
        mass = np.maximum((weight[side, None] * there[side]).sum(axis=0), 1e-300)
        middle = (weight[side, None] * values[side]).sum(axis=0) / mass
        mean.append(middle)
        spread.append((weight[side, None] * there[side] * (values[side] - middle) ** 2).sum(axis=0) / mass)
    deviation = np.sqrt((spread[0] + spread[1]) / 2)
    difference = mean[0] - mean[1]
    nothing = np.where(difference == 0, 0.0, np.inf)
    return np.asarray(np.divide(difference, deviation, out=nothing, where=deviation > 1e-12))


def _vary(propensity: np.ndarray, given: np.ndarray) -> bool:
    return any(float(np.ptp(propensity[side])) > 1e-6 for side in (given, ~given))


def _balance(
    experiment: Experiment, rows: np.ndarray, given: np.ndarray, offer: str, stratum: int, seed: int
) -> Balance:
    rng = np.random.default_rng([seed, stratum])
    if len(rows) > SAMPLE_ROWS:
        kept = np.sort(rng.choice(len(rows), SAMPLE_ROWS, replace=False))
        rows, given = rows[kept], given[kept]
    numbers = experiment.numbers[rows]
    found = _cross_fitted(numbers, given, experiment.categorical, rng)
    reached = auc(found, given)
    # Scores made without the customer say nothing of them by chance: shuffled treatments show how little.
    shuffled = [auc(found, rng.permutation(given)) for _ in range(PERMUTATIONS)]
    limit = 0.5 + max(DEVIATIONS * float(np.std(shuffled)), LEAST_AUC)
    plain = [at for at in range(numbers.shape[1]) if at not in experiment.categorical]
    differences = standardised_differences(numbers[:, plain], given)
    noise = np.sqrt(1 / given.sum() + 1 / (~given).sum())
    beyond = np.abs(differences) > max(LEAST_DIFFERENCE, COVARIATE_DEVIATIONS * noise)
    names = [experiment.features[at] for at in plain]
    labels = [*names, *(f"{name} being null" for name in names)]
    largest = np.argsort(-np.abs(np.where(beyond, differences, 0.0)), kind="stable")[: min(NAMED, int(beyond.sum()))]
    named = {labels[at]: float(differences[at]) for at in largest}
    if reached > limit and not named:
        named = _by_gain(numbers, given, experiment, plain, differences)
    return Balance(offer, stratum, len(rows), reached, limit, named)


def _cross_fitted(
    numbers: np.ndarray, given: np.ndarray, categorical: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """The treatment's log-odds (n,), each customer's from a model of the other half."""
    half = rng.permutation(len(given)) % 2
    score = np.empty(len(given))
    for side in (0, 1):
        booster = _classifier(numbers[half != side], given[half != side], categorical)
        raw = np.asarray(booster.predict(numbers[half == side], raw_score=True))
        score[half == side] = raw - raw.mean()
    return score


def _classifier(numbers: np.ndarray, given: np.ndarray, categorical: tuple[int, ...]) -> lightgbm.Booster:
    params = {
        "objective": "binary", "learning_rate": 0.1, "num_leaves": 8, "min_data_in_leaf": max(5, len(given) // 100),
        "deterministic": True, "force_row_wise": True, "num_threads": 1, "seed": 1, "verbose": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(numbers, given.astype(np.float64), categorical_feature=list(categorical), params=params)
    return lightgbm.train(params, data, num_boost_round=40)


def _by_gain(
    numbers: np.ndarray, given: np.ndarray, experiment: Experiment, plain: list[int], differences: np.ndarray
) -> dict[str, float]:
    """The covariates that the classifier splits on most, with their differences (0 for a category)."""
    gain = _classifier(numbers, given, experiment.categorical).feature_importance("gain")
    most = [int(at) for at in np.argsort(-gain, kind="stable")[:3] if gain[at] > 0]
    return {experiment.features[at]: float(differences[plain.index(at)]) if at in plain else 0.0 for at in most}
