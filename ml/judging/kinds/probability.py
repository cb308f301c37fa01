"""All that a probability is judged by: metrics, groups, drift and money, as one judgement with checks and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from ml.judging import gate
from ml.judging.cost import CostCurve, cost_curve
from ml.judging.drift import DRIFTED_WORD, Drift
from ml.judging.fairness import SAYS, fairness
from ml.judging.gate import Check
from ml.judging.groups import BRANCH, unknown
from ml.judging.judgement import Judgement
from ml.judging.slices import SHOWN, Slice, slices
from ml.spec import Economics, Gates

# Beyond these gaps between a group and everybody else a model isn't promoted; a spec's `limits` may say others.
# Base rates differ between groups, so their selection may too: true positives and calibration are held tighter.
FAIRNESS_LIMITS = {"selection_rate": 0.2, "true_positive_rate": 0.3, "calibration": 0.03}


@dataclass(frozen=True)
class ProbabilityJudgement(Judgement):
    """A judgement with slices, drift against training and the cost curve; None where not asked for."""

    usual_gaps: ClassVar[Mapping[str, float]] = FAIRNESS_LIMITS
    slices: tuple[Slice, ...] = ()
    drift: Drift | None = None
    cost: CostCurve | None = None

    def sections(self) -> list[str]:
        """What the model card says of it, in Markdown."""
        found = [_drift_section(self.drift)] if self.drift else []
        found.append(_slices_section(self.slices))
        return found + ([_cost_section(self.cost)] if self.cost else [])


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
    return ProbabilityJudgement(
        **plain | {"unknown_groups": unknown(groups)},
        slices=tuple(slices(score, label, groups, seed=seed)),
        drift=drift,
        cost=cost_curve(score, label, branch, economics, seed=seed) if economics else None,
    )


def checks(gates: Gates, judged: Judgement) -> list[Check]:
    """The checks that every model has, then drift."""
    made = gate.checks(gates, judged)
    if isinstance(judged, ProbabilityJudgement) and judged.drift:
        score = judged.drift.shifts[0]
        found = f"{judged.drift.verdict}, PSI of the score {score.psi:.3f}"
        made.append(
            Check("drift", judged.drift.verdict != DRIFTED_WORD, found, "the test customers resemble training's")
        )
    return made


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _drift_section(found: Drift) -> str:
    rows = [(one.name, f"{one.psi:.3f}", one.verdict, f"{one.weight:.1%}") for one in found.shifts[:8]]
    return (
        f"## Drift of the test customers against training: {found.verdict}\n"
        "Population stability index; the score first, then what moved most and how much of the model it carries.\n\n"
        + _table(("column", "PSI", "verdict", "carries"), rows)
    )


def _slices_section(found: tuple[Slice, ...]) -> str:
    if not found:
        return "## Slices\nNo groups to compare."
    rows = [
        (one.attribute, one.group, one.rows, one.positives, f"{one.promised:.4f}", f"{one.observed:.4f}")
        + tuple(one.metrics[name] for name in SHOWN)
        for one in found
    ]
    return "## Slices\n" + _table(("by", "group", "rows", "positives", "promised", "observed", *SHOWN), rows)


def _cost_section(found: CostCurve) -> str:
    return (
        "## What it is worth\n"
        f"{found.branches} branches, each calling its {found.capacity} first by score: profit"
        f" {found.profit_at_capacity.value:,.0f} [{found.profit_at_capacity.low:,.0f},"
        f" {found.profit_at_capacity.high:,.0f}], by calling anybody {found.profit_at_random:,.0f}."
        f" The most profitable number of calls is {found.best} a branch. See `cost.png`."
    )
