"""Definitions that are wrong are refused, each with the line that it stands on."""

import pytest

from bankmart import settings
from bankmart.governance import policy
from bankmart.governance.indicators import rules

COUNT = {
    "name": "call_count",
    "zh": "来电次数",
    "en": "Calls",
    "subject": "service",
    "aggregate": "count",
    "filter": "direction = 'in' and is_day_off",
    "windows": [30, 60, 90],
    "unit": "pieces",
    "direction": "none",
    "class": "derived.indicator",
    "owner": "marketing-analytics",
}
SUM = COUNT | {"name": "call_amount", "aggregate": "sum", "measure": "fee_amount", "unit": "currency"}
SHARE = {key: value for key, value in COUNT.items() if key != "filter"} | {
    "name": "call_share",
    "aggregate": "share",
    "unit": "rate",
    "numerator": ["call_count"],
    "denominator": ["call_count"],
    "windows": [90],
}
TREND = {key: value for key, value in SHARE.items() if key not in ("numerator", "denominator")} | {
    "name": "call_trend",
    "aggregate": "trend",
    "of": "call_count",
    "windows": [30],
}
YAML = "dbt_project/models/tags/indicators/ind_call.yml"
OTHER = "dbt_project/models/tags/indicators/ind_other.yml"


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """Write families of a windowed and of a derived model as YAML, one a line from line 4 on, and judge them."""
    # The classes are the project's own.
    rules.known_classes()
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    policy._named.cache_clear()

    def run(windowed=(COUNT,), derived=(), days_off=", days_off=true"):
        types = {
            "fee_amount": "numeric(18,2)",
            "propensity": "double precision",
            "call_date": "date",
            "direction": "text",
        }
        fact = _model("fct_call", "marts/event", columns={name: {"data_type": kind} for name, kind in types.items()})
        moves = _model("move_call", "tags/moves", f"{{{{ moves('ind_call', 'fct_call', 'call_date'{days_off}) }}}}")
        calls = _model("ind_call", "tags/indicators", "{{ subject() }}")
        other = _model("ind_other", "tags/indicators", "{{ subject() }}")
        for node, path, found in ((calls, YAML, windowed), (other, OTHER, derived)):
            node["config"]["meta"]["families"] = list(found)
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            lines = "".join(f"          - {{name: {family.get('name')}, zh: x}}\n" for family in found)
            (tmp_path / path).write_text(f"version: 2\nmodels:\n  - name: x\n{lines}", encoding="utf-8")
        return rules.findings({"nodes": {node["name"]: node for node in (fact, moves, calls, other)}})

    return run


def _model(name, folder, code="select 1", columns=None):
    return {
        "name": name,
        "resource_type": "model",
        "original_file_path": f"models/{folder}/{name}.sql",
        "raw_code": code,
        "config": {"meta": {}},
        "columns": columns or {},
    }


def test_good_definitions_have_no_findings(judge):
    assert judge([COUNT, SUM], [SHARE, TREND]) == []


def test_days_off_have_to_be_asked_for(judge):
    (finding,) = judge([COUNT], days_off="")
    assert finding == (
        f"{YAML}:4: family call_count: filter names is_day_off; add days_off=true to the moves(…) of move_call.sql"
    )


@pytest.mark.parametrize("key", [key for key in COUNT if key != "filter"])
def test_something_is_missing(judge, key):
    (finding,) = judge([SUM, COUNT | {key: None}])
    assert f"give it {key}" in finding
    assert finding.startswith(f"{YAML}:5: family " if key != "name" else f"{YAML}:")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"filter": "chanel = 'app'"}, "filter names chanel, which fct_call doesn't have; use one of fee_amount,"),
        ({"filter": "direction = 'in' and"}, "its filter is no SQL"),
        ({"unit": "metres"}, "unit metres is unknown; use one of currency"),
        ({"unit": "currency"}, "count is in pieces, not in currency"),
        ({"name": "call_amount"}, "by its name it is in currency, not in pieces; change the unit or the name"),
        ({"windows": ["30"]}, "windows are whole numbers of days"),
        ({"windows": [30.5]}, "windows are whole numbers of days"),
        ({"windows": [-30]}, "windows are whole numbers of days"),
        ({"windows": 30}, "windows are whole numbers of days"),
        ({"windows": [90, 30]}, "the shortest first"),
        ({"windows": [30, 30]}, "the shortest first"),
        ({"windows": []}, "give count windows, such as [30, 90]"),
        ({"aggregate": "median"}, "aggregate median is unknown; use one of sum, count, recency, average"),
        ({"aggregate": "level", "windows": []}, "ind_call can't compute level; it has sum, count, recency"),
        ({"class": "secret"}, "class secret is not in vars.data_classes"),
        ({"direction": "sideways"}, "direction says which way is good for the bank: up, down, none"),
        ({"subject": "weather"}, "subject weather is unknown"),
    ],
)
def test_a_count_says_something_wrong(judge, change, says):
    (finding,) = judge([SUM | {"name": "other_amount"}, COUNT | change])
    assert says in finding
    assert finding.startswith(f"{YAML}:5: family ")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"measure": "price_amount"}, "measure names price_amount, which fct_call doesn't have"),
        ({"measure": "propensity", "name": "x_sum", "unit": "score"}, "measure propensity is no exact number"),
        ({"measure": None}, "sum needs measure"),
        ({"name": "call_total", "unit": "score"}, "it adds up an amount, so its unit is currency, not score"),
    ],
)
def test_a_sum_says_something_wrong(judge, change, says):
    (finding,) = judge([SUM | change])
    assert says in finding
    assert finding.startswith(f"{YAML}:4: family ")


@pytest.mark.parametrize(
    ("family", "says"),
    [
        (SHARE | {"numerator": ["visit_count"]}, "indicator visit_count is unknown"),
        (SHARE | {"windows": [365]}, f"call_count has no window of 365 days; add it to {YAML}:4: family call_count"),
        (SHARE | {"denominator": []}, "share needs denominator"),
        (SHARE | {"unit": "index", "name": "call_part"}, "share is in rate, not in index"),
        (TREND | {"windows": [90]}, "call_count has no window of 180 days"),
        (TREND | {"aggregate": "variation", "unit": "index", "windows": [90, 91]}, "variation looks at thirds"),
        (TREND | {"feature": True}, "it is a feature made of call_count, which is none and so is null in training"),
        (COUNT | {"name": "late_count"}, "ind_other can't compute count; it has average, change, ratio, share"),
    ],
)
def test_a_derived_indicator_says_something_wrong(judge, family, says):
    (finding,) = judge([COUNT], [SHARE | {"name": "good_share"}, family])
    assert says in finding
    assert finding.startswith(f"{OTHER}:5: family ")


def test_a_key_is_declared_twice(judge):
    (finding,) = judge([COUNT, COUNT | {"windows": [90]}])
    assert finding == f"{YAML}:5: family call_count: call_count_90d is declared already at {YAML}:4; rename one of them"
    (finding,) = judge([COUNT], [SHARE | {"name": "call_count", "unit": "rate", "windows": [90]}])[-1:]
    assert finding.startswith(f"{OTHER}:4: family call_count: ")


def test_indicators_are_declared():
    node = _model("ind_call", "tags/indicators")
    (finding,) = rules.findings({"nodes": {"ind_call": node}})
    assert finding == f"{YAML}:1: declare its indicators in config.meta.families"
