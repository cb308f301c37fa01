"""May this version become the champion? Every check with what was found, what is needed and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from ml.judging.metrics import METRICS, Interval, Judgement
from ml.spec import Gates


@dataclass(frozen=True)
class Check:
    """One gate's outcome."""

    name: str
    passed: bool
    found: str
    needed: str


def checks(gates: Gates, judged: Judgement) -> list[Check]:
    """The checks that a version passes or fails by itself, on the out-of-time customers."""
    ahead = _ahead(gates.metric, judged.difference[gates.metric])
    ece, auc = judged.model["ece"], judged.model["auc"]
    return [
        Check(
            "population",
            judged.rows >= gates.minimum_rows,
            f"{judged.rows} customers",
            f">= {gates.minimum_rows}",
        ),
        Check(
            "positives",
            judged.positives >= gates.minimum_positives,
            f"{judged.positives} positives",
            f">= {gates.minimum_positives}",
        ),
        Check(
            f"{gates.metric} above the baseline",
            ahead.low > 0,
            f"difference {ahead}",
            "the interval lies above 0",
        ),
        Check("calibration", ece.value <= gates.maximum_ece, f"ECE {ece}", f"<= {gates.maximum_ece}"),
        Check(
            "believable",
            auc.value < gates.unbelievable_auc,
            f"AUC {auc}",
            f"< {gates.unbelievable_auc} (above it, suspect leakage)",
        ),
    ]


def champion_check(gates: Gates, version: str, judged: Judgement) -> Check:
    """Not worse than the champion, which `judged` holds in the baseline's place, on the same customers."""
    ahead = _ahead(gates.metric, judged.difference[gates.metric])
    return Check(
        f"{gates.metric} not worse than champion {version}",
        ahead.low > -gates.margin,
        f"difference {ahead}",
        f"the interval lies above -{gates.margin}",
    )


def _ahead(metric: str, difference: Interval) -> Interval:
    """The difference turned so that more is better."""
    if METRICS[metric]:
        return difference
    return Interval(-difference.value, -difference.high, -difference.low)


def report(title: str, made: list[Check]) -> str:
    """The checks as Markdown."""
    lines = [f"# {title}", "", "| gate | passed | found | needed |", "| --- | --- | --- | --- |"]
    lines += [f"| {one.name} | {'yes' if one.passed else '**no**'} | {one.found} | {one.needed} |" for one in made]
    return "\n".join(lines) + "\n"
