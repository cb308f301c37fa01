"""Customer value: what margin is to be expected of a customer over the next 12 months?"""

from __future__ import annotations

from ml.spec import Gates, Needs, Population, Spec, windows

SPEC = Spec(
    name="clv",
    question="What margin will the customer bring over the next 12 months, less cost and expected loss, discounted?",
    owner="finance",
    technique="two_part",
    horizon_days=365,
    features_table=("features", "ftr_customer"),
    label_table=("features", "lbl_margin"),
    label="margin_12m_amount",
    more_tables=(("features", "ftr_margin"),),
    population=Population("account_count", 1.0, "customers with an open account on the as-of date"),
    features=(
        *("margin_amount", "margin_3m_amount", "margin_6m_amount", "margin_12m_amount", "income_3m_amount"),
        *("deposit_margin_amount", "fee_amount", "loan_margin_amount", "card_amount"),
        *("service_cost_amount", "expected_loss_amount"),
        *("aum_amount", "deposit_amount", "wealth_amount", "account_count", "product_line_count", "tenure_days"),
        *windows("aum_average_amount", "aum_change_rate", "salary_in_amount"),
        *windows("transaction_in_amount", "transaction_out_amount", "transfer_out_amount"),
        *windows("card_payment_amount", "session_count", "product_view_count"),
        *windows("call_count", "complaint_count", days=(90,)),
        *("days_since_transaction", "days_since_salary", "days_since_session"),
    ),
    baseline_columns=("margin_3m_amount", "margin_6m_amount", "margin_12m_amount"),
    bands={"top": 0.05, "high": 0.15, "middle": 0.3},
    reasons_for=("top",),
    needs=Needs(train_positives=500, calibration_positives=200, test_positives=200),
    gates=Gates(
        metric="spearman",
        margin=0.005,
        minimum_rows=500,
        minimum_positives=None,
        at_most={"decile_error": 0.15},
        at_least={"spearman": 0.5},
        unbelievable={"spearman": 0.995},
        # The top band is one customer in twenty and served first; wealth grows with age, but at one in five of a group
        # the band would stand for the group. Promises may be wrong by 0.15 in a tenth: hardly more between groups.
        limits={"selection_rate_gap": 0.15, "promised_to_realised_gap": 0.2},
    ),
    unjudged_groups="it orders money that is expected, and nobody is refused anything by it",
    limits=(
        "The margin rests on the bank's assumptions (table margin_assumption), not on its ledger: put in your own.",
        "A loan that was paid back before its end counts as nothing in the months before it was.",
        "It says what is to be expected if nothing is done, not what a contact would change (that is uplift).",
    ),
    params={
        # Which of them is taken is settled on a date before the test; the first are those below.
        "settings": {
            "small trees": {"num_leaves": 7, "min_data_in_leaf": 200},
            "large trees": {"num_leaves": 31, "min_data_in_leaf": 50},
        },
        "origins": 2,
        "active_income_amount": 1.0,
        "least_amount": 20.0,
        "learning_rate": 0.05,
        "num_leaves": 15,
        "min_data_in_leaf": 100,
        "feature_fraction": 0.8,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "num_boost_round": 400,
        "early_stopping_rounds": 40,
    },
)
