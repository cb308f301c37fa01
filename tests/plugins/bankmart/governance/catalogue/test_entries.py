"""The catalogue's rows say what a column means, whether it is there and why not, and who uses it."""

from datetime import date

import pytest

from bankmart import db
from bankmart.governance.catalogue import command, entries, scored, use
from bankmart.governance.catalogue.lineage import Lineage, order

FAMILY = {
    "name": "session_count", "zh": "登录次数", "en": "Sessions", "aggregate": "count", "measure": "seconds",
    "filter": "day > 1", "windows": [30], "unit": "pieces",
    "class": "derived.indicator", "owner": "marketing", "direction": "up",
}  # fmt: skip
TAG = {
    "class": "derived.tag", "kind": "rule", "subject": "channel", "values": ["active", "never"], "default": "never",
    "status": "frozen", "version": 1, "review_date": "2027-06-30", "end_date": "2027-12-31", "zh": "活跃度",
}  # fmt: skip
COMPILED = {
    "tags.ind_all": "select customer_id, count(*) filter (where day > 1) as session_count_30d"
    " from sources.mobile__session group by 1",
    "tags.ind_session": "select customer_id, session_count_30d from tags.ind_all",
    "tags.tag_channel": "select customer_id, case when session_count_30d > 8 then 'active' else 'never' end as activity"
    " from tags.ind_session",
    "profile.customer_360": "select customer_id, activity, 1 as build_id from tags.tag_channel",
}


def model(name, folder, columns=(), reads=(), raw="", **meta):
    schema = folder.split("/")[0]
    return {
        "unique_id": name, "name": name, "resource_type": "model", "schema": schema, "alias": name, "raw_code": raw,
        "original_file_path": f"models/{folder}/{name}.sql", "depends_on": {"nodes": list(reads)},
        "config": {"meta": {"owner": "marketing", **meta}},
        "columns": {
            column: {"description": "D.", "data_type": "text", "config": {"meta": {"zh": "列", **about}}}
            for column, about in columns
        },
    }  # fmt: skip


@pytest.fixture
def manifest(monkeypatch):
    monkeypatch.setattr(use, "specs", list)
    nodes = [
        model("ind_all", "tags/indicators_derived"),
        model("ind_session", "tags/indicators", reads=["ind_all"], families=[FAMILY]),
        model("tag_channel", "tags/channel", [("activity", TAG)], ["ind_session"]),
        model(
            "customer_360", "profile/customer",
            [("activity", {"class": "derived.tag"}), ("build_id", {"class": "platform"})],
            ["tag_channel"], published="current", promised_time="07:00",
        ),
    ]  # fmt: skip
    source = {
        "name": "session", "source_name": "mobile", "schema": "sources", "identifier": "mobile__session",
        "columns": {"customer_id": {}, "day": {}},
    }  # fmt: skip
    exposure = {"name": "dashboard", "depends_on": {"nodes": ["customer_360"]}}
    macros = {"macro.bankmart.moved_subjects": {"macro_sql": "{{ return({'ind_session': 'mobile.session'}) }}"}}
    return {
        "nodes": {each["name"]: each for each in nodes},
        "sources": {"s": source},
        "exposures": {"e": exposure},
        "macros": macros,
    }


def rows(manifest, delivered=("mobile.session",)):
    known = {"sources.mobile__session": ["customer_id", "day"]}
    made = entries.Catalogue(manifest, Lineage(COMPILED, known, order(manifest)), delivered).entries()
    return {(row.kind, row.name): row for row in made}


def test_an_indicator(manifest):
    row = rows(manifest)["indicator", "session_count_30d"]
    assert (row.zh, row.en, row.windows, row.unit, row.type) == (
        "近30天登录次数", "Sessions in 30 days.", [30], "pieces", "integer",
    )  # fmt: skip
    assert (row.aggregate, row.measure, row.filter, row.tag_kind) == ("count", "seconds", "day > 1", None)
    assert row.lineage == ["mobile.session.day"]
    assert row.used_by == {
        "models": ["customer_360", "ind_session", "tag_channel"],
        "exposures": ["dashboard"],
        "ml": [],
    }
    assert row.is_present


def test_a_derived_indicator_says_what_it_is_made_of(manifest):
    share = {**FAMILY, "name": "share", "aggregate": "share", "numerator": ["a"], "denominator": ["a", "b"]}
    manifest["nodes"]["ind_session"]["config"]["meta"]["families"] = [
        {name: value for name, value in share.items() if name not in ("measure", "filter")}
    ]
    row = rows(manifest)["indicator", "share_30d"]
    assert (row.aggregate, row.measure, row.filter) == ("share", "a, b", None)


def test_a_tag_and_its_column_in_the_profile(manifest):
    found = rows(manifest)
    tag, column = found["tag", "activity"], found["column", "activity"]
    assert (tag.values, tag.default, tag.subject, tag.grade) == (["active", "never"], "never", "channel", 3)
    assert (column.model, column.values, column.status, column.promised_time) == (
        "customer_360", tag.values, "frozen", "07:00",
    )  # fmt: skip
    assert {(row.tag_kind, row.end_date, row.aggregate) for row in (tag, column)} == {
        ("rule", date(2027, 12, 31), None)
    }
    assert entries.has_lineage(found["column", "build_id"])


def test_what_is_absent_says_why(manifest):
    found = rows(manifest, delivered=())
    for key in (("indicator", "session_count_30d"), ("tag", "activity"), ("column", "activity")):
        assert (found[key].is_present, found[key].absent_reason) == (False, "mobile.session has never delivered")
    said = command.summary(list(found.values()))
    assert said == "1 indicators, 1 tags, 2 published columns; 3 absent, 0 without lineage"


def test_a_tag_of_a_model_is_absent_until_its_champion_has_scored():
    said = scored.why_not(["response"], (), {"response": ["campaign.contact", "campaign.response"]}, ["mobile.session"])
    assert said == ("the model response can't be trained: campaign.contact and campaign.response have never delivered")
    assert scored.why_not(["churn"], (), {"churn": []}, ()) == (
        "the model churn has no champion that has scored the date: train and promote it"
    )
    assert scored.why_not(["churn"], {"churn"}, {"churn": ["loan.contract"]}, ()) is None


def test_who_has_scored_is_asked_build_by_build(warehouse):
    with db.connect("platform") as link, link.cursor() as cursor:
        for model, build, is_champion in (("churn", 1, True), ("clv", 1, False), ("response", 2, True)):
            cursor.execute(
                "insert into scores.customer_score (as_of_date, build_id, model, model_version, customer_id, score,"
                " band, is_champion, mlflow_run_id) values ('2026-10-31', %s, %s, '1', 'c', 0.5, 'low', %s, 'r')",
                (build, model, is_champion),
            )
        cursor.execute(
            "insert into scores.customer_offer (as_of_date, build_id, model, model_version, customer_id, offer, score,"
            " is_champion, mlflow_run_id) values ('2026-10-31', 1, 'recommend', '1', 'c', 'P', 0.5, true, 'r')"
        )
    asked = {"churn", "clv", "response", "recommend", "sentiment"}
    assert scored.scored(1, date(2026, 10, 31), asked) == {"churn", "recommend"}
    assert scored.scored_lately(asked) == frozenset()
