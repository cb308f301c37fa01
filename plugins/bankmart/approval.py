"""The questions to a person in the Airflow UI: may this version become the champion, may a published date change, may
somebody be forgotten?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk.types import Context

APPROVERS = "BANKMART_APPROVERS"


def _approvers() -> list[dict[str, str]] | None:
    """The users named in the environment's BANKMART_APPROVERS; None, without it: whoever may answer."""
    names = [name.strip() for name in os.environ.get(APPROVERS, "").split(",") if name.strip()]
    return [{"id": name, "name": name} for name in names] or None


def responder(answer: dict[str, Any]) -> str | None:
    """Who has answered a question, by name; None where nobody did, or nobody was asked."""
    person = answer["responded_by_user"]
    return (person["name"] or person["id"]) if person else None


class BuildApproval(ApprovalOperator):
    """Ask where the build that `compare_task` compared would change what readers of its date see; not at all otherwise.

    No answer in time is a no: readers keep what they have.
    """

    def __init__(self, *, compare_task: str, **kwargs: Any) -> None:
        """Asks those who are asked about models."""
        super().__init__(
            subject="May a published date show something else?",
            defaults=self.REJECT,
            assigned_users=_approvers(),
            **kwargs,
        )
        self.compare_task = compare_task

    def execute(self, context: Context) -> Any:
        """Put the comparison into the question, then wait without holding a slot."""
        found = context["ti"].xcom_pull(task_ids=self.compare_task)
        if not found["needs_approval"]:
            return {"chosen_options": [self.APPROVE], "responded_by_user": None, "against": found["against"]}
        self.subject = f"May {found['business_date']} show build {found['build_id']} instead of {found['against']}?"
        self.body = (
            f"```\n{found['report']}\n```\n\n"
            "Approve: readers see it at once. Reject, or no answer in time: they keep what they have."
        )
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Close the build where the answer is no: later dates don't wait for it. The answer has what it is about."""
        answer = super().execute_complete(context, event)
        found = context["ti"].xcom_pull(task_ids=self.compare_task)
        if answer["chosen_options"] != [self.APPROVE]:
            from bankmart.governance import build as builds

            person = responder(answer)
            said = f"{person} said no" if person else "nobody has agreed in time"
            builds.finish(found["build_id"], "failed", f"{said}: readers keep build {found['against']}")
        return {**answer, "against": found["against"]}


class ErasureApproval(ApprovalOperator):
    """Ask whether those whom `asking_task` names may be forgotten; not at all where it names nobody.

    No answer in time is a no: they go on waiting. The question has numbers of requests, not who they are: it is kept.
    """

    def __init__(self, *, asking_task: str, **kwargs: Any) -> None:
        """Asks those who are asked about models."""
        super().__init__(
            subject="May people be forgotten?", defaults=self.REJECT, assigned_users=_approvers(), **kwargs
        )
        self.asking_task = asking_task

    def execute(self, context: Context) -> None:
        """Put the requests into the question, then wait without holding a slot."""
        asked = context["ti"].xcom_pull(task_ids=self.asking_task)
        if not asked:
            raise AirflowSkipException("nobody waits to be forgotten")
        numbers = ", ".join(str(each["request"]) for each in asked)
        self.subject = f"May {len(asked)} people be forgotten (requests {numbers})?"
        rows = "\n".join(f"| {each['request']} | {each['asked_by']} | {each['asked_on']} |" for each in asked)
        self.body = (
            f"| request | asked by | on |\n| --- | --- | --- |\n{rows}\n\n"
            "Who they are and why: `bankmart erase list`. Approve: governance_daily erases all of them, which can't be "
            "undone. Reject, or no answer in time: they go on waiting, and each may be approved or refused by itself "
            "(`bankmart erase approve`, `refuse`)."
        )
        super().execute(context)


class ModelApproval(ApprovalOperator):
    """Ask about the version that `train_task` brought; not at all where a gate has stopped it.

    No answer in time is a no. Whoever answers is recorded by Airflow and, where it is a yes, with the version.
    """

    def __init__(self, *, model: str, train_task: str, **kwargs: Any) -> None:
        """Asks the users named in the environment's BANKMART_APPROVERS; without it, whoever may answer."""
        super().__init__(
            subject=f"May this version of {model} become the champion?",
            defaults=self.REJECT,
            assigned_users=_approvers(),
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
