"""The only vocabulary DAGs use: begin · ingest(system) · dbt(layer) · gate(layer) · ml(verb, model) · publish.

A step is a thin task around the library: whatever it runs, a person can type. What a step needs is imported when it
runs, so that a DAG file parses in well under a second.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Param, task
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk.types import Context

SYSTEMS = (
    "core_banking", "campaign", "card", "consent", "contact_centre", "crm", "external", "loan", "mobile", "wealth",
)  # fmt: skip
MART_LAYERS = ("staging", "intermediate", "marts", "tags", "features")
DUTIES = ("verify_audit", "tidy", "quality_report", "tags_to_review", "drift")

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
DEFAULTS = {"owner": "data-platform", "execution_timeout": timedelta(hours=3)}
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
    """Say so when a run takes `hours` longer than the last ten did on average."""
    # Counted from its queueing a run could not be cleared: Airflow 3.3 answers with an error (apache/airflow 70368).
    return DeadlineAlert(
        reference=DeadlineReference.AVERAGE_RUNTIME(max_runs=10, min_runs=1),
        interval=timedelta(hours=hours),
        callback=SyncCallback(deadline_missed),
    )


def deadline_missed(**context: Any) -> None:
    """Written to the log and the callback's record when a run misses its deadline."""
    from bankmart.governance import notices

    run = context.get("dag_run") or {}
    what = f"deadline missed: {run.get('dag_id')} {run.get('run_id')} is late; readers keep the last published date"
    _say(what)
    notices.tell("deadline", what, what)


def business_date(context: Context) -> date:
    """The business date of a run: its partition key, or the form's field for a run started by hand."""
    given = context["params"].get("business_date") or context.get("partition_key")
    if not given:
        raise AirflowFailException(
            "this run has no business date: fill in the form's field, or give a partition key such as 2026-10-31"
        )
    return date.fromisoformat(given)


def ingest(system: str, wait_hours: float = 6) -> Any:
    """Wait for a system's files without holding a slot, then load them whole or not at all."""

    @task.sensor(task_id=f"ingest_{system}", pool="load", **WAIT, **RETRY)
    def run(**context: Any) -> bool:
        from bankmart.errors import BankmartError
        from bankmart.sources import arrival

        day = business_date(context)
        overdue = datetime.now(UTC) > context["dag_run"].start_date + timedelta(hours=wait_hours)
        state = arrival.look(system, day, overdue=overdue, scheduled=context["dag_run"].run_type == "scheduled")
        if state.absent:
            raise AirflowSkipException(state.reason)
        if state.late:
            raise AirflowFailException(state.reason)
        if not state.arrived:
            _say(state.reason)
            return False
        try:
            _say(arrival.load(system, day, run_id=context["run_id"]))
        except BankmartError as error:
            raise AirflowFailException(str(error)) from error
        return True

    return run()


def arrived(outlet: Asset) -> Any:
    """Say that every system's files of the date are in; a system without files is skipped, not missed."""

    @task(task_id="sources", outlets=[outlet], trigger_rule="none_failed_min_one_success", **NO_RETRY)
    def run(**context: Any) -> None:
        from bankmart.sources import tables

        # Also the tables of systems that deliver nothing: what reads them finds them empty.
        tables.create_tables()
        _emit(context, outlet, {})

    return run()


def begin(kind: str = "daily", wait_hours: float = 12) -> Any:
    """Open the date's build, once the delivered date before it is published; returns the build's id."""

    @task.sensor(task_id="begin", **WAIT, **RETRY)
    def run(**context: Any) -> Any:
        from airflow.sdk import PokeReturnValue

        from bankmart.governance import build as builds

        day = business_date(context)
        if kind == "training":
            return PokeReturnValue(True, builds.open_training_build(day, context["run_id"]).build_id)
        if reason := builds.first_before(day):
            if datetime.now(UTC) > context["dag_run"].start_date + timedelta(hours=wait_hours):
                raise AirflowFailException(f"{day} waited too long: {reason}. Mend that date first.")
            _say(f"waiting: {reason}")
            return False
        return PokeReturnValue(True, builds.open_build(day, context["run_id"]).build_id)

    return run()


def resume() -> Any:
    """The id of the build that mart_daily left open for the date."""

    @task(task_id="begin", **NO_RETRY)
    def run(**context: Any) -> int:
        from bankmart.governance import build as builds

        return builds.unfinished(business_date(context)).build_id

    return run()


def dbt(layer: str, build_id: Any) -> Any:
    """Build and check one layer in one process; what every model and check did is in the log and in a table."""

    @task(task_id=f"dbt_{layer}", pool="dbt", **RETRY)
    def run(build: int) -> dict[str, Any]:
        from bankmart import dbt as runner
        from bankmart.errors import BankmartError
        from bankmart.governance import build as builds
        from bankmart.governance import show

        try:
            nodes = runner.build_layer(layer, builds.writable(build))
        except BankmartError as error:
            if isinstance(error, runner.DbtError) and error.may_pass:
                raise
            raise AirflowFailException(str(error)) from error
        _say(show.nodes(nodes))
        return show.summary(nodes)

    return run(build_id)


def gate(layer: str, build_id: Any, outlet: Asset | None = None) -> Any:
    """Stop everything behind a layer with a failed check."""

    @task(task_id=f"gate_{layer}", outlets=[outlet] if outlet else [], **NO_RETRY)
    def run(build: int, **context: Any) -> dict[str, Any]:
        from dataclasses import asdict

        from bankmart.governance import build as builds
        from bankmart.governance.gate import GateStopped, judge

        try:
            verdict = asdict(judge(layer, builds.writable(build)))
        except GateStopped as error:
            raise AirflowFailException(str(error)) from error
        for warning in verdict.pop("warnings"):
            _say(warning)
        if outlet:
            _emit(context, outlet, verdict)
        return verdict

    return run(build_id)


def ml(verb: str, model: str, build_id: Any) -> Any:
    """One verb of one model, as `python -m ml VERB MODEL --as-of DATE --build-id ID`."""

    @task(task_id=f"{verb}_{model}", pool="ml", queue="ml", **RETRY)
    def run(build: int, **context: Any) -> dict[str, Any]:
        import importlib

        from bankmart import settings
        from ml.errors import ModelError, TrackingUnavailable

        settings.apply_environment()
        of_build = {} if verb == "promote" else {"build_id": build}
        try:
            result: dict[str, Any] = importlib.import_module(f"ml.{verb}").run(
                model, business_date(context), **of_build
            )
        except TrackingUnavailable:
            raise
        except ModelError as error:
            raise AirflowFailException(str(error)) from error
        if reason := result.get("skipped"):
            _say(f"skipped: {reason}")
        return result

    return run(build_id)


def publish(build_id: Any) -> Any:
    """Show the date to readers, all tables at once; then tidy up what nobody can go back to."""

    @task(task_id="publish", outlets=[PUBLISHED], pool="dbt", **RETRY)
    def run(build: int, **context: Any) -> None:
        from bankmart.governance import build as builds
        from bankmart.governance import publication, retention
        from bankmart.governance.gate import GateStopped

        try:
            day = publication.publish(builds.get(build), actor=f"airflow {context['run_id']}")
        except (publication.PublicationError, GateStopped) as error:
            raise AirflowFailException(str(error)) from error
        _say(f"published {day}: {retention.tidy() or 'nothing to tidy'}")
        _emit(context, PUBLISHED, {"build_id": build})

    return run(build_id)


def govern(duty: str) -> Any:
    """One duty of bankmart.governance.daily; what it finds stops nothing else."""

    @task(task_id=duty, trigger_rule="all_done", **RETRY)
    def run(**context: Any) -> None:
        from bankmart.errors import BankmartError
        from bankmart.governance import daily

        try:
            _say(getattr(daily, duty)(business_date(context)))
        except BankmartError as error:
            raise AirflowFailException(str(error)) from error

    return run()


def due(model: str) -> Any:
    """Go on only at a month's end, on a run started by hand, or where the model has no champion yet."""

    @task.short_circuit(task_id="due", queue="ml", **RETRY)
    def run(**context: Any) -> bool:
        from bankmart import settings

        settings.apply_environment()
        from ml.tracking import registry
        from ml.tracking.server import tracking

        day = business_date(context)
        if (day + timedelta(days=1)).day == 1 or context["params"].get("business_date"):
            return True
        with tracking():
            return registry.by_alias(model) is None

    return run()


def _say(text: str) -> None:
    # Printed lines reach the log late, behind what Airflow says of the task's end.
    for line in text.splitlines():
        log.info(line)


def _emit(context: Any, outlet: Asset, extra: dict[str, Any]) -> None:
    event = context["outlet_events"][outlet]
    day = business_date(context).isoformat()
    event.extra = {"business_date": day, **extra}
    if not context.get("partition_key"):
        event.add_partitions(day)
