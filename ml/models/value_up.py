"""Value up: who will rise to the next asset tier in the next 90 days?"""

from __future__ import annotations

from ml.spec import Economics, Gates, Needs, Population, Spec, windows

SPEC = Spec(
    name="value_up",
    question="Will the customer's assets under management reach the next tier within 90 days?",
    owner="retail-analytics",
    technique="binary",
    horizon_days=90,
    features_table=("features", "ftr_customer"),
    label_table=("features", "lbl_value_up"),
    label="is_value_up",
    population=Population(
        "aum_amount", 1000.0, "customers with 1,000 to 1,000,000 of assets on the as-of date", below=1_000_000.0
    ),
    features=(
        *("aum_amount", "deposit_amount", "wealth_amount", "wealth_share"),
        *windows("aum_average_amount", "aum_change_rate", "aum_net_amount", days=(30, 90, 180)),
        *windows("aum_inflow_amount", "aum_outflow_amount", days=(30, 90)),
        *("large_inflow_count_90d", "days_since_large_in", "aum_peak_rate_90d", "aum_outflow_ratio_90d"),
        *windows("transaction_in_amount", "transaction_out_amount", "salary_in_amount", days=(30, 90)),
        *("out_in_ratio_90d", "salary_in_amount_trend_30d", "days_since_salary"),
        *windows("subscribe_amount", "redeem_amount", days=(30, 90)),
        *windows("session_count", "product_view_count", "application_count", days=(30, 90)),
        *("view_wealth_count_90d", "view_fund_count_90d", "view_term_deposit_count_90d", "session_count_change_90d"),
        *("held_line_count", "account_count", "tenure_days", "complaint_count_90d"),
    ),
    baseline_columns=("aum_amount", "aum_change_rate_90d", "aum_net_amount_90d", "transaction_in_amount_90d"),
    bands={"high": 0.05, "medium": 0.15},
    needs=Needs(train_positives=50, calibration_positives=20, test_positives=20),
    gates=Gates(
        metric="auc",
        margin=0.01,
        minimum_rows=500,
        minimum_positives=30,
        at_most={"ece": 0.03},
        unbelievable={"auc": 0.99},
        # Who stands just below a tier is chosen, wherever these customers live or whatever their age is.
        limits={"selection_rate_gap": 0.25},
    ),
    economics=Economics(contact_cost=20.0, success_value=300.0, capacity=40),
    tells=("升级可能", "the chance to rise a tier"),
    limits=(
        "Whoever stands just below a tier rises easily: the model knows that first of all.",
        "A rise is of the assets at this bank, whatever their source; it isn't what a contact would add.",
    ),
    params={
        "learning_rate": 0.05,
        "num_leaves": 15,
        "min_data_in_leaf": 50,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "num_boost_round": 600,
        "early_stopping_rounds": 50,
        "trials": 4,
        "origins": 2,
    },
)
