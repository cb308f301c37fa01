"""The answer has what models were told and what people decided; what it can not have it says to everybody alike."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date

import pytest

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance.people import access_request, decided, hold
from bankmart.governance.people.erasure import requests

DAY = date(2026, 1, 31)
TABLES = """
create table features.ftr_customer
    (customer_id text not null, as_of_date date, aum_amount bigint, business_date date, build_id bigint);
create table features.lbl_churn
    (customer_id text not null, as_of_date date, is_churned boolean, business_date date, build_id bigint);
"""


def column(data_class, data_type="text"):
    return {"data_type": data_type, "description": "", "config": {"meta": {"class": data_class}}}


def model(name, **columns):
    columns = {
        "customer_id": column("identity.customer_id"), "as_of_date": column("derived.indicator", "date"), **columns,
        "business_date": column("platform", "date"), "build_id": column("platform", "bigint"),
    }  # fmt: skip
    return {"resource_type": "model", "schema": "features", "name": name, "columns": columns, "description": name,
            "config": {"materialized": "slice", "meta": {"zh": "特征"}}}  # fmt: skip


@pytest.fixture
def project(bank):
    """The bank's tables, and features and labels of two builds, one of them for training; of each customer others."""
    made = deepcopy(bank.manifest)
    made["nodes"]["features"] = model("ftr_customer", aum_amount=column("derived.indicator", "bigint"))
    made["nodes"]["labels"] = model("lbl_churn", is_churned=column("derived.indicator", "boolean"))
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(TABLES)
    for number, amount in (("X901", 111), ("X902", 222)):
        for build in (1, 2, 3):
            bank.insert("features", "ftr_customer", customer_id=number, as_of_date=DAY, build_id=build,
                        aum_amount=amount + (build == 3), business_date=DAY)  # fmt: skip
        bank.insert("features", "lbl_churn", customer_id=number, as_of_date=DAY, build_id=2, is_churned=amount > 200,
                    business_date=DAY)  # fmt: skip
    return made


def answered(project, tmp_path, customer="X901", name="answer"):
    paths = access_request.answer(customer, "at the branch", tmp_path / name, "dpo", project)
    held = json.loads(paths[0].read_text(encoding="utf-8"))
    return held, {part["table"]: part["rows"] for part in held["tables"]}, paths[1].read_text(encoding="utf-8")


def test_features_and_labels_of_every_build_are_told_once(project, tmp_path):
    held, tables, page = answered(project, tmp_path)
    told = next(part for part in held["tables"] if part["table"] == "features.ftr_customer")
    purposes = [each["en"] for each in told["purposes"]]
    assert purposes == ["telling customers apart", "indicators for marketing and service"], "none of the platform's own"
    assert "处理目的 Purpose: 识别客户 telling customers apart; 客户画像与营销 indicators" in page
    assert sorted(row["aum_amount"] for row in tables["features.ftr_customer"]) == [111, 112]
    assert [row["is_churned"] for row in tables["features.lbl_churn"]] == [False]
    assert "lbl_churn" in page


def test_decisions_and_requests_are_told_and_name_nobody_else(project, bank, tmp_path):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "insert into governance.identity_decision"
            " (customer_id, other_customer_id, decision, business_date, reason, decided_by) values"
            " ('X902', 'X901', 'merge', %(day)s, 'same <b>card</b>', 'zhao'),"
            " ('X902', null, 'split', %(day)s, 'another', 'zhao')",
            {"day": DAY},
        )
    requests.request([("X901", "by letter")], "li")
    _, tables, page = answered(project, tmp_path)
    (decision,) = tables["governance.identity_decision"]
    assert (decision["customer_id"], decision["other_customer_id"]) == (decided.ANOTHER, "X901")
    assert decision["reason"] == "same <b>card</b>"
    (asked,) = tables["governance.erasure"]
    assert (asked["customer_id"], asked["state"], asked["reason"]) == ("X901", "requested", "by letter")
    assert "same &lt;b&gt;card" in page
    assert not {"zhao", "X902"} & set(page.replace("<", " ").replace(">", " ").split())


def test_what_is_not_shown_is_said_to_everybody_alike_so_that_a_hold_is_not_betrayed(project, tmp_path):
    hold.add("customer", "X901", "case 4711", "zhao", DAY)
    held, tables, page = answered(project, tmp_path)
    other, others, _ = answered(project, tmp_path, "X902", "other")
    assert set(tables) == set(others)
    assert held["not_shown"] == other["not_shown"]
    assert "governance.legal_hold" in {each["what"] for each in held["not_shown"]}
    assert all(each["en"] in page.replace("&#x27;", "'") for each in held["not_shown"])
    assert "4711" not in page


def test_without_a_reason_nobody_is_told_anything(project, tmp_path):
    with pytest.raises(BankmartError, match="needs --reason"):
        access_request.answer("X901", " ", tmp_path / "answer", "dpo", project)
    assert not (tmp_path / "answer").exists()
