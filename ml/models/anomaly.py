"""Anomaly: whose account behaves in an unusual way?"""

from __future__ import annotations

from ml.spec import Gates, Population, Spec


def _beside_usual(*names: str) -> tuple[str, ...]:
    """What was done in 30 days, each beside what is usual for the same customer."""
    return tuple(column for name in names for column in (f"{name}_30d", f"usual_{name}_90d"))


SPEC = Spec(
    name="anomaly",
    question="Which customers' last 30 days are unlike their own past and unlike their peers'?",
    owner="risk-control",
    technique="outlier",
    # There is nothing to wait for: a date's customers are judged on the next one.
    horizon_days=1,
    features_table=("features", "ftr_behaviour"),
    features=(
        *_beside_usual("out_count", "out_amount", "night_count", "cash_count", "slice_count"),
        *_beside_usual("busiest_out_count", "busiest_out_amount", "busiest_largest_amount", "busiest_night_count"),
        *_beside_usual("card_count", "card_amount", "abroad_count"),
        *_beside_usual("busiest_card_count", "busiest_card_amount", "busiest_abroad_count"),
    ),
    sources=("core_banking.transaction",),
    population=Population("out_count_30d", 0.0, "all customers on the as-of date"),
    baseline_columns=("busiest_out_amount_30d", "out_amount_30d"),
    bands={"high": 0.002, "medium": 0.008},
    reasons_for=("high", "medium"),
    gates=Gates(
        metric="precision_at_k",
        margin=0.05,
        minimum_rows=200,
        minimum_positives=20,
        at_least={"auc": 0.8},
        # One customer in a hundred is looked at: two points more for nothing would be three times as many of a group.
        # Of what is planted a group's may be missed as true positives of chances may.
        limits={"alert_rate_gap": 0.02, "found_rate_gap": 0.3},
    ),
    unjudged_groups="nobody knows which months were unusual, so true finds can't be compared; a person decides each",
    limits=(
        "Unusual isn't wrong: a wedding, a move or a journey looks the same. A person decides, never the score.",
        "Only kinds of behaviour that the features know can be found; what everybody does isn't unusual.",
        "Not for marketing: a customer in the high band is for risk control to look at.",
    ),
    params={"trees": 200, "sample": 256},
)
