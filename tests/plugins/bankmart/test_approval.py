"""What a person has agreed to goes with the answer to the publication: the build that the comparison was against."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from bankmart import steps
from bankmart.approval import BuildApproval
from bankmart.governance import build as builds
from bankmart.governance import publication, retention

FOUND = {"business_date": "2026-10-31", "build_id": 7, "against": 3, "needs_approval": True, "report": "1 new"}


@pytest.fixture
def ask():
    """The task that asks, and what it is given where the comparison has found that."""
    with DAG("of_a_publication", schedule=None):
        task = BuildApproval(task_id="agree", compare_task="compare")
        yield lambda **found: (task, {"ti": SimpleNamespace(xcom_pull=lambda task_ids: FOUND | found)})


def answered(option):
    return {
        "chosen_options": [option], "params_input": {}, "responded_at": datetime(2026, 11, 3, tzinfo=UTC),
        "responded_by_user": {"id": "1", "name": "approver"},
    }  # fmt: skip


def test_the_answer_has_what_it_is_about(ask):
    task, context = ask()
    assert task.execute_complete(context, answered("Approve"))["against"] == 3
    task, context = ask(needs_approval=False, against=None)
    assert task.execute(context)["against"] is None


def test_a_no_closes_the_build(ask, monkeypatch):
    said = []
    monkeypatch.setattr(builds, "finish", lambda *words: said.append(words))
    task, context = ask()
    assert task.execute_complete(context, answered("Reject"))["against"] == 3
    assert said == [(7, "failed", "approver said no: readers keep build 3")]


@pytest.mark.parametrize(("against", "given"), [(3, 3), (None, 0)])
def test_a_publication_is_given_what_was_compared_against(ask, monkeypatch, against, given):
    asked = []

    def publish(build, actor, approved_by=None, against=None):
        asked.append((build, actor, approved_by, against))
        return date(2026, 10, 31)

    monkeypatch.setattr(builds, "get", lambda number: number)
    monkeypatch.setattr(publication, "publish", publish)
    monkeypatch.setattr(retention, "tidy", lambda: "")
    monkeypatch.setattr(steps, "emit", lambda *_: None)
    task, _ = ask()
    run = steps.publish(7, SimpleNamespace(output=None)).operator.python_callable
    answer = answered("Approve") | {"against": against}
    run(7, answer, run_id="r")
    assert asked == [(7, "airflow r", "approver", given)]

    def refuse(*_, **__):
        raise publication.PublicationError("readers see build 5 now")

    monkeypatch.setattr(publication, "publish", refuse)
    with pytest.raises(AirflowFailException, match="build 5 now"):
        run(7, answer, run_id="r")
