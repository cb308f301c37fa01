"""The line from files to readers: what comes out is what went in, again and again, whatever happens on the way."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import psycopg2
import pytest
from psycopg2 import sql

from bankmart import db, dbt, settings
from bankmart.governance import build as builds
from bankmart.governance import gate, publication, retention, views
from bankmart.governance.audit import anchor
from bankmart.governance.audit.verify import verify
from bankmart.governance.commands.hash import hashes
from bankmart.runtime import report
from bankmart.sources import landing, load


def rows(line, system, table, days=None):
    """The delivered rows of a table, read without any of the platform's code."""
    frames = [
        pd.read_csv(path, dtype=str, keep_default_na=False)
        for day in days or line.dates[:2]
        for path in landing.folder(settings.landing_dir(), system, table, day).glob("*.csv")
    ]
    return pd.concat(frames, ignore_index=True)


def query(statement, role="bi_reader", values=None):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def accounts_of_persons(line):
    """The newest account records, by the number that stands for their owner."""
    linked = dict(query("select customer_id, linked_customer_id from published.bridge_identity"))
    assert linked
    accounts = rows(line, "core_banking", "account").drop_duplicates("account_id", keep="last")
    return accounts.assign(customer_id=accounts["customer_id"].replace(linked))


def test_transactions_reconcile_to_the_files_to_the_cent(line):
    sent = rows(line, "core_banking", "transaction")
    for direction, group in sent.groupby("direction"):
        assert query(
            "select count(*), sum(amount) from published.fct_transaction where direction = %s", values=(direction,)
        ) == [(len(group), sum(map(Decimal, group["amount"])))]


def test_assets_are_the_last_delivered_balances(line):
    accounts = accounts_of_persons(line)
    products = rows(line, "core_banking", "product").drop_duplicates("product_id", keep="last")
    owner = accounts.merge(products, on="product_id").set_index("account_id")
    balances = rows(line, "core_banking", "balance").sort_values("balance_date", kind="stable")
    last = balances.drop_duplicates("account_id", keep="last").merge(owner, on="account_id")
    deposits = last[last["product_line"].isin(["current", "savings", "term_deposit"])]
    expected = deposits.groupby("customer_id")["balance_amount"].agg(lambda found: float(sum(map(Decimal, found))))
    got = dict(query("select customer_id, deposit_amount from published.customer_360 where deposit_amount <> 0"))
    assert got == pytest.approx({customer: amount for customer, amount in expected.items() if amount}, abs=0.005)


@pytest.mark.parametrize(
    ("indicator", "condition", "window", "aggregate"),
    [
        ("transaction_in_amount_30d", "direction == 'in'", 30, "sum"),
        ("transaction_out_count_90d", "direction == 'out'", 90, "count"),
        ("cash_out_amount_90d", "direction == 'out' and purpose == 'cash'", 90, "sum"),
        ("salary_in_amount_30d", "direction == 'in' and purpose in ('salary', 'pension')", 30, "sum"),
        ("mobile_transaction_count_30d", "channel == 'mobile'", 30, "count"),
        ("transfer_out_amount_90d", "direction == 'out' and purpose == 'transfer'", 90, "sum"),
    ],
)
def test_indicators_agree_with_pandas(line, indicator, condition, window, aggregate):
    as_of = pd.Timestamp(line.dates[1])
    accounts = accounts_of_persons(line)
    sent = rows(line, "core_banking", "transaction").merge(accounts[["account_id", "customer_id"]], on="account_id")
    age = (as_of - pd.to_datetime(sent["transaction_date"])).dt.days
    kept = sent[(age >= 0) & (age < window)].query(condition).assign(amount=lambda found: found["amount"].astype(float))
    expected = kept.groupby("customer_id")["amount"].agg(aggregate).to_dict()
    got = dict(query(f"select customer_id, {indicator} from published.customer_360 where {indicator} <> 0"))  # noqa: S608
    assert len(got) > 10
    assert got == pytest.approx({customer: value for customer, value in expected.items() if value}, abs=0.005)


def test_average_assets_agree_with_a_day_by_day_sum(line):
    as_of = pd.Timestamp(line.dates[1])
    moved = pd.DataFrame(
        query("select customer_id, balance_date, change_amount::float from published.fct_balance_daily"),
        columns=["customer_id", "date", "change"],
    )
    days = pd.date_range(as_of - pd.Timedelta(days=29), as_of)
    moved["date"] = pd.to_datetime(moved["date"])
    daily = [moved[moved["date"] <= day].groupby("customer_id")["change"].sum() for day in days]
    expected = pd.concat(daily, axis=1).fillna(0).mean(axis=1)
    got = dict(query("select customer_id, aum_average_amount_30d from published.customer_360"))
    assert len(got) > 100
    for customer, average in expected.items():
        assert got[customer] == pytest.approx(average, abs=0.01)


def test_the_same_date_again_gives_the_same_tables(line):
    before = hashes(line.dates[1])
    load.load_system("core_banking", line.dates[1])
    build = line.build(line.dates[1], "again")
    assert hashes(line.dates[1]) == before, "readers saw a build that was not published"
    assert hashes(build_id=build.build_id) == before
    publication.publish(build, actor="test")
    publication.publish(build, actor="test")
    assert hashes(line.dates[1]) == before


def test_a_past_date_again_gives_the_same_tables_in_every_layer(line):
    """With a later date published: tags, features and profiles too know nothing of what came after it."""
    before = hashes(line.dates[0])
    build = line.build(line.dates[0], "back-fill")
    try:
        assert hashes(build_id=build.build_id) == before
        assert {name.split(".")[0] for name in before} >= {"intermediate", "marts", "tags", "features", "profile"}
    finally:
        builds.finish(build.build_id, "failed", "end of the test")


def test_a_published_build_is_never_written_to(line):
    ((build_id,),) = query(
        "select build_id from governance.publication where business_date = %s", "platform", (line.dates[1],)
    )
    with pytest.raises(builds.BuildError, match="never written to again"):
        builds.writable(build_id)


def test_a_date_waits_for_the_one_before(line):
    line.ingest(line.dates[2])
    line.ingest(line.dates[3])
    assert str(line.dates[2]) in builds.first_before(line.dates[3])
    with pytest.raises(builds.BuildError, match=f"{line.dates[2]} was delivered before it and is not published"):
        builds.open_build(line.dates[3], "test")


def test_a_date_waits_for_an_earlier_one_under_construction(line):
    """A back-fill of two dates: the later one must stand on the new build of the earlier one."""
    build = builds.open_build(line.dates[0], "back-fill")
    try:
        assert builds.first_before(line.dates[1]) == f"build {build.build_id} of {line.dates[0]} is not finished"
    finally:
        builds.finish(build.build_id, "failed", "end of the test")
    assert builds.first_before(line.dates[1]) is None


def test_a_date_that_was_never_loaded_is_refused(line):
    with pytest.raises(builds.BuildError, match="has not been loaded"):
        builds.open_build(date(2020, 1, 1), "test")


def test_a_red_gate_stops_the_line_and_says_everything(line):
    line.ingest(line.dates[2])
    spoil = "update sources.core_banking__transaction set direction = direction || '?' where business_date = %s"
    mend = "update sources.core_banking__transaction set direction = rtrim(direction, '?') where business_date = %s"
    broken = _execute(spoil, line.dates[2])
    assert broken
    try:
        with pytest.raises(gate.GateStopped) as stopped:
            line.build(line.dates[2], "red")
    finally:
        _execute(mend, line.dates[2])
    said = str(stopped.value)
    for part in (
        f"gate marts is red for {line.dates[2]}",
        "rule      accepted_values_fct_transaction_direction",
        f"Readers still see {line.dates[1]}",
        "owner     data-platform",
        "docs/runbook.md",
    ):
        assert part in said
    kept = query(
        "select rule, row_count > 0, jsonb_array_length(examples) > 0, owner, runbook, readers_see"
        " from governance.gate_stop where business_date = %s and rule like 'accepted_values%%'",
        "platform", (line.dates[2],),
    )  # fmt: skip
    assert kept[0][1:] == (True, True, "data-platform", "docs/runbook.md#a-gate-is-red", line.dates[1])
    told = query("select kind, body from governance.notice where subject like %s", "platform", ("gate marts is red%",))
    assert [kind for kind, _ in told] == ["red_gate"]
    assert f"Readers still see {line.dates[1]}." in told[0][1]
    examples = query(
        "select examples from governance.node_result where status = 'fail' and examples is not null", "platform"
    )
    assert examples
    names = {name for (name,) in query("select customer_id from published.customer_360")}
    assert not any(name in str(example) for (example,) in examples for name in names)
    assert query("select max(business_date) from published.customer_360") == [(line.dates[1],)]
    with pytest.raises(gate.GateStopped):
        publication.publish(builds.unfinished(line.dates[2]), actor="test")


def _execute(statement, *values, role="loader"):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def test_readers_reach_nothing_but_published_views(line):
    for relation in (
        "marts.dim_customer",
        "profile.customer_360",
        "sources.core_banking__customer",
        "governance.build",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query(f"select * from {relation} limit 1")  # noqa: S608


def test_readers_see_masks(line):
    clear = rows(line, "core_banking", "customer").drop_duplicates("customer_id", keep=False)
    clear = clear[clear["mobile"].str.fullmatch(r"1\d{10}") & clear["name"].str.len().ge(2)]
    clear = clear[clear["id_number"].ne("") & clear["birth_date"].ne("")].head(50)
    seen = {
        row[0]: row[1:]
        for row in query("select customer_id, name, mobile, id_number, birth_date from published.dim_customer")
    }
    assert len(clear) == 50
    for customer, name, mobile, birth_date in clear[["customer_id", "name", "mobile", "birth_date"]].to_numpy():
        assert seen[customer] == (
            f"{name[0]}**",
            f"{mobile[:2]}***{mobile[-2:]}",
            None,
            date(int(birth_date[:4]), 1, 1),
        )


def test_published_views_and_columns_carry_their_comments_in_both_languages(line):
    missing = query(
        """
        select c.relname, a.attname from pg_attribute a join pg_class c on a.attrelid = c.oid
        where c.relnamespace = 'published'::regnamespace and a.attnum > 0
            and coalesce(col_description(c.oid, a.attnum), '') !~ '[\u4e00-\u9fff].*[A-Za-z]'
        union all
        select c.relname, 'the view itself' from pg_class c
        where c.relnamespace = 'published'::regnamespace and c.relkind = 'v'
            and coalesce(obj_description(c.oid), '') !~ '[\u4e00-\u9fff].*[A-Za-z]'
        """,
        "platform",
    )
    assert missing == []


class Seen(set):
    """What was answered; how long the longest answer took, and how many there were."""

    longest, count = 0.0, 0


@contextlib.contextmanager
def reading(statement, *values):
    """Somebody asks the same again and again, each time in one snapshot: what was answered."""
    seen, errors, done = Seen(), [], threading.Event()

    def read():
        with db.connect("bi_reader") as link:
            link.set_session(isolation_level="REPEATABLE READ", readonly=True)
            while not done.is_set() and not errors:
                try:
                    begun = time.monotonic()
                    with link.cursor() as cursor:
                        # No longer than a publication holds up anybody.
                        cursor.execute("set local lock_timeout = '1s'")
                        cursor.execute(statement, values)
                        seen.add(repr(cursor.fetchone()))
                    link.rollback()
                    seen.longest, seen.count = max(seen.longest, time.monotonic() - begun), seen.count + 1
                except psycopg2.Error as error:
                    errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
        time.sleep(0.3)
    finally:
        done.set()
        reader.join(30)
    assert errors == []


def test_readers_never_see_a_mix(line):
    """A reader loops while a date is built, published and rolled back."""
    line.ingest(line.dates[2])
    with reading(
        "select (select array_agg(distinct business_date) from published.customer_360),"
        " (select array_agg(distinct business_date) from published.dim_customer_current),"
        " (select max(business_date) from published.fct_transaction),"
        " (select count(*) > 0 from published.customer_360)"
    ) as seen:
        publication.publish(line.build(line.dates[2], "mix"), actor="test")
        time.sleep(0.3)
        publication.rollback(line.dates[2], actor="test")
    first, second = line.dates[1], line.dates[2]
    assert seen == {repr(([first], [first], first, True)), repr(([second], [second], second, True))}


def test_readers_never_see_a_mix_of_two_builds_of_one_date(line):
    """A published date is built again from a corrected file, once in vain: readers see one build or the other, scores
    and all, and so they do while the two are swapped as often as time allows."""
    day, shown = line.dates[1], ("fct_transaction", "customer_wide", "customer_360", "tag_model")
    asked = "select " + ", ".join(
        f"(select sum(hashtextextended(seen::text, 0)) from published.{name} as seen)" for name in shown
    )
    (before,) = query(asked)
    with kept("core_banking__transaction", day), reading(asked) as seen:
        _execute(
            "update sources.core_banking__transaction set direction = direction || '?' where business_date = %s", day
        )
        with pytest.raises(gate.GateStopped):
            line.build(day, "in vain")
        _execute(
            "update sources.core_banking__transaction set direction = rtrim(direction, '?'), channel = 'branch'"
            " where business_date = %s",
            day,
        )
        corrected = _build_with_scores(day)
        publication.publish(corrected, actor="test")
        (after,) = query(asked)
        time.sleep(0.3)
        publication.rollback(day, actor="test")
    assert all(old != new for old, new in zip(before, after, strict=True)), "each of these views shows the correction"
    assert seen == {repr(before), repr(after)}
    _swap(day, corrected.build_id, asked, {repr(before), repr(after)})


def _build_with_scores(day):
    build = builds.open_build(day, "corrected")
    for layer in builds.LAYERS:
        if layer == "profile":
            _execute(
                "insert into scores.customer_score (as_of_date, build_id, model, model_version, customer_id, score,"
                " band, is_champion, mlflow_run_id) select %s, build_id, 'churn', '1', customer_id, 0.5, 'medium',"
                " true, 'r' from marts.dim_customer_current where build_id = %s",
                day, build.build_id, role="platform",
            )  # fmt: skip
        dbt.build_layer(layer, build)
        gate.judge(layer, build)
    return build


def _shown(day):
    ((build,),) = query("select build_id from governance.publication where business_date = %s", "platform", (day,))
    return build


def _swap(day, other, asked, allowed, seconds=15, most=1000):
    """Publish and roll back, by chance, beside a reader who waits for no lock longer than is promised."""
    chance, swaps, one = random.Random(20261101), 0, _shown(day)
    now, deadline = one, time.monotonic() + seconds
    with reading(asked) as seen, db.connect("platform") as link, link.cursor() as cursor:
        while swaps < most and time.monotonic() < deadline:
            if now == other and chance.random() < 0.5:
                now = publication.rollback(day, "swap")
                assert now == one
            else:
                now = one if now == other else other
                publication._switch(cursor, "publish", day, now, "swap")
                link.commit()
            swaps += 1
            time.sleep(chance.choice((0, 0, 0.002)))
    if _shown(day) == other:
        publication.rollback(day, "swap")
    assert swaps > 100
    assert seen == allowed
    # No speed is promised: nobody waits longer than for a lock (a second), with much room for a busy machine.
    assert seen.longest < 1 + 5
    print(f"{swaps} swaps; a reader waited {seen.longest:.3f} s at most for an answer, {seen.count} of them")


@contextlib.contextmanager
def kept(table, day):
    """What the date has of a raw table is there again afterwards."""
    names = {"table": sql.Identifier("sources", table), "copy": sql.Identifier("sources", f"{table}_kept")}

    def run(*statements):
        with db.connect("loader") as link, link.cursor() as cursor:
            for statement in statements:
                cursor.execute(sql.SQL(statement).format(**names), {"day": day})

    run("create table {copy} as select * from {table} where business_date = %(day)s")
    try:
        yield
    finally:
        run(
            "delete from {table} where business_date = %(day)s",
            "insert into {table} select * from {copy}",
            "drop table {copy}",
        )


def test_a_rollback_puts_the_build_before_back(line):
    day = line.dates[1]
    before = hashes(day)
    build = line.build(day, "for rollback")
    publication.publish(build, actor="test")
    again = publication.rollback(day, actor="test")
    assert again is not None
    assert again != build.build_id
    assert hashes(day) == before


def test_a_rollback_of_one_run_happens_once(line):
    """A task that was killed behind its commit is tried again: the step back isn't made twice."""
    day = line.dates[1]
    before = hashes(day)
    publication.publish(line.build(day, "for one run"), actor="test")
    again = publication.rollback(day, actor="anna, airflow 7", once=True)
    assert publication.rollback(day, actor="anna, airflow 7", once=True) == again
    assert hashes(day) == before
    with pytest.raises(publication.PublicationError, match="is not published"):
        publication.rollback(line.dates[-1] + timedelta(days=9), actor="anna, airflow 8", once=True)


def test_a_rollback_never_leads_to_a_build_without_rows(line):
    """Two more builds, tidied up: one step back is left, the second is refused and readers keep what they have."""
    day, before = line.dates[1], hashes(line.dates[1])
    for run_id in ("second", "third"):
        publication.publish(line.build(day, run_id), actor="test")
        assert retention.tidy()
    assert publication.rollback(day, actor="test")
    with pytest.raises(publication.PublicationError, match="tidied up: its rows are gone"):
        publication.rollback(day, actor="test")
    assert hashes(day) == before


def test_a_build_whose_time_is_over_is_not_published(line):
    """An old run's publish task, cleared: neither a superseded build nor one without rows comes back."""
    day = line.dates[1]
    older, newer = line.build(day, "older"), line.build(day, "newer")
    publication.publish(newer, actor="test")
    before = hashes(day)
    with pytest.raises(publication.PublicationError, match=f"build {older.build_id} of {day} is superseded"):
        publication.publish(older, actor="test")
    _execute("update governance.build set status = 'tidied' where build_id = %s", older.build_id, role="platform")
    with pytest.raises(publication.PublicationError, match=f"build {older.build_id} of {day} is tidied"):
        publication.publish(older, actor="test")
    _execute("update governance.build set status = 'superseded' where build_id = %s", older.build_id, role="platform")
    assert hashes(day) == before


def test_a_new_column_may_stand_anywhere(line):
    """The published view is made anew with the publication; its grants and comments come with it."""
    manifest = dbt.manifest()
    node = next(node for node in manifest["nodes"].values() if node["name"] == "dim_branch")
    node["columns"] = dict(reversed(node["columns"].items()))
    with db.connect("platform") as link, link.cursor() as cursor:
        views.refresh(cursor, views.published(manifest))
    with db.connect("bi_reader") as link, link.cursor() as cursor:
        cursor.execute("select * from published.dim_branch limit 1")
        assert [column.name for column in cursor.description] == list(node["columns"])


def test_postgres_killed_during_a_build(line):
    """kill -9 of the server: what was there stays, and the same again ends as if nothing had happened."""
    day, before = line.dates[1], hashes(line.dates[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "bankmart", "build", "--date", day.isoformat()]
    build = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True)
    _wait_for("select 1 from pg_stat_activity where query like '%%insert into%%' and application_name = 'dbt'")
    os.kill(line.server.process.pid, signal.SIGKILL)
    _, said = build.communicate(timeout=120)
    assert build.returncode != 0, said
    line.server.restart()
    assert hashes(day) == before
    again = line.build(day, "after the kill")
    assert hashes(build_id=again.build_id) == before


def _wait_for(statement, seconds=60):
    deadline = time.monotonic() + seconds
    while not query(statement, "platform"):
        assert time.monotonic() < deadline, f"never seen: {statement}"
        time.sleep(0.005)


def test_what_was_done_is_audited_and_what_was_checked_is_scored(line):
    report = verify()
    assert (report.findings, report.notes) == ((), ())
    published = query(
        "select entry.subject, (entry.facts ->> 'build_id')::bigint from audit.entry where kind = 'publish'"
        " order by number limit 2",
        "platform",
    )
    assert [day for day, _ in published] == [str(day) for day in line.dates[:2]]
    # Policy and tags are written down by the first publication, and not again while they stay the same.
    changes = "select subject, count(*) from audit.entry where kind in ('policy', 'tags') group by 1 order by 1"
    assert query(changes, "platform") == [
        ("data_classes", 1), ("dbt_project/tag_ledger.csv", 1), ("grade_breakers", 1), ("published", 1), ("readers", 1),
    ]  # fmt: skip
    attempts = (
        "select count(*) from governance.build where run_id is not null and not exists (select from audit.entry"
        " where kind = 'build' and (facts ->> 'build_id')::bigint = build.build_id and actor = run_id)"
    )
    assert query(attempts, "platform") == [(0,)]
    events = query("select count(*) from governance.publication_event", "platform")
    assert query("select count(*) from audit.entry where kind in ('publish', 'rollback')", "platform") == events
    assert anchor.read()[0][-1].number <= report.entries
    scores = {
        (day, table): score
        for day, table, score in query("select business_date, table_name, score from published.quality_score")
    }
    for day in line.dates[:2]:
        assert all(0 <= scores[day, table] <= 100 for table in ("marts.fct_transaction", "core_banking.transaction"))
    assert {row[0] for row in query("select distinct dimension from published.quality_result")} == {
        "completeness", "uniqueness", "validity", "consistency", "timeliness", "accuracy",
    }  # fmt: skip
    sums = query("select table_name, mart, verdict from published.reconciliation where business_date = %s",
                 values=(line.dates[1],))  # fmt: skip
    assert {verdict for *_, verdict in sums} == {"pass"}
    assert {"marts.fct_transaction", "marts.fct_card_transaction"} <= {mart for _, mart, _ in sums}


def test_the_report_of_the_demo_says_what_is_there(line):
    """All but its models, which need MLflow and are those of the demo itself."""
    (head,) = query("select hash from audit.tip", "platform")[0]
    people = query("select count(*) from published.customer_360")[0][0]
    assert report._published() == f"Published business date {line.dates[1]} (2 dates), {people:,} customers"
    count = query("select count(*) from published.fct_transaction")[0][0]
    assert re.search(rf"^fct_transaction +{count:,}$", report._tables(), re.M)
    read, bad = query("select sum(read_count), sum(rejected_count) from governance.load"
                      " where status = 'loaded' and system = 'card'", "platform")[0]  # fmt: skip
    assert re.search(rf"^card +\d+ +{read} +{read - bad} +{bad}$", report._sources(), re.M)
    gates = re.findall(r"^(\S+) +(\d+) +(\d+) +\d+ +0$", report._gates(), re.M)
    counted = query(
        "select business_date::text, count(distinct layer)::text, count(*) filter (where status = 'pass')::text"
        " from governance.node_result where build_id in (select build_id from governance.publication)"
        " group by 1 order by 1",
        "platform",
    )
    assert gates == counted
    assert [day for day, *_ in gates] == [str(day) for day in line.dates[:2]]
    assert report._quality().startswith(f"Quality of {line.dates[1]}: ")
    assert head in report._audit()
    assert "the audit chain is whole" in report._audit()
    indicators, tags = map(int, re.match(r"Catalogue: (\d+) indicators, (\d+) tags[,\n]", report._catalogue()).groups())
    assert indicators >= 800
    assert tags >= 120
