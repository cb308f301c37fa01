"""What it is worth to give each customer the offer that a model chooses, told from randomised contacts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONTROL = 0


@dataclass(frozen=True)
class Policy:
    """A choice for n customers of whom it is known what they got; all arrays (n,).

    `arm` is what they got and `chosen` what the policy would have given them (0 is the control), `propensity` the
    probability with which `arm` was drawn, `gain` what each brought: outcome times its value, less the contact's cost.
    """

    arm: np.ndarray
    chosen: np.ndarray
    propensity: np.ndarray
    outcome: np.ndarray
    gain: np.ndarray

    def value(self, copies: np.ndarray | None = None) -> float:
        """The outcome per customer by inverse propensity weighting (Horvitz and Thompson 1952; Li et al. 2011)."""
        weight, total = self._weights(copies)
        return float((weight * self.outcome).sum() / total)

    def normalised_value(self, copies: np.ndarray | None = None) -> float:
        """The same, self-normalised (Hájek 1971; Swaminathan and Joachims 2015): a ratio, less shaken by weights."""
        weight, _ = self._weights(copies)
        return float((weight * self.outcome).sum() / weight.sum()) if weight.sum() else np.nan

    def profit(self, copies: np.ndarray | None = None) -> float:
        """The gain per customer, self-normalised."""
        weight, _ = self._weights(copies)
        return float((weight * self.gain).sum() / weight.sum()) if weight.sum() else np.nan

    def _weights(self, copies: np.ndarray | None) -> tuple[np.ndarray, float]:
        count = np.ones(len(self.arm)) if copies is None else copies
        return np.where(self.arm == self.chosen, count / self.propensity, 0.0), float(count.sum())


def choose(effects: np.ndarray, costs: np.ndarray, value: float, allowed: np.ndarray) -> np.ndarray:
    """The arm (n,) with the highest effect × value less cost; 0 (nobody is contacted) where none brings anything.

    `effects` (n, offers), `costs` (offers,), `allowed` (n, offers): what could be offered to each.
    """
    net = np.where(allowed, effects * value - costs, -np.inf)
    best = net.argmax(axis=1)
    return np.where(net[np.arange(len(net)), best] > 0, best + 1, CONTROL)


def choose_as_many(response: np.ndarray, count: int, allowed: np.ndarray) -> np.ndarray:
    """The arm (n,) of who responds most: the `count` likeliest responders, each with the offer they respond to most."""
    likely = np.where(allowed, response, -np.inf)
    best = likely.argmax(axis=1)
    first = np.argsort(-likely[np.arange(len(likely)), best], kind="stable")[:count]
    chosen = np.full(len(likely), CONTROL)
    chosen[first] = best[first] + 1
    return chosen
