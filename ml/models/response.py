"""Response: who will take a product if contacted, by this offer and this channel?"""

from __future__ import annotations

from ml.spec import Economics, Gates, Needs, Population, Spec, windows

SPEC = Spec(
    name="response",
    question="Will the customer buy the offered product within 30 days of a contact?",
    owner="retail-analytics",
    technique="contact",
    # A contact comes up to a month after the date its features are of, and has 30 days to be answered.
    horizon_days=61,
    features_table=("features", "ftr_customer"),
    label_table=("features", "lbl_response"),
    label="is_response",
    sources=("core_banking.balance", "campaign.contact", "campaign.response"),
    population=Population("tenure_days", 0.0, "customers that a campaign contacted, control groups left out"),
    # Few on purpose: a campaign brings some hundred buyers. On 20,000 contacts drawn as the synthetic bank draws them,
    # features like these had 0.82 of the oracle's skill, ten more 0.77, forty 0.5. Of 50,000 customers' campaigns (the
    # last one of 9,907 contacts as test): 0.88 of it, learnt from three campaigns of 12 months without the one that
    # calibrates; 0.90 with it; 0.94 with the one of 13 months ago too.
    features=(
        *("aum_amount", "held_line_count"),
        *windows("transaction_in_count", "transaction_out_count", days=(90,)),
        *windows("session_count", "product_view_count", "complaint_count", days=(90,)),
    ),
    bands={"high": 0.05, "medium": 0.15},
    needs=Needs(train_positives=30, calibration_positives=10, test_positives=10),
    gates=Gates(
        metric="auc",
        margin=0.02,
        minimum_rows=300,
        minimum_positives=10,
        at_most={"ece": 0.03},
        unbelievable={"auc": 0.95},
        limits={"selection_rate_gap": 0.3},
    ),
    economics=Economics(contact_cost=6.0, success_value=400.0, capacity=60),
    tells=("购买可能", "the chance to buy"),
    limits=(
        "The chance to buy if contacted, not what the contact adds: whoever would have bought anyway scores high too.",
        "Learnt from those whom earlier campaigns chose; campaigns that choose others may be answered otherwise.",
        "The score is of the offer, among those seen at training, that suits the customer best.",
    ),
    params={
        # Patterns of features of the offered product's own line; what a line hasn't got is null.
        "own_line": (("view_{line}_count_90d", "所推产品线的浏览次数", "Views of the offered product line", 90),),
        # What of an offer the model looks at; its line is in the features of that line, its channel follows from it.
        "offer": ("treatment",),
        "baseline": "logistic",
        # Splits drawn at random and averaged find more with few buyers than searched ones do.
        "extra_trees": True,
        "learning_rate": 0.05,
        "num_leaves": 15,
        "min_data_in_leaf": 40,
        "feature_fraction": 0.9,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "num_boost_round": 800,
        "early_stopping_rounds": 80,
        "learn_all": True,
        "trials": 4,
        "origins": 2,
    },
)
