"""The model card: what a model is, what it was made from, how good it is and where it ends. Markdown."""

from __future__ import annotations

from typing import Any

from ml.judging.gate import TOO_SMALL, gap_limits
from ml.judging.judgement import Judgement
from ml.spec import Spec

_NAMES = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "lift_top_decile": "Lift in the top decile",
    "gain_area": "Area under the gain curve",
    "brier": "Brier score",
    "ece": "Expected calibration error",
}


def model_card(spec: Spec, judged: Judgement, facts: dict[str, Any]) -> str:
    """The card; `facts` are the model's facts as the train verb keeps them."""
    periods = facts["periods"]
    empty = ", ".join(facts["empty_features"]) or "none"
    metrics = "\n".join(
        f"| {_named(name, more)} | {judged.model[name]} | {judged.baseline[name]} | {judged.difference[name]} |"
        for name, more in judged.more_is_better.items()
    )
    limits = "\n".join(f"- {limit}" for limit in spec.limits)
    about = "\n".join(facts["about"])
    sections = "".join(f"{section}\n\n" for section in judged.sections())
    sections += f"{_fairness(spec, judged)}\n\n"
    of_them = ""
    if judged.positives is not None:
        of_them = f", {judged.positives} positives ({judged.positives / judged.rows:.2%})"
    return f"""# {spec.name}

{spec.question}

- **Owner**: {spec.owner}
- **Population**: {spec.population.statement}
- **Horizon**: {spec.horizon_days} days after the as-of date
- **Technique**: {spec.technique}
- **Made by**: spec `{facts["spec_hash"][:12]}`, code `{facts["revision"]}`

## Data
- Build {facts["build_id"]} of {facts["business_date"]}, dbt invocation {facts["dbt_invocation_id"]}
- {facts["rows"]} rows, content hash `{facts["content_hash"]}`
- As-of dates, train: {", ".join(periods["train"])}
- As-of dates, calibration: {", ".join(periods["calibration"])}
- As-of dates, out-of-time test: {", ".join(periods["test"])}
- Split: {facts["split_rule"]}
- {len(facts["features"])} features; left out because null in every row: {empty}
- Leakage: {facts["leakage"]}

## Out-of-time test
{judged.rows} rows{of_them}.
Values with 95 % bootstrap intervals; the difference is paired on the same rows.
The baseline: {facts["baseline"]}.

| metric | model | baseline | difference |
| --- | --- | --- | --- |
{metrics}

## The technique
{about}

{sections}## Limits
{limits}
"""


def _fairness(spec: Spec, judged: Judgement) -> str:
    if not judged.fairness:
        why = judged.unknown_groups or (TOO_SMALL if judged.compared else "the technique compares no groups")
        told = f"; the spec says: {spec.unjudged_groups}" if spec.unjudged_groups else ""
        return f"## Fairness\n**Not judged**: {why}{told}."
    names = tuple(judged.fairness[0].measures)
    limits = gap_limits(spec.gates, judged)
    limited = f"A group is held to the others' within {', '.join(f'{one} {limit}' for one, limit in limits.items())}."
    if not limits:
        limited = f"No limit is set: {spec.unjudged_groups or 'the spec names none'}."
    head = ("by", "group", "rows", "cases", *(name.replace("_", " ") for name in names), "gate")
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    for one in judged.fairness:
        cells = (one.attribute, one.group, one.rows, one.positives, *(one.measures[name] for name in names))
        said = ("yes" if limits else "no limit") if one.is_judged else "too few"
        lines.append(f"| {' | '.join(map(str, cells))} | {said} |")
    return (
        f"## Fairness\n{judged.compared} {limited} Sex, age and region are never features; intervals are 95 %,"
        " small groups are pooled.\n\n" + "\n".join(lines)
    )


def _named(metric: str, more_is_better: bool) -> str:
    name = _NAMES.get(metric, metric.replace("_", " "))
    return name if more_is_better else f"{name} (less is better)"
