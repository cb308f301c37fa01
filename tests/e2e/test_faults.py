"""Faults at the line's own points: a plain retry is enough, and readers see whole dates meanwhile."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import threading
import time

import psycopg2
import pytest

from bankmart import db, dbt, faults, settings
from bankmart.bench.faults import matrix, stages, strike, watch
from bankmart.bench.faults.bank import Bank, query
from bankmart.bench.faults.strike import NeverStruck
from bankmart.governance import build as builds
from bankmart.governance import gate, publication
from bankmart.governance.commands.hash import hashes
from bankmart.runtime import provision

# Unset: one of each kind, each at another step. Set: so many seeds of every kind at every step.
SEEDS = int(os.environ.get("BANKMART_FAULT_SEEDS", "0"))
# What somebody holds on to, so that a step's writing takes too long: patterns of tables.
HELD = {
    "load": r"sources\..*", "build": r"(intermediate|features|profile)\..*", "publish": r"governance\.publication",
    "score": r"scores\.customer_score",
}  # fmt: skip
QUICK = [
    ("load", "crash"), ("repair", "kill"), ("score", "cut"), ("tidy", "raise"), ("publish", "kill"), ("score", "lose"),
    ("load", "pause"), ("repair", "stop"), ("publish", "lose"), ("build", "kill"), ("erase", "lose"),
    ("promote", "crash"), ("rollback", "kill"), ("expire", "cut"), ("rotate", "lose"),
    ("promote", "hang"), ("train", "late"), ("serve", "hang"),
    ("load", "full"),
]  # fmt: skip


def schedule():
    if SEEDS:
        return matrix.cases(range(1, SEEDS + 1))
    return [case for case in matrix.cases([1]) if (case.stage, case.kind) in QUICK]


@pytest.fixture(scope="module")
def known():
    with contextlib.ExitStack() as stack:
        yield {"results": [], "stack": stack}


@pytest.fixture
def steps(line, known):
    """The bank with its next date built, not published; made once."""
    if "steps" not in known:
        line.ingest(line.dates[2])
        bank = Bank(line.dates[0], line.dates[1], line.build(line.dates[2]), line.server.restart)
        known |= {"bank": bank, "steps": {stage.name: stage(bank) for stage in stages.STAGES}}
    return known["steps"]


# Before anybody is erased: rows of theirs that are published keep what a rebuild no longer knows (has_mobile).
def test_three_dates_are_built_again_at_once_and_once_more(steps, known):
    """Three back-fills side by side, the latest begun first; then their marts once more, the other way round."""
    bank, layers = known["bank"], ("staging", "intermediate", "marts")
    days = (bank.build.business_date, bank.published, bank.first)
    steps["publish"].begin(random.Random(1), "publish.gated")()
    opened = {day: builds.open_build(day, "again") for day in days}

    def work(build, those):
        for layer in those:
            dbt.build_layer(layer, build)
            gate.judge(layer, build)

    try:
        for order, those in ((days, layers), (days[::-1], layers[-1:])):
            log = settings.state_dir() / "backfills.log"
            children = [strike.fork(functools.partial(work, opened[day], those), "", log) for day in order]
            assert [strike.wait(child) for child in children] == [0, 0, 0], log.read_text()[-3000:]
            for day, build in opened.items():
                was, now = hashes(day), hashes(build_id=build.build_id)
                made = [name for name in was if name.startswith(("intermediate.", "marts."))]
                assert len(made) > 30
                assert {name: now[name] for name in made} == {name: was[name] for name in made}
    finally:
        # Not superseded: of those the newest of a date is kept, and the clean build would be tidied away.
        query("update governance.build set status = 'failed' where run_id = 'again'")
        assert steps["publish"].findings() == []


@pytest.fixture
def mlflow(line, known, mlflow_at, monkeypatch):
    """This process, and those that it forks, pointed at a server in the bank's Postgres; started once."""
    if "mlflow" not in known:
        known["mlflow"] = known["stack"].enter_context(mlflow_at())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", known["mlflow"].address)


@pytest.mark.parametrize("case", schedule(), ids=lambda case: f"{case.fault}-{case.seed}")
def test_a_plain_retry_is_enough(steps, known, case, request):
    if steps[case.stage].asks_mlflow:
        request.getfixturevalue("mlflow")
    result = matrix.run(known["bank"], steps, case)
    known["results"].append(result)
    assert result.has_recovered, "\n".join(result.findings)


@pytest.mark.skipif(not SEEDS, reason="the table of `make test-faults`")
def test_the_table(known, capsys):
    with capsys.disabled():
        print(f"\n\n{matrix.report(known['results'])}")
    assert len({each.case.fault.split(":")[0] for each in known["results"]}) > len(faults.POINTS) / 2


def test_a_step_that_is_not_struck_is_no_proof(steps, known):
    case = matrix.Case("score", "kill", 1, "score.chunk:kill:1000")
    with pytest.raises(NeverStruck):
        matrix.run(known["bank"], steps, case)


def test_a_reader_who_holds_on_delays_nobody_for_long(steps, known, monkeypatch):
    """A view that has changed waits for who reads it; meanwhile everybody reads what was published before."""
    monkeypatch.setattr(publication, "PAUSE", 0.3)
    stage, published = steps["publish"], []
    act = stage.begin(random.Random(1), "publish.views")
    query("update governance.published_view set definition_hash = 'old' where name = 'dim_branch'")
    with db.connect("bi_reader") as holder, holder.cursor() as cursor:
        cursor.execute("select count(*) from published.dim_branch")
        with monkeypatch.context() as impatient:
            impatient.setattr(publication, "TRIES", 1)
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                act()
        publisher = threading.Thread(target=lambda: published.append(act()))
        with watch.reading() as reader:
            publisher.start()
            time.sleep(1.5)
            while not reader.seen:
                time.sleep(0.05)
            assert not published
            assert {seen[0] for seen in reader.seen} == {(known["bank"].published,)}
            holder.rollback()
            publisher.join(120)
    assert published
    assert reader.findings(stage.allowed(), may_be_away=False) == []
    assert stage.findings() == []


def test_a_build_that_readers_see_is_not_written_to_by_a_late_task(steps, known):
    """A task that was thought dead comes back after the publication: its tables refuse it."""
    bank, stage = known["bank"], steps["publish"]
    stage.begin(random.Random(1), "publish.gated")()
    before = hashes(bank.build.business_date)
    with pytest.raises(dbt.DbtError, match=f"build {bank.build.build_id} is published: another run took over"):
        dbt.build_layer("features", bank.build)
    assert hashes(bank.build.business_date) == before
    assert stage.findings() == []


def test_a_storm_of_connections_is_said_and_a_plain_retry_is_enough(steps, known):
    """Readers take every connection there is: a step fails before it has changed anything, and says why."""
    storm = []
    act = steps["load"].begin(random.Random(1), "load.begun")
    publish = steps["publish"].begin(random.Random(1), "publish.gated")
    try:
        with contextlib.suppress(psycopg2.OperationalError):
            while len(storm) < 1000:
                storm.append(psycopg2.connect(settings.dsn("bi_reader")))
        assert 10 < len(storm) < 1000
        for step in (act, publish):
            with pytest.raises(psycopg2.OperationalError, match="too many clients|remaining connection slots"):
                step()
        # Who is in goes on reading what is published.
        with storm[0].cursor() as cursor:
            cursor.execute("select distinct business_date from published.customer_360")
            assert cursor.fetchall() == [(known["bank"].published,)]
    finally:
        for link in storm:
            link.close()
    act()
    assert steps["load"].findings() == []
    assert watch.findings(known["bank"]) == []


@contextlib.contextmanager
def held(pattern):
    """Somebody lets nobody write to these tables; they can be read."""
    with contextlib.closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link, link.cursor() as cursor:
        cursor.execute(
            "select format('%%I.%%I', nspname, relname) from pg_class join pg_namespace on relnamespace ="
            " pg_namespace.oid where relkind in ('r', 'p') and not relispartition and nspname || '.' || relname ~ %s",
            (f"^{pattern}$",),
        )
        cursor.execute(f"lock table {', '.join(name for (name,) in cursor.fetchall())} in share mode")
        yield


@pytest.mark.parametrize("name", list(HELD))
def test_a_statement_that_takes_too_long_is_said_and_a_plain_retry_is_enough(steps, known, monkeypatch, name):
    """The server ends it by its statement_timeout (57014), in the middle of a step: nothing has changed."""
    bank, stage = known["bank"], steps[name]
    act = stage.begin(random.Random(1), f"{name}.begun")
    who = {"load": "loader", "score": "scorer"}.get(name, "platform")
    before = hashes(bank.published)
    with watch.reading() as reader, monkeypatch.context() as impatient:
        while not reader.seen:
            time.sleep(0.05)
        # Every connection of this process that is made from here on.
        impatient.setenv("PGOPTIONS", "-c statement_timeout=500ms")
        with held(HELD[name]), pytest.raises((db.StatementEnded, dbt.DbtError)) as ended:
            act()
    if isinstance(ended.value, dbt.DbtError):
        assert "canceling statement due to statement timeout" in str(ended.value)
        assert ended.value.may_pass
    else:
        assert f"of role {who} before it was done" in str(ended.value)
        assert ended.value.__cause__.pgcode == "57014"
    assert reader.findings({bank.published}, may_be_away=False) == []
    assert hashes(bank.published) == before
    act()
    assert stage.findings() == []
    assert watch.findings(bank) == []
