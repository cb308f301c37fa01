"""Churn: whose assets will fall by half or more in the next 90 days?"""

from __future__ import annotations

from ml.spec import Economics, Gates, Needs, Population, Spec, windows

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
        *windows("transaction_in_count", "transaction_out_count", days=(30, 90, 180)),
        *("transaction_out_count_trend_90d", "transaction_in_count_trend_90d", "days_since_transaction"),
        *windows("transaction_in_amount", "transaction_out_amount"),
        *windows("mobile_transaction_count", "shopping_out_count", days=(90, 180)),
        *("mobile_transaction_count_trend_30d", "pos_transaction_count_90d"),
        *windows("transfer_out_amount", "cash_out_amount"),
        *("transfer_out_count_90d", "transfer_out_share_90d", "household_out_amount_90d"),
        *windows("salary_in_amount", days=(30, 60, 90, 180)),
        *("salary_in_amount_trend_30d", "pension_in_amount_90d", "pension_in_amount_365d", "days_since_salary"),
        *("aum_amount", "deposit_amount", "wealth_amount"),
        *windows("aum_average_amount", "aum_change_rate"),
        *windows("session_count", days=(7, 30, 90, 180)),
        *("session_count_trend_30d", "session_count_trend_90d", "session_count_change_90d"),
        *windows("session_seconds"),
        "days_since_session",
        *windows("call_count", "unresolved_call_count", "complaint_count"),
        *("detractor_count_365d", "promoter_count_365d", "nps_average_score_365d", "bad_feedback_count_365d"),
        *windows("card_payment_amount", "card_payment_count"),
        *("card_payment_count_180d", "card_payment_count_trend_90d"),
        *("account_count", "product_line_count", "held_line_count", "tenure_days"),
    ),
    baseline_columns=(
        *("days_since_transaction", "days_since_session", "days_since_salary"),
        *windows("transaction_out_count", "transaction_in_count", "session_count", "card_payment_count"),
    ),
    bands={"high": 0.05, "medium": 0.15},
    reasons_for=("high", "medium"),
    needs=Needs(train_positives=50, calibration_positives=20, test_positives=20),
    gates=Gates(
        metric="auc",
        margin=0.01,
        minimum_rows=500,
        minimum_positives=30,
        at_most={"ece": 0.03},
        unbelievable={"auc": 0.97},
    ),
    # A call of a customer manager; of four who are about to leave one stays, and is worth about 1,200 a year.
    economics=Economics(contact_cost=20.0, success_value=300.0, capacity=40),
    tells=("流失可能", "the risk of leaving"),
    limits=(
        "A fall in assets isn't always a loss of the customer: large planned payments look the same.",
        "Customers below the population's limit aren't scored.",
        "The model tells who is likely to leave, not whom a call would keep (that is uplift).",
    ),
    params={
        # Small trees, few features a tree: the signs are weak, many and add up.
        "learning_rate": 0.04,
        "num_leaves": 7,
        "min_data_in_leaf": 50,
        "feature_fraction": 0.4,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 20.0,
        "num_boost_round": 800,
        "early_stopping_rounds": 50,
        "trials": 4,
        "origins": 2,
    },
)
