"""The model card: what a model is, what it was made from, how good it is and where it ends. Markdown."""

from __future__ import annotations

from typing import Any

from ml.judging.metrics import METRICS, Judgement
from ml.spec import Spec

_NAMES = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "lift_top_decile": "Lift in the top decile",
    "brier": "Brier score (less is better)",
    "ece": "Expected calibration error (less is better)",
}


def model_card(spec: Spec, judged: Judgement, facts: dict[str, Any]) -> str:
    """The card; `facts` are the model's facts as the train verb keeps them."""
    periods = facts["periods"]
    empty = ", ".join(facts["empty_features"]) or "none"
    metrics = "\n".join(
        f"| {_NAMES[name]} | {judged.model[name]} | {judged.baseline[name]} | {judged.difference[name]} |"
        for name in METRICS
    )
    limits = "\n".join(f"- {limit}" for limit in spec.limits)
    thresholds = ", ".join(f"{name} from {value:.4f}" for name, value in facts["thresholds"].items())
    return f"""# {spec.name}

{spec.question}

- **Owner**: {spec.owner}
- **Population**: {spec.population.statement}
- **Horizon**: {spec.horizon_days} days after the as-of date
- **Technique**: {spec.technique}, {facts["trees"]} trees
- **Made by**: spec `{facts["spec_hash"][:12]}`, code `{facts["revision"]}`

## Data
- Build {facts["build_id"]} of {facts["business_date"]}, dbt invocation {facts["dbt_invocation_id"]}
- {facts["rows"]} rows, content hash `{facts["content_hash"]}`
- As-of dates, train: {", ".join(periods["train"])}
- As-of dates, calibration: {", ".join(periods["calibration"])}
- As-of dates, out-of-time test: {", ".join(periods["test"])}
- Split: {facts["split_rule"]}
- {len(facts["features"])} features; left out because null in every row: {empty}
- Leakage: no feature alone reaches an AUC of {spec.gates.unbelievable_auc};
  {facts["leakage_compared"]} customers compared with what the daily builds saw at the time

## Out-of-time test
{judged.rows} customers, {judged.positives} positives ({judged.positives / judged.rows:.2%}).
Values with 95 % bootstrap intervals; the difference is paired on the same customers.
The baseline is the best recency rule: {facts["baseline"]}.

| metric | model | baseline | difference |
| --- | --- | --- | --- |
{metrics}

## Calibration and bands
Calibrated by {facts["calibration"]} on the calibration customers; see `reliability.png`.
Bands by probability, fixed at training: {thresholds}, else low.

## Limits
{limits}
"""
