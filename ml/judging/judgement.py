"""What a judgement says: metrics of a model, of its baseline and of their difference, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from ml.judging.drift import Drift
    from ml.judging.fairness import GroupFairness
    from ml.judging.slices import Slice


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"

    def turned(self) -> Interval:
        """The same of the opposite sign."""
        return Interval(-self.value, -self.high, -self.low)


@dataclass(frozen=True)
class Judgement:
    """Model, baseline and their difference (model less baseline) on the same rows, by metric.

    `more_is_better` names every metric in the order of the reports. `positives` is None where the question
    has none. `fairness` are measures by group, `compared` what they are; `unknown_groups` says why there are none,
    where nobody's groups are known. `slices` are metrics by group; `drift` is against training, and `undrifted` says
    what of it makes no sense for the technique. `absent` says the same of what other models have: calibration, gain,
    lift, cost, shap → why there is none. `overall` are the groups' measures of all rows together, where a gate asks.
    """

    rows: int
    positives: int | None
    more_is_better: Mapping[str, bool]
    model: dict[str, Interval]
    baseline: dict[str, Interval]
    difference: dict[str, Interval]
    fairness: tuple[GroupFairness, ...] = ()
    unknown_groups: str = ""
    compared: str = ""
    slices: tuple[Slice, ...] = ()
    drift: Drift | None = None
    undrifted: str = ""
    absent: Mapping[str, str] = field(default_factory=dict)
    overall: Mapping[str, Interval] = field(default_factory=dict)
    # How far a group's measure may lie from everybody else's, where the spec's `limits` don't say it.
    usual_gaps: ClassVar[Mapping[str, float]] = {}

    def ahead(self, metric: str) -> Interval:
        """By how much the model is better in a metric: the difference, turned where less is better."""
        difference = self.difference[metric]
        return difference if self.more_is_better[metric] else difference.turned()

    def sections(self) -> list[str]:
        """What the model card says beside the metrics, in Markdown: drift and slices, and what else there is."""
        from ml.judging import drift, slices

        return [drift.section(self.drift, self.undrifted), slices.section(self.slices), *self._absent()]

    def _absent(self) -> list[str]:
        said = "\n".join(f"- {what}: {why}." for what, why in self.absent.items())
        return [f"## What there is not\n{said}"] if said else []

    def has_both_classes(self) -> bool:
        """Whether there is something to judge: rows, and positives and negatives where the question has them."""
        return self.rows > 0 if self.positives is None else 0 < self.positives < self.rows

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and numbers, for JSON."""
        return asdict(self) | {"more_is_better": dict(self.more_is_better), "absent": dict(self.absent)}


def judgement(
    rows: int, positives: int | None, more_is_better: Mapping[str, bool], value: np.ndarray, drawn: np.ndarray
) -> Judgement:
    """Of the values (2, metrics) of model and baseline, and of their resamples (resamples, 2, metrics).

    Both in the order of `more_is_better`; the resamples must be paired, so that their difference has a meaning.
    """

    def intervals(values: np.ndarray, samples: np.ndarray) -> dict[str, Interval]:
        low, high = np.nanpercentile(samples, [2.5, 97.5], axis=0)
        return {
            name: Interval(float(values[at]), float(low[at]), float(high[at])) for at, name in enumerate(more_is_better)
        }

    return Judgement(
        rows=rows,
        positives=positives,
        more_is_better=more_is_better,
        model=intervals(value[0], drawn[:, 0]),
        baseline=intervals(value[1], drawn[:, 1]),
        difference=intervals(value[0] - value[1], drawn[:, 0] - drawn[:, 1]),
    )
