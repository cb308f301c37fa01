"""Airflow's REST API, as far as the demo needs it: trigger a date, see what runs, read a failed task's log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from bankmart import settings
from bankmart.errors import BankmartError
from bankmart.runtime import airflow

ACTIVE = ("queued", "running")
# Answered sooner than the scheduler has noticed the pause, the task is taken for lost, retried and asks again.
SETTLING = timedelta(seconds=10)


class Client:
    """A login at this checkout's Airflow."""

    def __init__(self, user: str = "admin") -> None:
        """Log in; raises BankmartError where Airflow is away or refuses."""
        self.session = requests.Session()
        try:
            answer = self.session.post(
                f"{airflow.base_url()}/auth/token",
                json={"username": user, "password": settings.secret(f"airflow_{user}")},
                timeout=30,
            )
        except requests.RequestException as error:
            raise BankmartError(f"Airflow does not answer: {error}. Start it by `make up`.") from error
        if not answer.ok:
            raise BankmartError(f"Airflow refuses the login {user}: {answer.status_code} {answer.text[:200]}")
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def dag_ids(self) -> set[str]:
        """The DAGs that Airflow has parsed so far."""
        return {dag["dag_id"] for dag in self._get("/dags")["dags"]}

    def import_errors(self) -> list[str]:
        """What keeps a DAG file from being parsed."""
        return [error["stack_trace"] for error in self._get("/importErrors")["import_errors"]]

    def trigger(self, dag_id: str, partition_key: str) -> str:
        """Start a run of one business date; returns its run id."""
        body = {"partition_key": partition_key, "logical_date": None}
        answer = self.session.post(f"{airflow.base_url()}/api/v2/dags/{dag_id}/dagRuns", json=body, timeout=60)
        if not answer.ok:
            raise BankmartError(
                f"Airflow did not start {dag_id} for {partition_key}: {answer.status_code} {answer.text[:500]}"
            )
        return str(answer.json()["dag_run_id"])

    def runs(self, partition_key: str) -> list[dict[str, Any]]:
        """All runs of one business date, the oldest first."""
        found = self._get("/dags/~/dagRuns", limit=100, order_by="-run_after")["dag_runs"]
        return [run for run in reversed(found) if run.get("partition_key") == partition_key]

    def tasks(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """The tasks of a run."""
        path = f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances"
        return list(self._get(path, limit=200)["task_instances"])

    def questions(self) -> list[dict[str, Any]]:
        """What waits for a person's answer, and has waited long enough to be answered once."""
        path = "/dags/~/dagRuns/~/hitlDetails"
        found = self._get(path, response_received="false", state="awaiting_input", limit=100)["hitl_details"]
        ripe = datetime.now(UTC) - SETTLING
        return [one for one in found if datetime.fromisoformat(one["created_at"]) < ripe]

    def answer(self, question: dict[str, Any], option: str) -> str:
        """Answer one of `questions` as this login; returns who Airflow says has answered."""
        task = question["task_instance"]
        path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        answer = self.session.patch(
            f"{airflow.base_url()}/api/v2{path}/{task['map_index']}/hitlDetails",
            json={"chosen_options": [option], "params_input": {}},
            timeout=60,
        )
        if not answer.ok:
            raise BankmartError(
                f"Airflow refuses the answer to {task['task_id']}: {answer.status_code} {answer.text[:300]}"
            )
        return str(answer.json()["responded_by"]["name"])

    def log(self, task: dict[str, Any], lines: int = 25) -> str:
        """The end of a task's log."""
        instance = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        path = f"{instance}/logs/{task['try_number']}"
        content = self._get(path, full_content="true").get("content") or []
        texts = [text for entry in content for text in _texts(entry)]
        return "\n".join("\n".join(texts).splitlines()[-lines:])

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = self.session.get(f"{airflow.base_url()}/api/v2{path}", params=params, timeout=60)
        if not answer.ok:
            raise BankmartError(f"Airflow answers {answer.status_code} for {path}: {answer.text[:300]}")
        return dict(answer.json())


def _texts(entry: dict[str, Any] | str) -> list[str]:
    """The lines of one log entry: what was printed, and what an exception said (without its frames)."""
    if isinstance(entry, str):
        return [entry]
    said = [str(detail.get("exc_value", "")) for detail in entry.get("error_detail") or []]
    event = str(entry.get("event", ""))
    return [text for text in (event, *said) if text and not text.startswith("::")]
