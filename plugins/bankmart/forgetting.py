"""The steps of requests to be forgotten: open, approve, decide. Part of `steps`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException

from bankmart.approval import ErasureApproval, responder
from bankmart.learning import APPROVAL_PATIENCE
from bankmart.runs import RETRY, business_date, say


def erasure_requests() -> Any:
    """Open a request for each delivered event that asks to be forgotten; gives all that wait, without their names."""

    @task(task_id="erasure_requests", **RETRY)
    def run(**context: Any) -> list[dict[str, Any]]:
        from bankmart.governance import daily
        from bankmart.governance.people.erasure import requests

        say(daily.erasure_requests(business_date(context)))
        return requests.undecided()

    return run()


def agree_to_forget(asked: Any, patience: timedelta = APPROVAL_PATIENCE) -> Any:
    """Ask a person whether those who wait may be forgotten; no answer in time leaves them waiting."""
    question = ErasureApproval(
        task_id="approve_erasures", asking_task="erasure_requests", response_timeout=patience, **RETRY
    )
    asked >> question
    return question


def decide(asked: Any, agreed: Any) -> Any:
    """Approve them in the name of who said yes, but for those whom somebody has decided on meanwhile."""

    @task(task_id="decide_erasures", **RETRY)
    def run(waiting: list[dict[str, Any]], answer: dict[str, Any]) -> None:
        from bankmart.errors import BankmartError
        from bankmart.governance.people.erasure import requests

        person = responder(answer)
        if answer["chosen_options"] != ["Approve"] or not person:
            raise AirflowFailException("nobody is approved: no person has said yes")
        left = {each["request"] for each in requests.undecided()}
        numbers = [each["request"] for each in waiting if each["request"] in left]
        try:
            requests.decide(numbers, person, approve=True)
        except BankmartError as error:
            raise AirflowFailException(str(error)) from error
        say(f"approved: {', '.join(map(str, numbers)) or 'none is left'}; governance_daily erases")

    return run(asked, agreed.output)
