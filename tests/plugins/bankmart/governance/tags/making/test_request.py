"""A tag that can't be made as asked for is refused with what would be right."""

import pytest

from bankmart.governance.tags.ledger import Entry
from bankmart.governance.tags.making import request
from bankmart.governance.tags.making.request import Request, RequestError

MANIFEST = {
    "nodes": {
        "ind": {
            "name": "ind_call", "resource_type": "model", "columns": {},
            "original_file_path": "models/tags/indicators/i.sql",
            "config": {"meta": {"families": [{"name": "call_count", "aggregate": "count", "windows": [30]}]}},
        },
        "tag": {
            "name": "tag_service", "resource_type": "model", "schema": "tags",
            "original_file_path": "models/tags/service/t.sql",
            "config": {"meta": {}},
            "columns": {"calls": {"description": "", "config": {"meta": {"class": "derived.tag", "version": 1}}}},
        },
    }
}  # fmt: skip
LEDGER = {("old", 1): Entry("old", 1, "retired", "aa", "2027-01-01", "")}


def asked(**changes):
    said = {
        "key": "calls_often", "subject": "service", "kind": "rule", "expression": "call_count_30d >= 3",
        "zh": "频繁来电",
        "en": "Calls often.", "values": ("true", "false"), "default": "false", "owner": "marketing",
    }  # fmt: skip
    return Request(**(said | changes))


def test_a_good_one():
    request.check(asked(), MANIFEST, LEDGER)
    assert asked().data_type == "boolean"
    assert asked(values=("1", "2"), default="1").data_type == "integer"
    assert asked(values=("a", "b"), default="b").judgement == "coalesce(call_count_30d >= 3, 'b')"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"key": "calls"}, "key calls is taken"),
        ({"key": "service"}, "key service is taken"),
        ({"key": "old"}, "key old is retired (dbt_project/tag_ledger.csv) and can't be used again"),
        ({"key": "call_count_30d"}, "is an indicator's name"),
        ({"key": "Calls"}, "is no name"),
        ({"key": "calls_v2"}, "without a version at its end"),
        ({"subject": "indicators"}, "can't be a folder of models/tags"),
        ({"kind": "guess"}, "use one of rule, statistical, model"),
        ({"values": ("a",)}, "--values are two or more"),
        ({"default": "maybe"}, "default 'maybe' is not among the values"),
        ({"zh": " "}, "--zh is empty"),
        ({"expression": "call_cout_30d > 3"}, "there is no indicator call_cout_30d; did you mean call_count_30d?"),
        ({"expression": "1 > 2"}, "reads no indicator"),
        ({"expression": "call_count_30d >"}, "is no SQL expression"),
        ({"expression": "(select 1) > call_count_30d"}, "without a query of its own"),
    ],
)
def test_a_bad_one(changes, says):
    with pytest.raises(RequestError, match=".*") as refused:
        request.check(asked(**changes), MANIFEST, LEDGER)
    assert says in str(refused.value)
