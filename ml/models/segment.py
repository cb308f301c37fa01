"""Segment: which natural groups of customers are there, and whose is this one?"""

from __future__ import annotations

from ml.spec import Gates, Population, Spec, windows

SPEC = Spec(
    name="segment",
    question="Which natural groups do the customers form by what they have and do?",
    owner="marketing-analytics",
    technique="cluster",
    # There is nothing to wait for: groups of a date are judged on the next one.
    horizon_days=1,
    features_table=("features", "ftr_customer"),
    features=(
        *("aum_amount", "deposit_amount", "wealth_amount"),
        *windows("transaction_in_amount", "transaction_out_amount", days=(90,)),
        *windows("transaction_in_count", "transaction_out_count", days=(90,)),
        *windows("salary_in_amount", "shopping_out_amount", "household_out_amount", "cash_out_amount", days=(90,)),
        *windows("session_count", "call_count", days=(90,)),
        *windows("card_payment_amount", "card_payment_count", days=(90,)),
        *("account_count", "product_line_count", "tenure_days"),
    ),
    population=Population("account_count", 1.0, "customers with at least one account on the as-of date"),
    baseline_columns=("aum_amount", "deposit_amount"),
    bands={},
    reasons_for=(),
    gates=Gates(
        metric="silhouette",
        margin=0.03,
        minimum_rows=200,
        minimum_positives=None,
        at_least={"stability": 0.75, "smallest_share": 0.01},
        # Which segments a group is in may differ: they describe. That its customers keep theirs may not, by more than
        # the instability that is allowed to all.
        limits={"kept_gap": 0.25},
    ),
    unjudged_groups="groups describe what customers do; nobody is chosen by them alone",
    limits=(
        "Customers lie between groups too: the score says how clearly one belongs to his (0 half-way, 1 the centre).",
        "A group is a description of what customers do now; it says nothing of what they will do.",
        "Age, sex and region aren't used; a group may still be older or younger than another.",
    ),
    params={"candidates": (3, 4, 5, 6, 7, 8), "stable": 0.8},
)
