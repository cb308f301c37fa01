from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ml.techniques.recommend.eligible import CODES, REASONS, Person, exclusions
from ml.techniques.recommend.shelf import Shelf

NAN = np.nan
SHELF = Shelf(
    ids=("F3", "L1", "T1"),
    names=("fund", "loan", "deposit"),
    lines=("fund", "loan", "term_deposit"),
    risk_level=np.array([3.0, 3.0, 1.0]),
    interest_rate=np.zeros(3),
    term_months=np.zeros(3),
    on_sale=np.array([True, True, True]),
    has_rule=np.array([True, True, True]),
    needs_assessment=np.array([True, False, False]),
    from_years=np.array([18.0, 18.0, 16.0]),
    to_years=np.array([80.0, 65.0, NAN]),
    taken=np.zeros(3),
)


def said(shelf=SHELF, known=(True, True, True), held=(False, False, False), years=40, level=3, valid=1, consent=1):
    person = Person(*(np.array([float(value)]) for value in (years, level, valid, consent)))
    codes = exclusions(shelf, np.array(known), np.array([held]), person)[0]
    return [list(REASONS)[code] for code in codes]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ["", "", ""]),
        ({"level": 2}, ["risk_too_high", "", ""]),
        ({"valid": 0}, ["risk_assessment_expired", "", ""]),
        ({"level": NAN, "valid": NAN}, ["no_risk_assessment", "", ""]),
        ({"years": 16}, ["too_young", "too_young", ""]),
        ({"years": 15}, ["too_young", "too_young", "too_young"]),
        ({"years": 18}, ["", "", ""]),
        ({"years": 65}, ["", "", ""]),
        ({"years": 66}, ["", "too_old", ""]),
        ({"years": 81}, ["too_old", "too_old", ""]),
        ({"years": NAN}, ["age_unknown", "age_unknown", "age_unknown"]),
        ({"consent": 0}, ["no_consent"] * 3),
        ({"consent": NAN}, ["no_consent"] * 3),
        ({"held": (False, True, False), "consent": 0}, ["no_consent", "already_held", "no_consent"]),
        ({"known": (False, True, True)}, ["unknown_product", "", ""]),
    ],
)
def test_who_may_be_offered_what(change, expected):
    assert said(**change) == expected


def test_what_is_not_on_sale_or_without_a_rule_is_offered_to_nobody():
    shelf = dataclasses.replace(SHELF, on_sale=np.array([False, True, True]), has_rule=np.array([False, False, True]))
    assert said(shelf) == ["not_on_sale", "no_rule", ""]


def test_every_reason_is_said_in_both_languages():
    assert all(zh and en for name, (zh, en) in REASONS.items() if name)
    assert CODES[""] == 0
