"""Recommend: which product next?"""

from __future__ import annotations

from ml.spec import Gates, Needs, Population, Spec, windows

SPEC = Spec(
    name="recommend",
    question="Which product that the customer doesn't hold will the customer take within 90 days?",
    owner="retail-analytics",
    technique="recommend",
    horizon_days=90,
    features_table=("features", "ftr_customer"),
    label_table=("features", "lbl_next_product"),
    label="product_id",
    more_tables=(("features", "ftr_product"), ("features", "ftr_product_affinity"), ("features", "ftr_eligibility")),
    population=Population("account_count", 1.0, "customers with an open account on the as-of date"),
    features=(
        *("aum_amount", "deposit_amount", "wealth_amount", "account_count", "product_line_count", "tenure_days"),
        *windows("aum_change_rate", "salary_in_amount", "transaction_in_amount", "transaction_out_amount"),
        *windows("product_view_count", "application_count", "session_count", days=(30, 90)),
        *windows("card_payment_amount", "transfer_out_amount", days=(90,)),
        *("days_since_transaction", "days_since_salary", "days_since_session"),
    ),
    needs=Needs(train_positives=100, calibration_positives=0, test_positives=50),
    gates=Gates(
        metric="ndcg_3",
        margin=0.01,
        minimum_rows=50,
        minimum_positives=50,
        unbelievable={"ndcg_3": 0.97},
        # Everybody has three places, so nothing forces a group to find less in them. Which product lines it is shown
        # isn't limited: what groups take differs.
        limits={"leakage_auc": 0.97, "hit_rate_3_gap": 0.2},
    ),
    unjudged_groups="eligibility rules decide who may be offered what, and say so; the model only orders what is left",
    limits=(
        "It learns from customers who took something: it says which product, not whether any will be taken.",
        "Before the bank's first delivery of products nobody knows their rate, risk and term, and whether they were on"
        " sale: such dates are learnt without the three, and with what somebody took in the year before as the shelf.",
        "A product that is newer than the model is offered to nobody until it is trained again.",
        "A wealth product that was given up and taken again counts as held in between.",
    ),
    params={
        # Which of them is taken is settled on a date before the test; the first are those below.
        "settings": {
            "few factors": {"factors": 4},
            "large trees": {"num_leaves": 15},
            "slow": {"learning_rate": 0.03, "lambda_l2": 20.0, "num_boost_round": 500},
        },
        "factors": 8,
        "alpha": 10.0,
        "regularisation": 10.0,
        "sweeps": 12,
        "learning_rate": 0.05,
        "num_leaves": 7,
        "min_data_in_leaf": 50,
        "feature_fraction": 0.8,
        "lambda_l2": 5.0,
        "num_boost_round": 300,
        "early_stopping_rounds": 60,
    },
)
