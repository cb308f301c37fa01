from __future__ import annotations

import json

import numpy as np

from ml.judging.reasons import Description, describe, reason, top_reasons
from ml.spec import load_spec

LEAVING = ("流失可能", "the risk of leaving")


def test_a_reason_is_a_sentence_in_both_languages():
    known = describe(["session_count_90d"], np.array([[10.0], [14.0], [20.0], [np.nan]]))
    found = reason("session_count_90d", 2.0, 0.51234567, known, LEAVING)
    assert found == {
        "feature": "session_count_90d",
        "value": 2.0,
        "contribution": 0.512346,
        "zh": "近90天登录次数：2（一般客户：14），使流失可能上升",
        "en": "Number of sessions in the mobile bank, last 90 days: 2 (usual: 14); raises the risk of leaving",
    }


def test_units_nothing_recorded_and_what_lowers():
    known = describe(["session_count_trend_90d", "days_since_salary", "aum_amount"], np.array([[0.1, 3, 23_456.7]]))
    fell = reason("session_count_trend_90d", -0.8, -0.1, known)
    assert fell["zh"].endswith("-80%（一般客户：10%），使评分下降")
    assert fell["en"].endswith("-80% (usual: 10%); lowers the score")
    nothing = reason("days_since_salary", float("nan"), 0.2, known)
    assert nothing["value"] is None
    assert "无记录（一般客户：3天）" in nothing["zh"]
    assert "no record (usual: 3 days)" in nothing["en"]
    assert "123,457元（一般客户：23,457元）" in reason("aum_amount", 123_456.7, 0.2, known)["zh"]


def test_every_feature_of_every_binary_model_is_described_in_both_languages():
    for model in ("churn", "value_up"):
        names = list(load_spec(model).features)
        known = describe(names, np.zeros((1, len(names))))
        bare = [name for name in names if known[name]["zh"] == name or not known[name]["en"]]
        assert bare == []


def test_a_feature_that_nobody_described_goes_by_its_name_and_others_can_be_added():
    own = {"is_call": Description("电话触达", "Contacted by phone", "flag")}
    known = describe(["new_thing", "is_call"], np.array([[1.0, 0.0]]), own)
    assert reason("new_thing", 2.5, 1, known)["en"] == "new thing: 2.50 (usual: 1); raises the score"
    assert reason("is_call", 1.0, 1, known)["zh"] == "电话触达：是，使评分上升"


def test_the_strongest_come_first_and_what_lowers_is_no_reason():
    known = describe(["a", "b", "c"], np.zeros((1, 3)))
    (found,) = top_reasons(("a", "b", "c"), np.ones((1, 3)), np.array([[0.1, -2.0, 0.4]]), 3, known)
    assert [one["feature"] for one in json.loads(found)] == ["c", "a"]
    assert json.loads(top_reasons(("a", "b", "c"), np.ones((1, 3)), -np.ones((1, 3)), 3, known)[0]) == []
