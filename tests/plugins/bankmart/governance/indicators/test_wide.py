"""The wide table says what the families say, and fits into a page."""

import yaml

from bankmart import settings
from bankmart.governance.indicators import wide

FAMILY = {"name": "call_count", "zh": "来电次数", "en": "Number of calls", "subject": "service", "aggregate": "count"}
FAMILY |= {"windows": [30, 90], "unit": "pieces", "direction": "none", "class": "derived.indicator", "owner": "a"}
ALL = [
    FAMILY,
    FAMILY | {"name": "call_moment", "hidden": True},
    FAMILY | {"name": "days_since_call", "zh": "距上次来电天数", "aggregate": "recency", "windows": [180]},
    FAMILY | {"name": "aum_amount", "subject": "asset", "aggregate": "level", "windows": [], "unit": "currency"},
]


def manifest(families=ALL, reads=("move_call",)):
    def node(name, found, depends_on):
        return {
            "name": name,
            "resource_type": "model",
            "original_file_path": f"models/tags/indicators/{name}.sql",
            "config": {"meta": {"families": found} if found else {}},
            "depends_on": {"nodes": [f"model.bankmart.{other}" for other in depends_on]},
        }

    return {"nodes": {"a": node("ind_call", families, ()), "b": node("ind_all", None, reads)}}


def test_the_columns_are_those_of_the_families_by_subject():
    (model,) = yaml.safe_load(wide.text(manifest()))["models"]
    shown = {column["name"]: (column["data_type"], column["config"]["meta"]["zh"]) for column in model["columns"]}
    assert list(shown) == [
        *("customer_id", "aum_amount", "call_count_30d", "call_count_90d", "days_since_call"),
        *("business_date", "build_id"),
    ]
    assert shown["aum_amount"] == ("double precision", "来电次数")
    assert shown["call_count_30d"] == ("integer", "近30天来电次数")
    assert shown["days_since_call"] == ("integer", "距上次来电天数")
    about = {column["name"]: column["description"] for column in model["columns"]}
    assert about["call_count_90d"] == "Number of calls; last 90 days."
    assert about["days_since_call"] == "Number of calls; null where none in 180 days."
    assert all(column["config"]["meta"]["class"] for column in model["columns"])


def test_a_row_is_as_wide_as_its_values_and_what_lies_between_them():
    # 23 of header and 1 for nulls; 8 for the number; 4, then 4 left empty before the next 8.
    assert wide.row_bytes(["bigint", "integer", "double precision"]) == 24 + 8 + 4 + 4 + 8


def test_the_wide_table_leaves_room_in_a_page():
    (model,) = yaml.safe_load((settings.ROOT / wide.PATH).read_text(encoding="utf-8"))["models"]
    types = [column["data_type"] for column in model["columns"]]
    assert len(types) > 800
    assert wide.row_bytes(types) <= wide.ROW_LIMIT < 8192 - 1000


def test_too_wide_a_row_is_found():
    many = [FAMILY | {"name": f"call_{number}_count", "windows": list(range(1, 101))} for number in range(20)]
    (finding,) = wide.findings(manifest(many))
    assert "at most 7000 are allowed" in finding
    assert wide.findings(manifest()) == []


def test_windows_that_nothing_moves_are_found():
    (finding,) = wide.findings(manifest(reads=()))
    assert finding == (
        "dbt_project/macros/indicators/subjects.sql: add ind_call to moved_subjects(), and a model move_call of the"
        " fact that it counts"
    )
