"""`bankmart demo`: the whole line, from extracts to scored, tagged customers, in the running Airflow.

Every stage can be run again: files, loads and builds of the same input are the same, and a date that readers already
see is not built again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bankmart import db, settings
from bankmart.errors import BankmartError
from bankmart.runtime import airflow, report
from bankmart.runtime.airflow_client import ACTIVE, Client
from bankmart.runtime.commands.status import resident
from bankmart.runtime.commands.up import up

DAGS = {"ingest_daily", "mart_daily", "score_daily", "train_monthly"}
# Its question is not the demo's to answer; the next date's run waits for that answer, too.
ERASURES = "erasures"
# To look at the memory takes a third of a second itself.
POLL_SECONDS, LOOK_SECONDS = 2, 15
PATIENCE = timedelta(minutes=60).total_seconds()
GO_LIVE = date(2026, 10, 31)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which bank, and how large."""
    parser.add_argument("--source", choices=["synthetic", "berka"], default="synthetic", help="which bank (synthetic)")
    parser.add_argument("--source-dir", type=Path, help="folder of the Berka files (with --source berka)")
    parser.add_argument("--customers", type=int, default=5000, help="customers of the synthetic bank (5000)")
    parser.add_argument("--months", type=int, default=18, help="months of history of the synthetic bank (18)")
    parser.add_argument("--days", type=int, default=2, help="daily deliveries after the first one (2)")


def run(args: argparse.Namespace) -> int:
    """Servers, files, then date by date; ends with the report."""
    clock = Clock()
    with clock.stage("servers up"):
        _remember(args)
        up()
        settings.apply_environment()
    with clock.stage("extracts made"):
        dates = _extracts(args)
    client = Client()
    with clock.stage("DAGs parsed"):
        _wait_for_dags(client)
    approver = Client(airflow.APPROVER)
    for day in dates:
        with clock.stage(f"{day} through the line"):
            _date(client, approver, day, clock)
    print("\n" + report.text(clock.stages, clock.elapsed(), clock.most_memory))
    if args.source == "berka":
        from bankmart.sources.adapters import reconcile

        print("\nReconciliation with the raw files")
        return reconcile.run(argparse.Namespace(bank="berka", source=args.source_dir))
    return 0


class Clock:
    """Wall time per stage, in seconds; and the most memory that all servers held together, in bytes."""

    def __init__(self) -> None:
        """Starts now."""
        self.began = time.monotonic()
        self.stages: list[tuple[str, float]] = []
        self.looked, self.most_memory = 0.0, 0

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    def say(self, text: str) -> None:
        """A line of progress, and now and then a look at the memory."""
        if self.elapsed() - self.looked >= LOOK_SECONDS:
            self.looked, self.most_memory = self.elapsed(), max(self.most_memory, resident())
        print(f"[{self.elapsed():5.0f} s] {text}", flush=True)

    def stage(self, name: str) -> Stage:
        """Time a stage."""
        return Stage(self, name)


class Stage:
    """One stage of the demo: says when it begins, keeps how long it took."""

    def __init__(self, clock: Clock, name: str) -> None:
        """A stage by its name."""
        self.clock, self.name = clock, name

    def __enter__(self) -> None:
        self.began = time.monotonic()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            seconds = time.monotonic() - self.began
            self.clock.stages.append((self.name, seconds))
            self.clock.say(f"{self.name} ({seconds:.0f} s)")


def _remember(args: argparse.Namespace) -> None:
    # One state folder holds one bank: another one beside it would mix two histories.
    wanted = {"source": args.source}
    if args.source == "synthetic":
        wanted |= {"customers": args.customers, "months": args.months}
    path = settings.state_dir() / "demo.json"
    known = json.loads(path.read_text()) if path.exists() else None
    if known not in (None, wanted):
        raise BankmartError(
            f"this checkout holds another bank already: {known}, and now {wanted} is asked for. "
            "`make reset` deletes its data (the environment stays), then run this again; or use a second checkout."
        )
    settings.write_private(path, json.dumps(wanted))


def _extracts(args: argparse.Namespace) -> list[date]:
    if args.source == "synthetic":
        from bankmart.sources.simulate import SimulationConfig, simulate

        simulate(
            SimulationConfig(
                landing=settings.landing_dir(),
                truth=settings.state_dir() / "truth",
                customers=args.customers,
                months=args.months,
                days=args.days,
                go_live=GO_LIVE,
            )
        )
        return [GO_LIVE + timedelta(days=day) for day in range(args.days + 1)]
    from bankmart.sources.adapters.berka import convert

    if args.source_dir is None:
        raise BankmartError("say where the Berka files are: make demo SOURCE=berka SOURCE_DIR=folder")
    summary = convert(args.source_dir, settings.landing_dir(), days=args.days)
    first = date.fromisoformat(summary["go_live"])
    return [first + timedelta(days=day) for day in range(args.days + 1)]


def _wait_for_dags(client: Client) -> None:
    def parsed() -> bool:
        if errors := client.import_errors():
            raise BankmartError(f"a DAG file can't be imported:\n{errors[0]}")
        return client.dag_ids() >= DAGS

    _wait(parsed, "Airflow has not parsed the DAGs")


def _date(client: Client, approver: Client, day: date, clock: Clock) -> None:
    key = day.isoformat()
    before = client.runs(key)
    known = {run["dag_run_id"] for run in before if run["state"] == "failed"}
    if not _active(client, key):
        last = {run["dag_id"]: run["state"] for run in before}
        if not _is_published(day):
            client.trigger("ingest_daily", key)
        elif last.get("train_monthly") != "success":
            client.trigger("train_monthly", key)
    shown = ""

    def done() -> bool:
        nonlocal shown
        runs = client.runs(key)
        for run in runs:
            if run["state"] == "failed" and run["dag_run_id"] not in known:
                raise BankmartError(_why(client, run))
        for question in approver.questions():
            if question["task_instance"]["dag_id"] == ERASURES:
                continue
            clock.say(f"  {question['subject']} Approved by {approver.answer(question, 'Approve')}")
        now = ", ".join(sorted(_doing(client, runs)))
        if now and now != shown:
            clock.say(f"  {key}: {now}")
            shown = now
        return _is_published(day) and not _active(client, key) and any(run["dag_id"] == "train_monthly" for run in runs)

    _wait(done, f"{key} is not through the line")


def _doing(client: Client, runs: list[dict[str, Any]]) -> set[str]:
    active = [run for run in runs if run["state"] in ACTIVE]
    return {
        f"{task['dag_id']}.{task['task_id']}"
        for run in active
        for task in client.tasks(run)
        if task["state"] == "running"
    }


def _active(client: Client, key: str) -> bool:
    return any(run["state"] in ACTIVE and run["dag_id"] != ERASURES for run in client.runs(key))


def _is_published(day: date) -> bool:
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select 1 from governance.publication where business_date = %s", (day,))
        return cursor.fetchone() is not None


def _why(client: Client, run: dict[str, Any]) -> str:
    failed = [task for task in client.tasks(run) if task["state"] == "failed"]
    where = ", ".join(f"{task['dag_id']}.{task['task_id']}" for task in failed) or run["dag_id"]
    logs = "\n".join(client.log(task) for task in failed[:1])
    return (
        f"{run['partition_key']} stopped at {where}. The end of its log:\n{logs}\n"
        "Mend the cause, then run `make demo` again."
    )


def _wait(done: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise BankmartError(
                f"{complaint} after {PATIENCE / 60:.0f} minutes. Look into the Airflow UI (`make status`)."
            )
        time.sleep(POLL_SECONDS)
