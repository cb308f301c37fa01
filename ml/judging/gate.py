"""May this version become the champion? Every check with what was found, what is needed and a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ml.judging.drift import DRIFTED_WORD
from ml.judging.fairness import unfair
from ml.judging.groups import SMALL_POSITIVES, SMALL_ROWS
from ml.judging.judgement import Judgement
from ml.spec import Gates, Spec

# What every version must have shown before it is promoted, whatever the model.
POPULATION, BETTER, CALIBRATION, FAIRNESS, DRIFT = "population", "better", "calibration", "fairness", "drift"
KINDS = (POPULATION, BETTER, CALIBRATION, FAIRNESS, DRIFT)
# Metrics that say how far promises are from what came; other bounds are of how good the model is.
CALIBRATION_ERRORS = ("ece", "decile_error")
NOT_JUDGED = "not judged"
TOO_SMALL = f"no two groups have {SMALL_ROWS} customers and {SMALL_POSITIVES} cases each"


@dataclass(frozen=True)
class Check:
    """One gate's outcome. `kind`: which of KINDS it is of; where the question has no such gate it doesn't apply."""

    name: str
    passed: bool
    found: str
    needed: str
    kind: str = BETTER
    applies: bool = True


def checks(gates: Gates, judged: Judgement) -> list[Check]:
    """The checks that a version passes or fails by itself, on the out-of-time rows."""
    ahead = judged.ahead(gates.metric)
    rows, least = judged.rows, gates.minimum_rows
    made = [Check(POPULATION, rows >= least, f"{rows} rows", f">= {least}", POPULATION)]
    if gates.minimum_positives is not None:
        found = judged.positives or 0
        enough = found >= gates.minimum_positives
        made.append(Check("positives", enough, f"{found} positives", f">= {gates.minimum_positives}", POPULATION))
    made.append(
        Check(
            f"{gates.metric} above the baseline",
            ahead.low > 0,
            f"difference {ahead}",
            "the interval lies above 0",
        )
    )
    for metric, limit in gates.at_most.items():
        found_value = judged.model[metric]
        made.append(
            Check(f"{metric} low enough", found_value.value <= limit, f"{found_value}", f"<= {limit}", _kind(metric))
        )
    for metric, limit in gates.at_least.items():
        found_value = judged.model[metric]
        made.append(
            Check(f"{metric} high enough", found_value.value >= limit, f"{found_value}", f">= {limit}", _kind(metric))
        )
    for metric, limit in gates.unbelievable.items():
        found_value = judged.model[metric]
        needed = f"< {limit} (above it, suspect leakage)"
        made.append(Check(f"{metric} believable", found_value.value < limit, f"{found_value}", needed))
    if judged.compared:
        made.append(_fair(gates, judged))
    if judged.drift:
        verdict, score = judged.drift.verdict, judged.drift.shifts[0]
        found_drift = f"{verdict}, PSI of the score {score.psi:.3f}"
        made.append(Check(DRIFT, verdict != DRIFTED_WORD, found_drift, "the test rows resemble training's", DRIFT))
    return made


def _kind(metric: str) -> str:
    return CALIBRATION if metric in CALIBRATION_ERRORS else BETTER


def every_kind(made: list[Check], judged: Judgement) -> list[Check]:
    """The checks, and one for each kind that has none: it doesn't apply for the reason in the card, else it fails."""
    there = {one.kind for one in made}
    added = []
    for kind in KINDS:
        if kind not in there:
            why = judged.absent.get(kind)
            found = f"doesn't apply: {why}" if why else NOT_JUDGED
            added.append(Check(kind, bool(why), found, "a gate, or a reason for none", kind, applies=not why))
    return [*made, *added]


def verdicts(made: list[Check]) -> dict[str, str]:
    """Each of KINDS → passed, failed, not judged (and let through with a reason) or not applicable."""
    said = {}
    for kind in KINDS:
        own = [one for one in made if one.kind == kind]
        applying = [one for one in own if one.applies]
        if not own or not all(one.passed for one in own):
            said[kind] = "failed"
        elif not applying:
            said[kind] = "not applicable"
        else:
            said[kind] = NOT_JUDGED if applying[0].found.startswith(NOT_JUDGED) else "passed"
    return said


def gap_limits(gates: Gates, judged: Judgement) -> dict[str, float]:
    """Measure → how far a group may lie from everybody else: what the gates' `limits` call `<measure>_gap`, else usual.

    A measure that neither names is shown and limits nothing.
    """
    named = {name.removesuffix("_gap"): limit for name, limit in gates.limits.items() if name.endswith("_gap")}
    return {**judged.usual_gaps, **named}


def _fair(gates: Gates, judged: Judgement) -> Check:
    limits = gap_limits(gates, judged)
    wrong, groups = unfair(judged.fairness, limits), [one for one in judged.fairness if one.is_judged]
    fair = f"{len(groups)} groups, no gap surely beyond its limit"
    needed = f"gaps to the others: {', '.join(f'{name} within {limit}' for name, limit in limits.items())}"
    if not limits:
        fair, needed = f"{len(groups)} groups compared, see the model card", "figures by group; no limit is set"
    if not groups:
        fair = f"{NOT_JUDGED}: {judged.unknown_groups or TOO_SMALL}"
    return Check(FAIRNESS, not wrong and not judged.unknown_groups, "; ".join(wrong) or fair, needed, FAIRNESS)


def with_fairness(spec: Spec, made: list[Check]) -> list[Check]:
    """The checks and one of fairness: where no groups were compared it fails, unless the spec says why not."""
    why = spec.unjudged_groups
    if all(one.name != FAIRNESS for one in made):
        made = [*made, Check(FAIRNESS, False, NOT_JUDGED, "groups compared, or a reason in the spec", FAIRNESS)]
    return [
        replace(one, passed=True, found=f"{one.found}; the spec says: {why}")
        if one.name == FAIRNESS and not one.passed and one.found.startswith(NOT_JUDGED) and why
        else one
        for one in made
    ]


def champion_check(gates: Gates, version: str, judged: Judgement) -> Check:
    """Not worse than the champion, which `judged` holds in the baseline's place, on the same customers."""
    ahead = judged.ahead(gates.metric)
    return Check(
        f"{gates.metric} not worse than champion {version}",
        ahead.low > -gates.margin,
        f"difference {ahead}",
        f"the interval lies above -{gates.margin}",
    )


def report(title: str, made: list[Check]) -> str:
    """The checks as Markdown, with a line of what became of each kind."""
    kinds = ", ".join(f"{kind} {verdict}" for kind, verdict in verdicts(made).items())
    lines = [f"# {title}", "", f"{kinds}.", "", "| gate | passed | found | needed |", "| --- | --- | --- | --- |"]
    for one in made:
        passed = ("yes" if one.passed else "**no**") if one.applies else "n/a"
        lines.append(f"| {one.name} | {passed} | {one.found} | {one.needed} |")
    return "\n".join(lines) + "\n"
