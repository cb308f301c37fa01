"""A model that may have learnt from somebody who is gone is due until it was trained on what was read afterwards."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from bankmart import db
from bankmart.governance.people.erasure import requests, retrain

DAY = date(2026, 1, 31)


def test_a_model_is_due_until_it_was_trained_on_later_data(bank):
    for model in ("churn", "clv"):
        bank.insert("scores", "customer_score", customer_id="X902", as_of_date=DAY, build_id=1, model=model, score=0.5,
                    model_version="1", band="low", is_champion=True, mlflow_run_id="r")  # fmt: skip
    before = datetime.now(UTC)
    for customer in ("X901", "X902"):
        (number,) = requests.request([(customer, "asks")], "li")
        with db.connect("eraser") as link, link.cursor() as cursor:
            retrain.add(cursor, number)
    assert [line.split(" is due")[0] for line in retrain.waiting()] == ["churn", "clv"]
    assert retrain.waiting()[0].endswith("it has learnt from 2 erased persons")
    retrain.done("churn", before)
    assert len(retrain.waiting()) == 2, "it was trained on what was read before they were gone"
    retrain.done("churn", datetime.now(UTC) + timedelta(seconds=1))
    assert [line.split(" is due")[0] for line in retrain.waiting()] == ["clv"]


def test_a_bank_that_has_trained_lists_all_its_models(bank):
    (number,) = requests.request([("X901", "asks")], "li")
    with db.connect("eraser") as link, link.cursor() as cursor:
        retrain.add(cursor, number)
    assert retrain.waiting() == []
    bank.insert("governance", "build", business_date=DAY, kind="training", status="passed")
    with db.connect("eraser") as link, link.cursor() as cursor:
        retrain.add(cursor, number)
    assert len(retrain.waiting()) == 9
