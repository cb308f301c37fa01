"""All that a probability is judged by: metrics, groups, drift and money, as one judgement with words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from ml.judging.cost import CostCurve, cost_curve
from ml.judging.drift import Drift
from ml.judging.fairness import SAYS, fairness
from ml.judging.groups import BRANCH, unknown
from ml.judging.judgement import Judgement
from ml.judging.slices import slices
from ml.spec import Economics

# Beyond these gaps between a group and everybody else a model isn't promoted; a spec's `limits` may say others.
# Base rates differ between groups, so their selection may too: true positives and calibration are held tighter.
FAIRNESS_LIMITS = {"selection_rate": 0.2, "true_positive_rate": 0.3, "calibration": 0.03}

UNPRICED = {"cost": "the spec states neither what a contact costs nor what a success is worth"}


@dataclass(frozen=True)
class ProbabilityJudgement(Judgement):
    """A judgement with the cost curve; None where not asked for."""

    usual_gaps: ClassVar[Mapping[str, float]] = FAIRNESS_LIMITS
    cost: CostCurve | None = None

    def sections(self) -> list[str]:
        """What the model card says of it, in Markdown."""
        return super().sections() + ([_cost_section(self.cost)] if self.cost else [])


def with_groups(
    judged: Judgement,
    score: np.ndarray,
    label: np.ndarray,
    selected: np.ndarray,
    groups: Mapping[str, np.ndarray],
    drift: Drift | None,
    economics: Economics | None,
    seed: int,
) -> ProbabilityJudgement:
    """`judged` and the rest, on the same customers (arrays (n,)); `selected`: those in a band that is acted on."""
    branch = groups.get(BRANCH, np.full(len(label), "the bank", dtype=object))
    plain = {field.name: getattr(judged, field.name) for field in fields(Judgement)}
    plain |= {"fairness": tuple(fairness(score, label, selected, groups, seed=seed)), "compared": SAYS}
    plain |= {"unknown_groups": unknown(groups), "drift": drift}
    plain |= {"absent": {} if economics else UNPRICED}
    return ProbabilityJudgement(
        **plain | {"slices": tuple(slices(score, label, groups, seed=seed))},
        cost=cost_curve(score, label, branch, economics, seed=seed) if economics else None,
    )


def _cost_section(found: CostCurve) -> str:
    return (
        "## What it is worth\n"
        f"{found.branches} branches, each calling its {found.capacity} first by score: profit"
        f" {found.profit_at_capacity.value:,.0f} [{found.profit_at_capacity.low:,.0f},"
        f" {found.profit_at_capacity.high:,.0f}], by calling anybody {found.profit_at_random:,.0f}."
        f" The most profitable number of calls is {found.best} a branch. See `cost.png`."
    )
