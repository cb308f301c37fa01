"""A person's word in a real Airflow: asked of the approver alone, kept with the version, and silence is a no."""

from __future__ import annotations

import json
import time

import pytest

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance.people.erasure import requests
from bankmart.runtime import airflow
from bankmart.runtime.airflow_client import Client
from bankmart.runtime.commands.down import down
from bankmart.runtime.commands.up import up
from bankmart.sources import contract, tables

pytestmark = pytest.mark.slow

# The real steps between a training that is only said to have been, and a promotion that only tells.
DAG = """
import json, os, time
from datetime import datetime, timedelta
from pathlib import Path
from airflow.sdk import DAG, PartitionedAssetTimetable, task
from bankmart import steps

def trained(name):
    @task(task_id=f"train_{name}")
    def run():
        return {"version": "7", "champion": None, "passed": name != "stopped", "report": "| auc | yes |",
                "run_url": "http://127.0.0.1/#/experiments/1/runs/2"}
    return run()

def promoted(name, approved):
    @task(task_id=f"promote_{name}")
    def run(answer):
        Path(os.environ["BANKMART_STATE_DIR"], f"{name}.json").write_text(json.dumps(answer, default=str))
    run(approved.output)

def compared(differs):
    @task(task_id="compare")
    def run():
        return {"business_date": "2026-10-31", "build_id": 7, "against": 3, "needs_approval": differs,
                "report": "marts.fct_transaction 1 new"}
    return run()

for name, differs in (("same", False), ("changed", True)):
    with DAG(name, schedule=PartitionedAssetTimetable(assets=steps.SOURCES), start_date=datetime(2020, 1, 1)):
        promoted(name, steps.agree(compared(differs)))

with DAG("erasures", schedule=PartitionedAssetTimetable(assets=steps.SOURCES), start_date=datetime(2020, 1, 1),
         params=steps.PARAMS, default_args=steps.DEFAULTS):
    asked = steps.erasure_requests()
    steps.decide(asked, steps.agree_to_forget(asked))

# As the platform's DAGs say it, but by seconds: the first run takes none, the second twenty.
with DAG("late", schedule=PartitionedAssetTimetable(assets=steps.SOURCES), start_date=datetime(2020, 1, 1),
         params=steps.PARAMS, deadline=steps.deadline(hours=1 / 3600)):
    @task
    def work(**context):
        time.sleep(20 * (steps.business_date(context).day == 31))
    work()

with DAG("ask", schedule=PartitionedAssetTimetable(assets=steps.SOURCES), start_date=datetime(2020, 1, 1)):
    for name in ("agreed", "refused", "stopped", "silent"):
        patience = timedelta(seconds=1) if name == "silent" else timedelta(hours=1)
        promoted(name, steps.approve(name, trained(name), patience))
"""


ASKED = ("ask", "success")


@pytest.fixture
def platform(tmp_path, monkeypatch):
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "ask.py").write_text(DAG)
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("BANKMART_DAGS_DIR", str(dags))
    for name in ("BANKMART_DATABASE_URL", "PGPASSFILE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    try:
        up(["postgres", "airflow"], seconds=400)
        yield tmp_path
    finally:
        down()


def until(said, seconds=300):
    deadline = time.monotonic() + seconds
    while not (found := said()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def test_only_the_approvers_yes_promotes(platform):
    client, approver = Client(), Client(airflow.APPROVER)
    until(lambda: "ask" in client.dag_ids())
    client.trigger("ask", "2026-10-31")
    client.trigger("late", "2026-10-30")

    def asked():
        found = {one["task_instance"]["task_id"]: one for one in approver.questions()}
        return found if {"approve_agreed", "approve_refused"} <= found.keys() else None

    questions = until(asked)
    question = questions["approve_agreed"]
    assert question["subject"] == "May version 7 of agreed become the champion (no champion yet)?"
    assert question["body"].startswith("| auc | yes |\n[Run in MLflow")
    assert "(http://127.0.0.1/#/experiments/1/runs/2)" in question["body"]
    with pytest.raises(BankmartError, match="403"):
        client.answer(question, "Approve")
    assert approver.answer(question, "Approve") == "approver"
    assert approver.answer(questions["approve_refused"], "Reject") == "approver"

    until(lambda: [run for run in client.runs("2026-10-30") if run["state"] == "success"])
    client.trigger("late", "2026-10-31")
    (run,) = until(lambda: [run for run in client.runs("2026-10-31") if (run["dag_id"], run["state"]) == ASKED])
    states = {task["task_id"]: task["state"] for task in client.tasks(run)}
    assert {name: state for name, state in states.items() if not name.startswith("train_")} == {
        "approve_agreed": "success",
        "approve_refused": "success",
        "approve_silent": "success",
        "approve_stopped": "skipped",
        "promote_agreed": "success",
        "promote_refused": "skipped",
        "promote_silent": "skipped",
        "promote_stopped": "skipped",
    }
    answer = json.loads((platform / "agreed.json").read_text())
    assert answer["chosen_options"] == ["Approve"]
    assert answer["responded_by_user"]["name"] == "approver"

    # A published date that would change, in the same Airflow: asked about; one that stays the same is not.
    for name in ("same", "changed"):
        client.trigger(name, "2026-10-31")
    (question,) = until(lambda: [one for one in approver.questions() if one["task_instance"]["dag_id"] == "changed"])
    assert question["subject"] == "May 2026-10-31 show build 7 instead of 3?"
    assert "marts.fct_transaction 1 new" in question["body"]
    with pytest.raises(BankmartError, match="403"):
        client.answer(question, "Approve")
    assert approver.answer(question, "Approve") == "approver"
    until(lambda: (platform / "same.json").exists() and (platform / "changed.json").exists())
    assert json.loads((platform / "same.json").read_text())["responded_by_user"] is None
    assert json.loads((platform / "changed.json").read_text())["responded_by_user"]["name"] == "approver"

    # OpenLineage's events of the same run: a pair for each task.
    said = [json.loads(line) for line in (platform / "lineage" / "events.jsonl").read_text().splitlines()]
    until(
        lambda: {"START", "COMPLETE"} <= {one["eventType"] for one in said if one["job"]["name"] == "ask.train_agreed"}
    )
    assert {one["job"]["namespace"] for one in said} == {"bankmart"}

    # And what took longer than the run before was late: people are told of a missed deadline.
    until(lambda: told("deadline"))
    assert "late" in told("deadline")[0][0]
    assert len(told("deadline")) == 1


def test_a_person_says_who_may_be_forgotten(platform):
    """Asked about those who wait, without naming them; who asked can't say yes; nobody waiting, nobody asked."""
    client, approver = Client(), Client(airflow.APPROVER)
    tables.create_tables([table for system in contract.load().values() for table in system.values()])
    until(lambda: "erasures" in client.dag_ids())

    def decided(day, answer):
        client.trigger("erasures", day)
        (question,) = until(
            lambda: [one for one in approver.questions() if one["task_instance"]["dag_id"] == "erasures"]
        )
        with pytest.raises(BankmartError, match="403"):
            client.answer(question, answer)
        assert approver.answer(question, answer) == "approver"
        return question, tasks_of(day)

    def tasks_of(day):
        (run,) = until(lambda: [run for run in client.runs(day) if run["state"] in ("success", "failed")])
        return {task["task_id"]: task["state"] for task in client.tasks(run)}

    client.trigger("erasures", "2026-10-28")
    assert tasks_of("2026-10-28") == {
        "erasure_requests": "success", "approve_erasures": "skipped", "decide_erasures": "skipped"
    }  # fmt: skip
    with db.connect("loader") as link, link.cursor() as cursor:
        for number in ("X901", "X902"):
            cursor.execute(
                "insert into sources.core_banking__customer (customer_id, status, open_date, effective_date,"
                " business_date, load_id) values (%s, 'active', '2020-01-01', '2020-01-01', '2026-10-28', 1)", (number,)
            )  # fmt: skip
    requests.request([("X901", "a letter")], "approver")
    _, states = decided("2026-10-29", "Approve")
    assert states["decide_erasures"] == "failed", "who asked for it can't approve it"
    ((subject, body),) = until(lambda: told("failed_task"))
    assert subject == "erasures.decide_erasures of 2026-10-29 has failed"
    assert "(ErasureError) and is not tried again" in body
    assert "/dags/erasures/runs/" in body
    assert "X901" not in body
    requests.decide([1], "li", approve=False)
    requests.request([("X902", "a letter")], "li")
    question, states = decided("2026-10-30", "Reject")
    assert question["subject"] == "May 1 people be forgotten (requests 2)?"
    assert "| 2 | li |" in question["body"]
    assert "X902" not in question["body"]
    assert states["decide_erasures"] == "skipped"
    _, states = decided("2026-10-31", "Approve")
    assert states["decide_erasures"] == "success"
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select state, decided_by from governance.erasure order by erasure_id")
        assert cursor.fetchall() == [("refused", "li"), ("approved", "approver")]
        cursor.execute("select actor from audit.entry where kind = 'erasure_approval'")
        assert cursor.fetchall() == [("approver",)]


def told(kind):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select subject, body from governance.notice where kind = %s", (kind,))
        return cursor.fetchall()
