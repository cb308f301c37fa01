"""Uplift: whom does a contact change, and with which offer?"""

from __future__ import annotations

from ml.spec import Gates, Needs, Population, Spec, windows

SPEC = Spec(
    name="uplift",
    question="By how much does each offer raise the chance that the customer buys within 21 days of the contact?",
    owner="retail-analytics",
    technique="uplift",
    horizon_days=21,
    features_table=("features", "ftr_customer"),
    label_table=("features", "lbl_uplift"),
    label="is_bought",
    sources=("campaign.contact", "campaign.response"),
    population=Population(
        "aum_amount", 1000.0, "customers with at least 1,000 of assets under management on the as-of date"
    ),
    features=(
        *("aum_amount", "deposit_amount", "wealth_amount", "wealth_share"),
        *windows("aum_average_amount", "aum_change_rate", days=(90,)),
        *windows("transaction_in_amount", "transaction_out_amount", "salary_in_amount", days=(90,)),
        *windows("transaction_in_count", "transaction_out_count", "transfer_out_amount", days=(90,)),
        *windows("mobile_transaction_count", "shopping_out_amount", "cash_out_amount", days=(90,)),
        *("days_since_salary", "days_since_transaction", "days_since_session"),
        *windows("session_count"),
        *windows("session_seconds", days=(90,)),
        *windows("product_view_count"),
        *windows("application_count", "call_count", "unresolved_call_count", "complaint_count", days=(90,)),
        *windows("card_payment_amount", "card_payment_count", days=(90,)),
        *("account_count", "product_line_count", "tenure_days"),
    ),
    needs=Needs(train_positives=80, calibration_positives=20, test_positives=20),
    gates=Gates(
        metric="qini",
        margin=0.05,
        minimum_rows=500,
        minimum_positives=20,
        limits={
            # An offer is made where effect times value exceeds its cost. Effects are of one to three points: a mean
            # error of one would decide by itself who is contacted.
            "calibration": 0.01,
            # Effects differ between ages as answers do, and so may who is contacted: as in response.
            "selection_rate_gap": 0.3,
            # What is promised of one group alone is held as other chances are.
            "calibration_gap": 0.03,
        },
    ),
    bands={"high": 0.1, "medium": 0.2},
    reasons_for=("high", "medium"),
    unjudged_groups="effects are learnt from random draws; whom a campaign reaches is looked at when it is planned",
    limits=(
        "Effects are those of the offers, channels and customers of past campaigns; a new offer has none yet.",
        "Only who may be contacted was drawn: effects on others are extrapolated.",
        "A small effect isn't a wish: consent, suitability and caps aren't checked; whoever makes a list of it has to.",
    ),
    params={"learning_rate": 0.03, "num_leaves": 8, "min_data_in_leaf": 100, "effect_rounds": 50, "seeds": 3},
)
