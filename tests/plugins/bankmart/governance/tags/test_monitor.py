"""What the monitor counts, keeps and says of a build, on a real database."""

import math
from datetime import date, timedelta

import pytest

from bankmart import db, dbt, results
from bankmart.governance import gate
from bankmart.governance.tags import mixes, monitor, registry
from bankmart.governance.tags.mixes import Mix

FIRST = date(2026, 6, 1)
CUSTOMERS = 400


def ask(statement, *values):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def fill(build, high, gone=0, odd=0):
    """So many customers with high, with nothing, and with a value that the tag does not declare; the others low."""
    ask("delete from tags.tag_value where build_id = %s", build.build_id)
    ask(
        "insert into tags.tag_value select n::text, case when n < %s then 'high' when n < %s then null"
        " when n >= 400 - %s then 'odd' else 'low' end, n %% 2 = 0, %s from generate_series(0, 399) as n",
        high, high + gone, odd, build.build_id,
    )  # fmt: skip


@pytest.fixture
def bank(warehouse, make_tag, monkeypatch):
    tags = [make_tag(), make_tag("is_even", data_type="boolean", values=(True, False), default=False)]
    monkeypatch.setattr(registry, "tags", lambda manifest: tags)
    monkeypatch.setattr(dbt, "manifest", dict)
    ask("create table tags.tag_value (customer_id text, aum_tier text, is_even boolean, build_id bigint)")


def run(days, number, high, gone=0, publish=True):
    open_day, show = days
    build = open_day(number, FIRST + timedelta(days=number - 1))
    fill(build, high, gone)
    nodes = {node.name: node for node in monitor.check(build, "tags")}
    if publish:
        show(build)
    return build, nodes


def test_a_young_bank_is_not_judged_and_an_old_one_is(bank, days):
    for number in range(1, 41):
        build, nodes = run(days, number, 100 + number % 3)
        assert {node.status for node in nodes.values()} == {"pass"}
        if number == 1:
            assert nodes["mix_of_aum_tier"].message == "not judged: no earlier published date to compare with"
    assert set(nodes) == {"mix_of_aum_tier", "mix_of_is_even", "review_tag_value"}
    build, nodes = run(days, 41, 390, publish=False)
    assert (nodes["mix_of_aum_tier"].status, nodes["mix_of_aum_tier"].severity) == ("fail", "error")
    assert "of the customers moved unlike on" in nodes["mix_of_aum_tier"].message
    assert nodes["mix_of_is_even"].status == "pass"
    ask("insert into governance.incident values (%s, '*', 'ann', 'a merger', true)", build.business_date)
    confirmed = {node.name: node for node in monitor.check(build, "tags")}["mix_of_aum_tier"]
    assert (confirmed.status, confirmed.severity) == ("warn", "warn")
    assert "right, says ann" in confirmed.message
    # Measured again, after the cause was mended: one row per tag, the new verdict.
    fill(build, 101)
    assert {node.status for node in monitor.check(build, "tags")} == {"pass"}
    ((verdict, customers, coverage, psi_date, psi, stayed),) = ask(
        "select verdict, customer_count, coverage_rate, psi_date, psi, unmoved_days from governance.tag_monitor"
        " where build_id = %s and tag = 'aum_tier'", build.build_id,
    )  # fmt: skip
    assert (verdict, customers, coverage, stayed) == ("pass", 400, 1.0, 1)
    # On the eleventh 102 of 400 had `high`, now 101 have.
    assert psi_date == date(2026, 6, 11)
    expected = (101 - 102) / 400 * math.log(101 / 102) + (299 - 298) / 400 * math.log(299 / 298)
    assert psi == pytest.approx(expected, rel=1e-6)
    assert expected > 0
    assert ask("select value, customer_count from governance.tag_mix where build_id = %s and tag = 'aum_tier'"
               " order by 1", build.build_id) == [("high", 101), ("low", 299)]  # fmt: skip


def test_what_moved_since_last_month_and_who_uses_a_tag_is_kept(bank, days):
    for name, used in (("aum_tier", '{"model": ["churn", "response"], "exposure": ["bi"]}'), ("is_even", "{}")):
        ask(
            "insert into governance.dictionary (kind, model, name, zh, en, class, owner, is_present, lineage, used_by)"
            " values ('tag', 'tag_value', %s, '标签', 'D.', 'derived.tag', 'ann', true, '[]', %s)", name, used,
        )  # fmt: skip
    run(days, 1, 100)
    open_day, _ = days
    build = open_day(2, date(2026, 7, 1))
    fill(build, 200, gone=40)
    monitor.check(build, "tags")
    kept = ask(
        "select tag, user_count, users, psi_date, psi, filled_count, coverage_rate, refreshed_date"
        " from governance.tag_monitor where build_id = %s order by 1", build.build_id,
    )  # fmt: skip
    # A quarter, three quarters and nobody became a half, two fifths and a tenth.
    shares = [(0.25, 0.5), (0.75, 0.4), (monitor.LEAST_SHARE, 0.1)]
    psi = pytest.approx(sum((new - old) * math.log(new / old) for old, new in shares), rel=1e-6)
    users = {"model": ["churn", "response"], "exposure": ["bi"]}
    assert kept == [
        ("aum_tier", 3, users, FIRST, psi, 360, 0.9, None),
        ("is_even", 0, {}, FIRST, 0.0, 400, 1.0, None),
    ]
    assert ask("select psi, psi_date from governance.tag_monitor where build_id = 1 order by tag") == [(None, None)] * 2


def test_a_tag_that_stands_still_says_since_when_and_how_old_its_sources_are(bank, days, make_tag, monkeypatch):
    tags = [
        make_tag(sources=("core_banking.balance", "mobile.session")),
        make_tag("is_even", data_type="boolean", values=(True, False), default=False, sources=("loan.contract",)),
    ]
    monkeypatch.setattr(registry, "tags", lambda manifest: tags)
    for table, last in (("core_banking.balance", 6), ("mobile.session", 3), ("loan.contract", 1)):
        for number in range(1, last + 1):
            ask(
                "insert into governance.load (system, table_name, business_date, file_name, status, accepted_count)"
                " values (split_part(%s, '.', 1), split_part(%s, '.', 2), %s, 'f', 'loaded', 0)",
                table, table, FIRST + timedelta(days=number - 1),
            )  # fmt: skip
    # On the first two days it moves, from the third it is the same.
    for number, high in enumerate((100, 101, 102, 102, 102, 102), 1):
        run(days, number, high)
    kept = ask("select tag, business_date, unmoved_days, refreshed_date - %s from governance.tag_monitor order by 1, 2",
               FIRST)  # fmt: skip
    assert [row[2:] for row in kept if row[0] == "aum_tier"] == [
        # None: never another one, as far as is known. After the third day no session comes any more.
        (None, 0), (0, 1), (0, 2), (1, 2), (2, 2), (3, 2),
    ]  # fmt: skip
    assert {row[2:] for row in kept if row[0] == "is_even"} == {(None, 0)}


@pytest.mark.parametrize(
    ("special", "kind"),
    [("is_pay_day", "pay day"), ("is_month_end", "month end"), ("holiday", "holiday")],
)
def test_days_are_compared_by_the_calendar_of_the_build(bank, days, special, kind):
    ask(
        "create table marts.dim_calendar (calendar_date date, is_business_day boolean, is_pay_day boolean,"
        " is_month_end boolean, holiday text, build_id bigint)"
    )
    open_day, show = days
    for number in range(1, 41):
        build = open_day(number, FIRST + timedelta(days=number - 1))
        ask(
            "insert into marts.dim_calendar select %s::date + n, true, false, false, null, %s"
            " from generate_series(0, 39) as n", FIRST, build.build_id,
        )  # fmt: skip
        said = "'a feast'" if special == "holiday" else "true"
        ask(
            f"update marts.dim_calendar set {special} = {said} where build_id = %s"
            " and (calendar_date - %s::date + 1) %% 10 = 0", build.build_id, FIRST,
        )  # fmt: skip
        # Every tenth day half of the customers move, as they do on pay days.
        fill(build, 300 if number % 10 == 0 else 100 + number % 3)
        nodes = {node.name: node for node in monitor.check(build, "tags")}
        show(build)
        if number == 30:
            assert nodes["mix_of_aum_tier"].message == (
                f"not judged: too little history: 2 comparable days ({kind}), 3 are needed"
            )
    assert nodes["mix_of_aum_tier"].status == "pass"
    assert f"unlike on 3 comparable days ({kind})" in nodes["mix_of_aum_tier"].message


def test_a_confirmed_incident_is_left_out(bank, days):
    for number in range(1, 41):
        run(days, number, 100 + number % 3)
    run(days, 41, 0, gone=390)
    _, nodes = run(days, 42, 102, publish=False)
    assert nodes["mix_of_aum_tier"].status != "pass"
    ask("insert into governance.incident values (%s, 'aum_tier', 'a person', 'file lost')", FIRST + timedelta(days=40))
    build_id = ask("select max(build_id) from governance.build")[0][0]
    from bankmart.governance import build as builds

    nodes = {node.name: node for node in monitor.check(builds.get(build_id), "tags")}
    assert nodes["mix_of_aum_tier"].status == "pass"


def test_a_value_that_the_tag_does_not_declare_stops_whoever_confirms_it(bank, days):
    build = days[0](1, FIRST)
    fill(build, 100, odd=3)
    ask("insert into governance.incident values (%s, '*', 'ann', 'new value', true)", FIRST)
    nodes = {node.name: node for node in monitor.check(build, "tags")}
    assert (nodes["mix_of_aum_tier"].status, nodes["mix_of_aum_tier"].severity) == ("fail", "error")
    assert nodes["mix_of_is_even"].status == "pass"


def test_the_stability_index():
    before, now = Mix(FIRST, {"a": 50, "b": 50}), Mix(FIRST, {"a": 80, "b": 20})
    assert monitor.psi(before, now) == pytest.approx(0.3 * math.log(1.6) - 0.3 * math.log(0.4))
    assert monitor.psi(before, before) == 0
    assert monitor.psi(before, Mix(FIRST, {"a": 100})) > 1


@pytest.mark.parametrize(
    ("day", "there", "found"),
    [
        (date(2026, 3, 31), [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 30)], date(2026, 2, 28)),
        (date(2026, 7, 15), [date(2026, 6, 13), date(2026, 6, 19)], date(2026, 6, 13)),
        (date(2026, 7, 15), [date(2026, 6, 1), date(2026, 7, 14)], None),
    ],
)
def test_the_same_day_of_last_month(day, there, found):
    nearest = monitor.month_before(day, [Mix(each) for each in there])
    assert (nearest.day if nearest else None) == found


def test_one_pass_per_table(bank, days, make_tag, monkeypatch):
    build = days[0](1, FIRST)
    fill(build, 100, gone=50, odd=1)
    found = mixes.count(build, registry.tags({}))
    assert found["aum_tier"].counts == {"high": 100, "(none)": 50, "low": 249, "(other)": 1}
    assert found["is_even"].counts == {"true": 200, "false": 200}
    assert (found["aum_tier"].customers, found["aum_tier"].filled) == (CUSTOMERS, 350)


def test_the_gate_is_red_31_days_after_a_review_was_due(bank, days, make_tag, monkeypatch):
    """Measured, kept and judged as a build does it: the thirtieth day warns, the next one names file and line."""
    due = make_tag(review_date=FIRST - timedelta(days=30))
    monkeypatch.setattr(registry, "tags", lambda manifest: [due])
    build, nodes = run(days, 1, 100)
    results.record("tags", build, "first", list(nodes.values()))
    assert gate.judge("tags", build).warned == 1
    build, nodes = run(days, 2, 100)
    results.record("tags", build, "second", list(nodes.values()))
    with pytest.raises(gate.GateStopped) as stopped:
        gate.judge("tags", build)
    said = str(stopped.value)
    assert said.startswith("gate tags is red for 2026-06-02 (build 2): 1 checks failed.")
    assert "rule      review_tag_value" in said
    assert f"{due.file}:{due.line}: aum_tier was to be reviewed by marketing until 2026-05-02" in said
    assert "docs/runbook.md#a-tags-gate-is-red" in said
