"""The only vocabulary DAGs use: begin · ingest(system) · dbt(layer) · gate(layer) · score, train, approve,
promote(model) · compare · agree · publish · erasure_requests · agree_to_forget · decide · govern(duty) ·
beside(group).

A step is a thin task around the library: whatever it runs, a person can type. What a step needs is imported when it
runs, so that a DAG file parses in well under a second.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, TaskGroup, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from bankmart.approval import BuildApproval, responder
from bankmart.forgetting import agree_to_forget, decide, erasure_requests
from bankmart.learning import APPROVAL_PATIENCE, MODELS, approve, due, evaluate, promote, score, train
from bankmart.runs import (
    DEFAULTS,
    FEATURES,
    FIRST_START,
    NO_RETRY,
    PARAMS,
    PUBLISHED,
    RETRY,
    SOURCES,
    WAIT,
    business_date,
    deadline,
    emit,
    say,
)

__all__ = [
    "DEFAULTS",
    "FEATURES",
    "FIRST_START",
    "DUTIES",
    "MART_LAYERS",
    "MODELS",
    "PARAMS",
    "PUBLISHED",
    "SOURCES",
    "SYSTEMS",
    "agree",
    "agree_to_forget",
    "approve",
    "arrived",
    "begin",
    "beside",
    "business_date",
    "compare",
    "dbt",
    "deadline",
    "decide",
    "due",
    "erasure_requests",
    "evaluate",
    "gate",
    "govern",
    "ingest",
    "promote",
    "publish",
    "resume",
    "score",
    "train",
]
SYSTEMS = (
    "core_banking", "campaign", "card", "consent", "contact_centre", "crm", "external", "loan", "mobile", "wealth",
)  # fmt: skip
MART_LAYERS = ("staging", "intermediate", "marts", "tags", "features")
DUTIES = {
    "protection": ("verify_audit", "vault_check"),
    "people": ("erase", "tidy"),
    "quality": ("quality_report", "tags_to_review", "drift"),
}


def beside(name: str) -> TaskGroup:
    """What belongs together, as one box in the UI: a step and the gate that guards it. Tasks keep their names."""
    return TaskGroup(name, prefix_group_id=False)


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
            say(state.reason)
            return False
        try:
            say(arrival.load(system, day, run_id=context["run_id"]))
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
        emit(context, outlet, {})

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
            say(f"waiting: {reason}")
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
    def run(build: int, **context: Any) -> dict[str, Any]:
        from bankmart import dbt as runner
        from bankmart import lineage
        from bankmart.errors import BankmartError
        from bankmart.governance import build as builds
        from bankmart.governance import show

        lineage.of_task(context["ti"])
        try:
            nodes = runner.build_layer(layer, builds.writable(build))
        except BankmartError as error:
            if isinstance(error, runner.DbtError) and error.may_pass:
                raise
            raise AirflowFailException(str(error)) from error
        say(show.nodes(nodes))
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
            say(warning)
        if outlet:
            emit(context, outlet, verdict)
        return verdict

    return run(build_id)


def compare(build_id: Any) -> Any:
    """What the build would change for readers of its date: rows per table and column; nothing of a new date."""

    @task(task_id="compare", pool="dbt", **RETRY)
    def run(build: int) -> dict[str, Any]:
        from bankmart.governance import build as builds
        from bankmart.governance.commands.compare import compare as differences

        found = differences(builds.get(build))
        if found.needs_approval:
            # While somebody is asked, later dates go on from what readers see.
            builds.finish(build, "passed")
        say(found.text())
        return {
            "business_date": builds.get(build).business_date.isoformat(),
            "build_id": build,
            "against": found.against,
            "needs_approval": found.needs_approval,
            "report": found.text(),
        }

    return run(build_id)


def agree(compared: Any, patience: timedelta = APPROVAL_PATIENCE) -> Any:
    """Ask a person where a published date would show something else; no answer in time is a no."""
    asked = BuildApproval(task_id="agree", compare_task="compare", response_timeout=patience, **RETRY)
    compared >> asked
    return asked


def publish(build_id: Any, agreed: Any) -> Any:
    """Show the date to readers, all tables at once, where they still see what the build was compared with; then tidy up
    what nobody can go back to."""

    @task(task_id="publish", outlets=[PUBLISHED], pool="dbt", **RETRY)
    def run(build: int, answer: dict[str, Any], **context: Any) -> None:
        from bankmart.governance import build as builds
        from bankmart.governance import publication, retention
        from bankmart.governance.gate import GateStopped

        actor, against = f"airflow {context['run_id']}", answer["against"] or 0
        try:
            day = publication.publish(builds.get(build), actor, approved_by=responder(answer), against=against)
        except (publication.PublicationError, GateStopped) as error:
            raise AirflowFailException(str(error)) from error
        say(f"published {day}: {retention.tidy() or 'nothing to tidy'}")
        emit(context, PUBLISHED, {"build_id": build})

    return run(build_id, agreed.output)


def roll_back() -> Any:
    """Put the date back to what readers saw before, in the name of who started the run; once a run."""

    @task(task_id="roll_back", pool="dbt", **RETRY)
    def run(**context: Any) -> int | None:
        from bankmart.governance import publication

        day = business_date(context)
        person = context["dag_run"].triggering_user_name or "nobody"
        try:
            build = publication.rollback(day, f"{person}, airflow {context['run_id']}", once=True)
        except publication.PublicationError as error:
            raise AirflowFailException(str(error)) from error
        say(f"{day}: readers see build {build} again" if build else f"{day} is taken back from readers")
        return build

    return run()


def govern(duty: str) -> Any:
    """One duty of bankmart.governance.daily; what it finds stops nothing else."""

    @task(task_id=duty, trigger_rule="all_done", **RETRY)
    def run(**context: Any) -> None:
        from bankmart.errors import BankmartError
        from bankmart.governance import daily

        try:
            say(getattr(daily, duty)(business_date(context)))
        except BankmartError as error:
            raise AirflowFailException(str(error)) from error

    return run()
