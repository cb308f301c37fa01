"""Tags of a built bank: made, compared, watched, catalogued."""

from __future__ import annotations

import re

from bankmart import __main__ as command_line
from bankmart import db, dbt
from bankmart.governance import build as builds
from bankmart.governance import catalogue, policy
from bankmart.governance.catalogue import command as counts
from bankmart.governance.tags import monitor
from bankmart.governance.tags.trial import newest_build

# Tags of which the small bank shows one value on its second date, and why.
ONE_VALUE = {
    "pay_day_today": "1 November is no pay day",
    "is_awakened": "of 300 customers hardly one is silent for two months and comes back",
}
# Nobody is scored where no model was trained.
UNSCORED = {
    *("churn_risk", "churn_decile", "churn_among_tier", "churn_loss", "retention_priority"),
    *("response_propensity", "response_decile", "contact_effect", "next_product_line", "offer_barrier"),
    *("growth_chance", "lifetime_value", "lifetime_value_size", "natural_group", "unusual_activity"),
    "feedback_feeling",
}


def query(statement, role="bi_reader", values=None):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def test_the_history_answers_for_every_published_day(line):
    for day in line.dates[:2]:
        held = query(
            "select customer_id, value from published.customer_tag_history where tag = 'aum_tier'"
            " and valid_from <= %(day)s and (valid_to > %(day)s or valid_to is null)", values={"day": day},
        )  # fmt: skip
        there = query(
            "select customer_id, aum_tier from tags.tag_value where aum_tier is not null and build_id ="
            " (select build_id from governance.publication where business_date = %s)", "platform", (day,),
        )  # fmt: skip
        assert sorted(held) == sorted(there)
    first, second = (
        query("select count(*) from published.tag_change where valid_from = %s", values=(day,))[0][0]
        for day in line.dates[:2]
    )
    assert 0 < second < first / 10


def test_the_catalogue_of_a_built_bank(line, capsys):
    build = builds.get(newest_build().build_id)
    catalogue.refresh(dbt.manifest(), build)
    assert catalogue.refresh(dbt.manifest(), build) is False
    assert query("select count(*) from published.dictionary where kind in ('indicator', 'tag') and lineage = '[]'") == [
        (0,)
    ]
    # No model was trained: its tags are there, say that nobody is scored, and are absent for the catalogue.
    assert query("select absent_reason from published.dictionary where kind = 'tag' and name = 'growth_chance'") == [
        ("the model value_up has no champion that has scored the date: train and promote it",)
    ]
    ((lineage, used),) = query(
        "select lineage, used_by from published.dictionary where kind = 'indicator' and name = 'call_count_30d'"
    )
    assert "contact_centre.call.started_at" in lineage
    assert "churn" in used["ml"]
    assert "customer_360" in used["models"]
    assert command_line.main(["lineage", "tag_value.aum_tier"]) == 0
    said = capsys.readouterr().out
    assert "marts.fct_balance_current.balance_amount" in said
    assert "profile.customer_360.aum_tier" in said
    assert command_line.main(["lineage", "nowhere.nothing"]) == 1
    assert command_line.main(["catalogue"]) == 0
    assert " 0 without lineage" in capsys.readouterr().out
    assert "mobile.session" in counts.delivered()


def test_every_indicator_is_in_the_dictionary_and_commented_in_both_languages(line):
    build = builds.get(newest_build().build_id)
    catalogue.refresh(dbt.manifest(), build)
    comments = dict(query(
        "select attname, col_description(attrelid, attnum) from pg_attribute"
        " where attrelid = 'published.customer_wide'::regclass and attnum > 0"
    ))  # fmt: skip
    said = {
        name: (zh, en)
        for name, zh, en in query("select name, zh, en from published.dictionary where model = 'customer_wide'")
    }
    assert len(comments) > 800
    assert set(said) == set(comments)
    assert {name: comments[name] for name, (zh, en) in said.items() if comments[name] != f"{zh}. {en}"} == {}
    assert [name for name, (zh, en) in said.items() if not re.search("[\u4e00-\u9fff]", zh) or not en] == []


def test_every_tag_is_watched(line):
    build = builds.get(newest_build().build_id)
    nodes = monitor.check(build, "tags")
    assert {node.status for node in nodes} == {"pass"}
    ((customers,),) = query("select count(*) from tags.tag_value where build_id = %s", "platform", (build.build_id,))
    watched = query("select tag, customer_count, verdict from governance.tag_monitor where build_id = %s", "platform",
                    (build.build_id,))  # fmt: skip
    assert {row[1:] for row in watched} == {(customers, "unjudged")}
    mixed = query(
        "select coalesce(aum_tier, '(none)'), count(*) from tags.tag_value where build_id = %s group by 1", "platform",
        (build.build_id,),
    )  # fmt: skip
    kept = query("select value, customer_count from governance.tag_mix where build_id = %s and tag = 'aum_tier'",
                 "platform", (build.build_id,))  # fmt: skip
    assert sorted(kept) == sorted(mixed)


def declared():
    """Tag → its model and its metadata."""
    return {
        name: (node, column["config"]["meta"])
        for node in policy.models(dbt.manifest())
        if policy.is_tag_model(node)
        for name, column in node["columns"].items()
        if column["config"]["meta"]["class"] == "derived.tag"
    }


def mix(line, node, name):
    return dict(
        query(
            f"select {name}, count(*) from {node['schema']}.{node['name']} where build_id ="
            f" (select build_id from governance.publication where business_date = %s) group by {name}",
            "platform", (line.dates[1],),
        )
    )  # fmt: skip


def test_there_are_enough_tags_of_all_kinds_and_subjects(line):
    metas = [meta for _, meta in declared().values() if meta["status"] == "live"]
    assert len(metas) >= 125
    assert {meta["kind"] for meta in metas} == {"rule", "statistical", "model"}
    assert {meta["subject"] for meta in metas} == {
        "demographic", "value", "product", "habit", "channel", "life_cycle", "event", "risk", "response", "contact",
        "service", "model",
    }  # fmt: skip


def test_every_tag_tells_customers_apart(line):
    same = {name for name, (node, _) in declared().items() if len(mix(line, node, name)) < 2}
    assert same <= set(ONE_VALUE) | UNSCORED, "give a tag other limits, or say why it has one value"


def test_tags_stay_within_their_values(line):
    for name, (node, meta) in declared().items():
        strange = set(mix(line, node, name)) - {None} - set(meta["values"])
        assert not strange, f"{name}: {strange}"


def test_a_changed_tag_shows_whom_it_moves(checkout, capsys):
    file = checkout / "models/tags/value/tag_value.sql"
    text = file.read_text(encoding="utf-8")
    assert "aum_amount < 50000" in text
    file.write_text(text.replace("aum_amount < 50000", "aum_amount < 30000"), encoding="utf-8")
    assert command_line.main(["tag-diff", "aum_tier"]) == 0
    said = capsys.readouterr().out
    ((moved,),) = query("select count(*) from published.customer_360 where aum_amount >= 30000 and aum_amount < 50000")
    assert moved > 0
    assert f"{moved} of " in said
    assert "published \\ new" in said


def test_a_new_tag_is_made_and_its_unit_test_bites(checkout, capsys):
    arguments = ["new-tag", "calls_often", "--subject", "service", "--expression", "call_count_30d >= 2",
                 "--zh", "频繁来电",
                 "--en", "Whether the customer called twice or more in 30 days.", "--default", "false"]  # fmt: skip
    assert command_line.main(arguments) == 0
    said = capsys.readouterr().out
    ((often,),) = query("select count(*) from published.customer_360 where call_count_30d >= 2")
    assert f"true {often}" in " ".join(said.split()) or often == 0
    assert "service_state" in said
    file = checkout / "models/tags/service/tag_calls_often.sql"
    unit = ["test", "--select", "tag_calls_often,test_type:unit", "--log-level", "none"]
    assert dbt.invoke(unit, {}).success
    file.write_text(file.read_text(encoding="utf-8").replace(">= 2", "> 2"), encoding="utf-8")
    assert not dbt.invoke(unit, {}).success
    assert command_line.main(arguments) == 1
    assert "key calls_often is taken" in capsys.readouterr().err
    broken = [*arguments[:1], "broken", *arguments[2:4], "--expression", "nothing(call_count_30d)", *arguments[6:]]
    assert command_line.main(broken) == 1
    assert not (checkout / "models/tags/service/tag_broken.sql").exists()
    assert "tag_broken" not in (checkout / "models/profile/history/tag_change.sql").read_text(encoding="utf-8")
