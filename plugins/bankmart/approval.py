"""The question to a person in the Airflow UI: may this version become the champion?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk.types import Context

APPROVERS = "BANKMART_APPROVERS"


class ModelApproval(ApprovalOperator):
    """Ask about the version that `train_task` brought; not at all where a gate has stopped it.

    No answer in time is a no. Whoever answers is recorded by Airflow and, where it is a yes, with the version.
    """

    def __init__(self, *, model: str, train_task: str, **kwargs: Any) -> None:
        """Asks the users named in the environment's BANKMART_APPROVERS; without it, whoever may answer."""
        names = [name.strip() for name in os.environ.get(APPROVERS, "").split(",") if name.strip()]
        super().__init__(
            subject=f"May this version of {model} become the champion?",
            defaults=self.REJECT,
            assigned_users=[{"id": name, "name": name} for name in names] or None,
            **kwargs,
        )
        self.model = model
        self.train_task = train_task

    def execute(self, context: Context) -> None:
        """Put the comparison into the question, then wait without holding a slot."""
        verdict = context["ti"].xcom_pull(task_ids=self.train_task)
        if not verdict["passed"]:
            raise AirflowSkipException(
                verdict.get("skipped") or f"a gate has stopped {self.model}: see {self.train_task}"
            )
        against = f"champion {verdict['champion']}" if verdict["champion"] else "no champion yet"
        self.subject = f"May version {verdict['version']} of {self.model} become the champion ({against})?"
        self.body = (
            f"{verdict['report']}\n"
            f"[Run in MLflow: model card, metrics, plots]({verdict['run_url']})\n\n"
            f"Approve: it scores from the next business date on. Reject, or no answer in time: it stays challenger."
        )
        super().execute(context)
