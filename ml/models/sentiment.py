"""Sentiment: what does a customer's feedback say?"""

from __future__ import annotations

from ml.spec import Gates, Needs, Population, Spec

SPEC = Spec(
    name="sentiment",
    question="Is what the customer wrote negative, neutral or positive?",
    owner="customer-experience",
    technique="text",
    # A text is known with its stars; what is judged later is of later months.
    horizon_days=1,
    features_table=("features", "ftr_feedback"),
    features=("feedback_text",),
    sources=("contact_centre.feedback",),
    population=Population("feedback_text", 0.0, "all free-text feedback of the last 90 days, Chinese or English"),
    gates=Gates(
        metric="macro_f1",
        margin=0.03,
        minimum_rows=60,
        minimum_positives=None,
        at_least={"kappa": 0.3},
        # Of ten complaints of a group one more would go unread: no more than that.
        limits={"error_rate_gap": 0.1},
    ),
    needs=Needs(train_positives=20, calibration_positives=0, test_positives=5),
    bands={},
    reasons_for=("negative",),
    reason_count=3,
    unjudged_groups="it reads texts and isn't told who wrote them",
    limits=(
        "The label is the stars that came with the text: irony and a kind text with one star are learnt as they are.",
        "Only the first 5,000 characters of a text are read.",
        "An empty text, or one of signs that training never saw, is neutral with a score of 0.",
        "The score orders texts; it isn't a calibrated probability.",
    ),
    params={"lengths": (1, 3), "least_texts": 2, "strength": 1.0, "balance": 0.9, "plain_share": 0.6},
)
