"""Where is the model good and where not? The metrics by group of customers, with intervals, small groups pooled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.judging.fairness import Measured, by_group
from ml.judging.groups import SLICES, members
from ml.judging.judgement import Interval, Judgement
from ml.judging.metrics import compare

RESAMPLES = 200
SHOWN = ("auc", "average_precision", "lift_top_decile", "ece")


@dataclass(frozen=True)
class Slice:
    """One group of customers and the model's metrics in it; None: the question has no positives, or no promise."""

    attribute: str
    group: str
    rows: int
    positives: int | None
    promised: float | None
    metrics: dict[str, Interval]

    @property
    def observed(self) -> float | None:
        """The rate of positives."""
        return None if self.positives is None else self.positives / self.rows

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and numbers, for JSON."""
        return asdict(self) | {"observed": self.observed}


def slices(
    score: np.ndarray,
    label: np.ndarray,
    groups: Mapping[str, np.ndarray],
    names: Sequence[str] = SLICES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Slice]:
    """A probability's metrics in every group of the named attributes (arrays (n,)), but for groups of one class."""
    found = []
    for attribute, group, mask in members(groups, names, label):
        inside, promise = label[mask].astype(np.float64), score[mask]
        if not 0 < inside.sum() < len(inside):
            continue
        judged = compare(promise, promise, inside, resamples=resamples, seed=seed)
        metrics = {name: judged.model[name] for name in SHOWN}
        found.append(Slice(attribute, group, len(inside), int(inside.sum()), float(promise.mean()), metrics))
    return found


def slices_by(
    judge: Callable[[np.ndarray], Judgement | None],
    groups: Mapping[str, np.ndarray],
    shown: Sequence[str],
    cases: np.ndarray | None = None,
    names: Sequence[str] = SLICES,
) -> tuple[Slice, ...]:
    """The `shown` metrics of any judgement in every group of the named attributes (arrays (n,)).

    `judge` takes a group's mask (n,) and may say None: it can't be judged. `cases` (n,) are whom a group must have
    some of, else it is pooled; everybody where not given.
    """
    rows = len(next(iter(groups.values()), ()))
    found = []
    for attribute, group, mask in members(groups, names, np.ones(rows) if cases is None else cases):
        judged = judge(mask)
        if judged is not None:
            metrics = {name: judged.model[name] for name in shown}
            found.append(Slice(attribute, group, judged.rows, judged.positives, None, metrics))
    return tuple(found)


def slices_of(
    measured: Measured, groups: Mapping[str, np.ndarray], names: Sequence[str] = SLICES, seed: int = 0
) -> tuple[Slice, ...]:
    """What is measured of customers, in every group of the named attributes, where the metrics aren't a group's own."""
    return tuple(
        Slice(one.attribute, one.group, one.rows, None, None, one.measures)
        for one in by_group(measured, groups, names, RESAMPLES, seed)
    )


def section(found: Sequence[Slice]) -> str:
    """What a model card says of them."""
    if not found:
        return "## Slices\nNo groups to compare."
    shown = tuple(found[0].metrics)
    has_cases, has_promise = found[0].positives is not None, found[0].promised is not None
    head = ("by", "group", "rows", *(["positives"] if has_cases else []))
    head += ("promised", "observed") if has_promise else ()
    lines = ["| " + " | ".join((*head, *(name.replace("_", " ") for name in shown))) + " |"]
    lines.append("| " + " | ".join("---" for _ in (*head, *shown)) + " |")
    for one in found:
        cells: list[Any] = [one.attribute, one.group, one.rows]
        cells += [one.positives] if has_cases else []
        cells += [f"{one.promised:.4f}", f"{one.observed:.4f}"] if has_promise else []
        lines.append("| " + " | ".join(map(str, [*cells, *(one.metrics[name] for name in shown)])) + " |")
    return "## Slices\nThe metrics by group of customers; intervals are 95 %, small groups are pooled.\n\n" + "\n".join(
        lines
    )
