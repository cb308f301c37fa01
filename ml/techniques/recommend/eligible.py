"""May this product be offered to this customer? The first rule that says no, per customer and product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.techniques.recommend.shelf import Shelf

# Code 0 is "may be offered"; of several reasons the first counts. In Chinese and English, for screens and lists.
REASONS = {
    "": ("", ""),
    "not_on_sale": ("产品已停售", "the product is not on sale"),
    "no_rule": ("产品线没有适当性规则", "there is no rule for the product line"),
    "unknown_product": ("模型训练时没有该产品", "the product is newer than the model"),
    "already_held": ("客户已持有", "the customer holds it"),
    "no_consent": ("客户未同意营销", "the customer has not agreed to marketing"),
    "age_unknown": ("客户年龄未知", "the customer's age is unknown"),
    "too_young": ("低于最低年龄", "the customer is too young for it"),
    "too_old": ("超过最高年龄", "the customer is too old for it"),
    "no_risk_assessment": ("没有风险测评", "the customer has no risk assessment"),
    "risk_assessment_expired": ("风险测评已过期", "the customer's risk assessment has expired"),
    "risk_too_high": ("产品风险高于客户承受等级", "the product is riskier than the customer may take"),
}
CODES = {name: code for code, name in enumerate(REASONS)}


@dataclass(frozen=True)
class Person:
    """What is known of n customers on the business date (arrays (n,), NaN where nothing is)."""

    years: np.ndarray
    risk_level: np.ndarray
    assessment_valid: np.ndarray
    consent: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray) -> Person:
        """From the columns PERSON of `ml.techniques.recommend.data`, in order (n, 4)."""
        return cls(*numbers.T)


def exclusions(shelf: Shelf, known: np.ndarray, held: np.ndarray, person: Person) -> np.ndarray:
    """A code of REASONS per customer and product (n, products), 0 where it may be offered.

    `known` (products,) are those that the model learnt of, `held` (n, products) bool. What isn't known of a
    customer speaks against the offer.
    """
    rows = len(held)
    years, level = person.years[:, None], person.risk_level[:, None]
    asks = shelf.needs_assessment[None, :]
    has_bound = ~np.isnan(shelf.from_years) | ~np.isnan(shelf.to_years)
    with np.errstate(invalid="ignore"):
        rules = {
            "not_on_sale": ~shelf.on_sale[None, :],
            "no_rule": ~shelf.has_rule[None, :],
            "unknown_product": ~known[None, :],
            "already_held": held,
            "no_consent": ~(person.consent[:, None] > 0),
            "age_unknown": np.isnan(years) & has_bound[None, :],
            "too_young": years < shelf.from_years[None, :],
            "too_old": years > shelf.to_years[None, :],
            "no_risk_assessment": asks & np.isnan(level),
            "risk_assessment_expired": asks & ~(person.assessment_valid[:, None] > 0),
            "risk_too_high": asks & (shelf.risk_level[None, :] > level),
        }
    code = np.zeros(held.shape, dtype=np.int8)
    for name, applies in rules.items():
        code = np.where((code == 0) & np.broadcast_to(applies, (rows, len(shelf))), CODES[name], code).astype(np.int8)
    return code
