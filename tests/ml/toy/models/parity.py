"""A model of the toy technique: no label, no population rule, no calibration, two offers a customer."""

from __future__ import annotations

from ml.spec import Gates, Population, Spec

SPEC = Spec(
    name="parity",
    question="Is the customer's number even?",
    owner="tests",
    technique="toy",
    horizon_days=0,
    features_table=("features", "ftr_customer"),
    features=(),
    population=Population("aum_amount", 0.0, "everybody"),
    unjudged_groups="the numbers are nobody's",
    gates=Gates("hits", minimum_rows=1, minimum_positives=None, at_least={"hits": 5.0}, at_most={"misses": 0.0}),
)
