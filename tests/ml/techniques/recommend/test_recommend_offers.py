"""Who is offered what on a date, and why everything else is not."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest

from bankmart import db
from ml.data.scores import Excluded, Offered, Target
from ml.errors import DataError
from ml.models.recommend import SPEC
from ml.techniques import recommend
from ml.techniques.recommend import offering

TODAY = date(2025, 10, 31)


def scored(model, build_id):
    target = Target(TODAY, build_id, "recommend", "1", True, "run")
    with db.connect("scorer") as reader:
        reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
        return list(recommend.scored(reader, SPEC, model, target))


def exclusions(model, build_id):
    return {
        name.decode(): json.loads(said)
        for one in scored(model, build_id)
        if isinstance(one, Excluded)
        for name, said in zip(one.customers.tolist(), one.excluded, strict=True)
    }


def offers(model, build_id):
    return [
        row
        for one in scored(model, build_id)
        if isinstance(one, Offered)
        for row in zip(
            [name.decode() for name in one.customers.tolist()],
            *(one.offers.tolist(), one.ranks.tolist(), one.scores.tolist(), one.reasons, one.excluded),
            strict=True,
        )
    ]


def test_offers_are_ranked_explained_and_what_a_rule_takes_away_is_said(trained, shop, monkeypatch):
    _, _, model = trained
    build_id = shop.build("daily", count=200)
    rows = offers(model, build_id)
    made = [row for row in rows if row[2]]
    assert {row[2] for row in made} == {1, 2, 3}
    assert all(row[5] is None for row in made)
    assert all(len(json.loads(row[4])) <= 3 for row in made)
    assert {"feature", "value", "contribution", "zh", "en"} == json.loads(made[0][4])[0].keys()
    by_customer = {}
    for name, offer, rank, value, _, excluded in rows:
        by_customer.setdefault(name, []).append((rank, value, offer, excluded))
    for found in by_customer.values():
        ranked = [value for rank, value, _, _ in sorted(found) if rank]
        assert ranked == sorted(ranked, reverse=True)
    left_out = {excluded for row in rows if (excluded := row[5])}
    assert {"already_held", "no_consent", "not_on_sale", "risk_too_high"} <= left_out
    at = {name: int(name[1:]) for name in by_customer}
    assert not [row for row in made if at[row[0]] % 10 == 0], "who has not agreed is offered nothing"
    assert not [row for row in made if at[row[0]] % 5 == 0 and row[1] == "LN1"], "nobody of 70 is offered a loan"
    invested = [row for row in made if row[1].startswith("FD")]
    assert invested
    assert not [row for row in invested if at[row[0]] % 3 == 0 or at[row[0]] % 4 == 0]
    assert not [row for row in made if row[1] in ("FD2", "FD9")]

    monkeypatch.setattr(offering, "CHUNK_ROWS", 13)
    assert offers(model, build_id) == rows


def test_every_product_that_is_not_offered_has_its_reason_also_behind_the_last_offer(trained, shop, monkeypatch):
    _, _, model = trained
    build_id = shop.build("daily", count=200)
    found, rows = exclusions(model, build_id), offers(model, build_id)
    held = {
        (customer, product)
        for customer, product in shop.bank.execute(
            "select customer_id, product_id from features.ftr_product_affinity where is_held and build_id = %s",
            build_id,
        )
    }

    # The rules once more, customer by customer, as a person would read them off.
    def reason(at, product):
        if product == "FD9":
            return "not_on_sale"
        if (f"C{at:05d}", product) in held:
            return "already_held"
        if at % 10 == 0:
            return "no_consent"
        if product == "LN1" and at % 5 == 0:
            return "too_old"
        if product.startswith("FD") and at % 4 == 0:
            return "no_risk_assessment"
        if product.startswith("FD") and at % 3 == 0:
            return "risk_assessment_expired"
        return "risk_too_high" if product == "FD2" else None

    products = ("CA1", "FD1", "FD2", "FD9", "LN1", "TD1", "TD2")
    expected = {f"C{at:05d}": {one: why for one in products if (why := reason(at, one))} for at in range(200)}
    assert found == expected
    beside = {(customer, product): why for customer, product, _, _, _, why in rows if why}
    assert beside.items() <= {(who, what): why for who, all_of in found.items() for what, why in all_of.items()}.items()
    assert sum(map(len, found.values())) > len(beside), "the offers' own rows end at the last offer"
    assert not [row for row in rows if row[2] and row[1] in found[row[0]]]

    monkeypatch.setattr(offering, "CHUNK_ROWS", 13)
    assert exclusions(model, build_id) == expected


def without(table, column, value):
    return lambda made: made[table].__setitem__(column, value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            without("ftr_customer", "aum_amount", np.nan),
            r"ftr_customer is null for every customer of .* in aum_amount,",
        ),
        (
            without("ftr_product", "interest_rate", np.nan),
            r"ftr_product is null for every product of .* interest_rate,",
        ),
        (without("ftr_product", "interest_rate", np.inf), "Infinite values in features.ftr_product: interest_rate"),
        (without("ftr_customer", "aum_amount", np.inf), "Infinite values in features.ftr_customer: aum_amount"),
    ],
)
def test_what_went_silent_or_infinite_since_training_is_refused(trained, shop, change, said):
    with pytest.raises(DataError, match=said):
        offers(trained[2], shop.build("daily", count=60, change=change))


def test_an_unseen_product_is_offered_to_nobody_and_a_customer_unknown_to_eligibility_nothing(trained, shop):
    _, _, model = trained

    def change(made):
        made["ftr_product"].loc[0, "product_id"] = "NEW1"
        made["ftr_product_affinity"] = made["ftr_product_affinity"].query("product_id != 'CA1'")
        made["ftr_eligibility"] = made["ftr_eligibility"].iloc[1:]

    rows = offers(model, shop.build("daily", count=60, change=change))
    assert not [row for row in rows if row[1] == "NEW1" and row[5] != "unknown_product"]
    of_unknown = [row for row in rows if row[0] == "C00000"]
    assert of_unknown
    assert {row[5] for row in of_unknown} <= {"no_consent", "not_on_sale", "unknown_product", "already_held"}


def test_a_build_without_a_shelf_is_refused(trained, shop):
    build_id = shop.build("daily", count=5, change=lambda made: made.update(ftr_product=made["ftr_product"].head(0)))
    with pytest.raises(DataError, match="has no product"):
        offers(trained[2], build_id)
