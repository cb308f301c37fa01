"""What people are told when a task has failed for good: one callback of every task (`runs.DEFAULTS`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bankmart.governance import notices, stops

# Where the runbook speaks of a task, by how its name begins; a DAG's own page is its docstring.
PAGES = {
    "ingest_": "a-load-was-refused",
    "begin": "begin-waits-for-the-date-before",
    "dbt_": "a-gate-is-red",
    "gate_": "a-gate-is-red",
    "agree": "a-build-waits-for-a-persons-word",
    "score_": "scoring-was-refused",
    "train_": "training-was-skipped-or-the-gate-says-no",
    "verify_audit": "the-audit-chain-is-broken",
    "vault_check": "the-vault-does-not-open",
}


def told(context: Any) -> None:
    """Tell that a task has failed and is not tried again; not where what stopped it has told people already.

    Airflow calls it where a task ends as failed, never for one that is tried again or that only waits behind another.
    """
    task, run = context["ti"], context.get("dag_run")
    causes = list(_causes(context.get("exception")))
    if any(getattr(each, "is_told", False) for each in causes):
        return
    day = (context.get("params") or {}).get("business_date") or getattr(run, "partition_key", None)
    what = f"{task.dag_id}.{task.task_id}{f' of {day}' if day else ''} has failed"
    # The address has run and try: a second failure after a person's mending is news, the same one told twice is not.
    # Not the error's words: they may quote a value, and a notice goes to other systems.
    notices.tell(
        "failed_task",
        what,
        f"{what} ({_named(causes)}) and is not tried again; what waits for it does not run.\n"
        f"{stops.protected(stops.published_date())}\n"
        f"What happened, and what to do, is in its log: {task.log_url}\n"
        f"Runbook: docs/runbook.md#{_page(task.task_id)}; then clear the task.",
    )


def _causes(error: Any) -> Iterator[BaseException]:
    while isinstance(error, BaseException):
        yield error
        error = error.__cause__


def _named(causes: list[BaseException]) -> str:
    # The first cause says most: Airflow's own exception only says that there is no use in trying again.
    if not causes:
        return "its process was killed or lost"
    rule = getattr(causes[-1], "rule", None)
    return type(causes[-1]).__name__ + (f" [{rule}]" if rule else "")


def _page(task_id: str) -> str:
    return next((page for begins, page in PAGES.items() if task_id.startswith(begins)), "a-task-has-failed")
