"""What every run of a DAG has: a business date, retries, a deadline, a form, a log, and assets that join the DAGs."""

from __future__ import annotations

import logging
import os
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Param
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk.types import Context

log = logging.getLogger("bankmart")

# What joins the DAGs: each asset event carries its business date as the partition key.
SOURCES = Asset("sources", uri="bankmart://sources")
FEATURES = Asset("features", uri="bankmart://features")
PUBLISHED = Asset("published", uri="bankmart://published")

# The schedule begins when the platform does; earlier dates are back-filled.
FIRST_START = datetime.fromisoformat(os.environ.get("BANKMART_FIRST_START", "2020-01-01T00:00:00+00:00"))
RETRY: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=20), "retry_exponential_backoff": True}
NO_RETRY: dict[str, Any] = {"retries": 0}
WAIT: dict[str, Any] = {"mode": "reschedule", "poke_interval": 30, "timeout": timedelta(days=2).total_seconds()}


def told(context: Context) -> None:
    """Airflow calls it where a task ends as failed: people are told."""
    from bankmart.governance.notices import failing

    failing.told(context)


DEFAULTS = {"owner": "data-platform", "execution_timeout": timedelta(hours=3), "on_failure_callback": told}
PARAMS = {
    "business_date": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Business date",
        description="Only for a run started by hand: the date to work on. A scheduled run has its own.",
    ),
}


def deadline(hours: float) -> DeadlineAlert:
    """Say so when a run takes `hours` longer than the last ten did on average; a DAG's first run has no deadline.

    What is promised to readers is watched by the clock, whatever runs: governance/notices/promises.py.
    """
    # Counted from its queueing a run could not be cleared: Airflow 3.3 answers with an error (apache/airflow 70368).
    return DeadlineAlert(
        reference=DeadlineReference.AVERAGE_RUNTIME(max_runs=10, min_runs=1),
        interval=timedelta(hours=hours),
        callback=SyncCallback(deadline_missed),
    )


def deadline_missed(**context: Any) -> None:
    """Written to the log and the callback's record when a run misses its deadline."""
    from bankmart.governance import notices

    # As Airflow 3.3 hands it over: beside the callback's own arguments.
    run = (context.get("context") or context).get("dag_run") or {}
    what = f"deadline missed: {run.get('dag_id')} {run.get('run_id')} is late; readers keep the last published date"
    say(what)
    notices.tell("deadline", what, what)


def business_date(context: Context) -> date:
    """The business date of a run: its partition key, or the form's field for a run started by hand."""
    given = context["params"].get("business_date") or context.get("partition_key")
    if not given:
        raise AirflowFailException(
            "this run has no business date: fill in the form's field, or give a partition key such as 2026-10-31"
        )
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise AirflowFailException(
            f"{given!r} is no business date: start the run again with a day of the calendar, such as 2026-10-31"
        ) from None


def say(text: str) -> None:
    """Say it in the task's log."""
    # Printed lines reach the log late, behind what Airflow says of the task's end.
    for line in text.splitlines():
        log.info(line)


def emit(context: Any, outlet: Asset, extra: dict[str, Any]) -> None:
    """Let the outlet's event carry the business date."""
    event = context["outlet_events"][outlet]
    day = business_date(context).isoformat()
    event.extra = {"business_date": day, **extra}
    if not context.get("partition_key"):
        event.add_partitions(day)
