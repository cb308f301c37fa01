"""Which of a spec's settings a bank's own history prefers, found on a date before the test: the test isn't looked at.

A spec's `params` may name others in `settings`, each with what it changes. All are learnt from the older dates and
compared on the newest date that may be learnt from, in pairs; the spec's own stay unless another one is better there
beyond chance. Every one that was tried is a nested run of the training's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from ml.data.split import Split
from ml.data.training import as_date
from ml.spec import Spec

AS_WRITTEN = "as written"


class State(Enum):
    """How a try ended; one that fails ends the training."""

    COMPLETE = 1


@dataclass(frozen=True)
class Tried:
    """As `log_trials` reads a try: what it changed, and by how much it was ahead of the spec's own settings."""

    number: int
    params: dict[str, Any]
    value: float
    state: State = State.COMPLETE


def settle(
    spec: Spec,
    data: Any,
    split: Split,
    is_over: Callable[[int, int], bool],
    fit: Callable[[Spec, Any, Split], Any],
) -> tuple[Spec, dict[str, Any]]:
    """The spec with the settings to learn with, and as facts which these are and a sentence for the card.

    `is_over(day, later)` says whether what follows a date was known on a later one (days since 1970).
    """
    choices = dict(spec.params.get("settings", {}))
    plain = {name: value for name, value in spec.params.items() if name != "settings"}
    written = replace(spec, params=plain)
    inner = _earlier(data, split, is_over)
    least = spec.needs.train_positives, spec.needs.test_positives
    if not choices or inner is None or inner.train.sum() < least[0] or inner.test.sum() < least[1]:
        why = "there is too little history before the test date to settle them" if choices else "no others are named"
        return written, {
            "settings": AS_WRITTEN,
            "settled": f"Settings as the spec writes them, nothing was tuned: {why}.",
        }
    first = fit(written, data, inner)
    metric, best, ahead, tried = spec.gates.metric, AS_WRITTEN, 0.0, []
    tries = [Tried(0, {"settings": AS_WRITTEN}, 0.0)]
    for name, changed in choices.items():
        other = fit(replace(spec, params=plain | dict(changed)), data, inner)
        gap = other.against(first, data, inner.test, spec.seed).ahead(metric)
        tried.append(f"{name} {gap.value:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]")
        tries.append(Tried(len(tries), {"settings": name, **changed}, gap.value))
        if gap.low > 0 and gap.value > ahead:
            best, ahead = name, gap.value
    # Children of the run that is open; without one (a test, a benchmark) nothing.
    from ml.tracking.registry import log_trials

    log_trials(f"{metric}_ahead", tries)
    said = (
        f"Settings settled on {inner.periods['test'][0]}, from which the test date is apart; learnt from older dates"
        f" ({', '.join(inner.periods['train'])}). {metric} against the spec's own: {'; '.join(tried)}. Taken: {best}."
    )
    chosen = written if best == AS_WRITTEN else replace(spec, params=plain | dict(choices[best]))
    return chosen, {"settings": best, "settled": said}


def _earlier(data: Any, split: Split, is_over: Callable[[int, int], bool]) -> Split | None:
    """The newest date that may be learnt from as the test, and the dates that were over on it; None without any."""
    learnt = split.train | split.stop | split.calibration
    days = np.unique(data.day[learnt]).tolist()
    older = [day for day in days if is_over(day, days[-1])]
    if not older:
        return None
    kept = np.isin(data.day, older)
    dates = [as_date(day).isoformat() for day in older]
    calibrated = dates if split.calibration.any() else []
    return Split(
        train=split.train & kept,
        stop=split.stop & kept,
        calibration=split.calibration & kept,
        test=learnt & (data.day == days[-1]),
        rule="the newest date that may be learnt from judges settings",
        periods={"train": dates, "calibration": calibrated, "test": [as_date(days[-1]).isoformat()]},
    )
