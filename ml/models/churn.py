"""Churn: whose assets will fall by half or more in the next 90 days?"""

from __future__ import annotations

from ml.spec import Gates, Needs, Population, Spec, windows

SPEC = Spec(
    name="churn",
    question="Will the customer's assets under management fall by half or more within 90 days?",
    owner="retail-analytics",
    technique="binary",
    horizon_days=90,
    features_table=("features", "ftr_customer"),
    label_table=("features", "lbl_churn"),
    label="is_churn",
    population=Population(
        "aum_amount", 1000.0, "customers with at least 1,000 of assets under management on the as-of date"
    ),
    features=(
        *windows("transaction_in_amount", "transaction_out_amount"),
        *windows("transaction_in_count", "transaction_out_count"),
        *windows("transfer_out_amount", "cash_out_amount", "salary_in_amount"),
        *windows("mobile_transaction_count", "shopping_out_amount", "household_out_amount"),
        "days_since_transaction",
        "days_since_salary",
        *("aum_amount", "deposit_amount", "wealth_amount"),
        *windows("aum_average_amount", "aum_change_rate"),
        *windows("session_count", days=(7, 30, 90)),
        *windows("session_seconds"),
        "days_since_session",
        *windows("call_count", "unresolved_call_count", "complaint_count"),
        *windows("card_payment_amount", "card_payment_count"),
        *("account_count", "product_line_count", "tenure_days"),
    ),
    baseline_columns=(
        *("days_since_transaction", "days_since_session", "days_since_salary"),
        *windows("transaction_out_count", "transaction_in_count", "session_count", "card_payment_count"),
    ),
    bands={"high": 0.05, "medium": 0.15},
    needs=Needs(train_positives=50, calibration_positives=20, test_positives=20),
    gates=Gates(
        metric="auc",
        margin=0.01,
        minimum_rows=500,
        minimum_positives=30,
        at_most={"ece": 0.03},
        unbelievable={"auc": 0.97},
    ),
    limits=(
        "A fall in assets isn't always a loss of the customer: large planned payments look the same.",
        "Customers below the population's limit aren't scored.",
        "The model tells who is likely to leave, not whom a call would keep (that is uplift).",
    ),
    params={
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_data_in_leaf": 50,
        "feature_fraction": 0.8,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "num_boost_round": 600,
        "early_stopping_rounds": 50,
    },
)
