"""May this version become the champion? Every check with what was found, what is needed and a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ml.judging.judgement import Judgement
from ml.spec import Gates, Spec

FAIRNESS, NOT_JUDGED = "fairness", "not judged"


@dataclass(frozen=True)
class Check:
    """One gate's outcome."""

    name: str
    passed: bool
    found: str
    needed: str


def checks(gates: Gates, judged: Judgement) -> list[Check]:
    """The checks that a version passes or fails by itself, on the out-of-time rows."""
    ahead = judged.ahead(gates.metric)
    made = [Check("population", judged.rows >= gates.minimum_rows, f"{judged.rows} rows", f">= {gates.minimum_rows}")]
    if gates.minimum_positives is not None:
        found = judged.positives or 0
        enough = found >= gates.minimum_positives
        made.append(Check("positives", enough, f"{found} positives", f">= {gates.minimum_positives}"))
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
        made.append(Check(f"{metric} low enough", found_value.value <= limit, f"{found_value}", f"<= {limit}"))
    for metric, limit in gates.at_least.items():
        found_value = judged.model[metric]
        made.append(Check(f"{metric} high enough", found_value.value >= limit, f"{found_value}", f">= {limit}"))
    for metric, limit in gates.unbelievable.items():
        found_value = judged.model[metric]
        needed = f"< {limit} (above it, suspect leakage)"
        made.append(Check(f"{metric} believable", found_value.value < limit, f"{found_value}", needed))
    return made


def with_fairness(spec: Spec, made: list[Check]) -> list[Check]:
    """The checks and one of fairness: where no groups were compared it fails, unless the spec says why not."""
    why = spec.unjudged_groups
    if all(one.name != FAIRNESS for one in made):
        made = [*made, Check(FAIRNESS, False, NOT_JUDGED, "groups compared, or a reason in the spec")]
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
    """The checks as Markdown."""
    lines = [f"# {title}", "", "| gate | passed | found | needed |", "| --- | --- | --- | --- |"]
    lines += [f"| {one.name} | {'yes' if one.passed else '**no**'} | {one.found} | {one.needed} |" for one in made]
    return "\n".join(lines) + "\n"
