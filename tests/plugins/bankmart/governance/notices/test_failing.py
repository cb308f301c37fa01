"""A task that has failed for good is told once a try, without the words of its error; what was told before is not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from bankmart import db
from bankmart.governance.gate import GateStopped
from bankmart.governance.notices import failing
from bankmart.sources.refusal import LoadRefused


def context(task_id="ingest_card", exception=None, attempt=1, **more):
    task = SimpleNamespace(
        dag_id="ingest_daily", task_id=task_id, log_url=f"http://127.0.0.1/dags/ingest_daily?try_number={attempt}"
    )
    return {"ti": task, "dag_run": SimpleNamespace(partition_key="2026-11-02"), "exception": exception, **more}


def wrapped(error):
    outer = AirflowFailException(str(error))
    outer.__cause__ = error
    return outer


def notices():
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select kind, subject, body from governance.notice order by notice_id")
        return cursor.fetchall()


def test_a_refused_file_is_told_without_its_values(warehouse):
    refused = LoadRefused("card.card", "header", "13800138000 is no column", "send it again")
    failing.told(context(exception=wrapped(refused)))
    ((kind, subject, body),) = notices()
    assert (kind, subject) == ("failed_task", "ingest_daily.ingest_card of 2026-11-02 has failed")
    for part in ("LoadRefused [header]", "Readers still see nothing", "?try_number=1", "#a-load-was-refused"):
        assert part in body
    assert "13800138000" not in body


def test_the_same_failure_is_told_once_and_the_next_try_again(warehouse):
    for attempt in (1, 1, 2):
        failing.told(context(attempt=attempt))
    assert len(notices()) == 2


def test_a_killed_task_is_told_too(warehouse):
    failing.told(context("dbt_marts", params={"business_date": "2026-11-03"}))
    ((_, subject, body),) = notices()
    assert subject == "ingest_daily.dbt_marts of 2026-11-03 has failed"
    assert "killed or lost" in body


@pytest.mark.parametrize("is_told", [True, False])
def test_what_was_told_is_not_told_again(warehouse, is_told):
    stopped = GateStopped("gate marts is red")
    stopped.is_told = is_told
    failing.told(context("gate_marts", wrapped(stopped)))
    assert len(notices()) == (0 if is_told else 1)


def test_every_page_is_in_the_runbook(request):
    text = (request.config.rootpath / "docs" / "runbook.md").read_text(encoding="utf-8")
    there = {line[3:].lower().replace(" ", "-").replace("'", "") for line in text.splitlines() if line[:3] == "## "}
    assert {*failing.PAGES.values(), "a-task-has-failed"} <= there
