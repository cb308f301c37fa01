"""The demo in a real Airflow, with two schedulers, one of them killed in the middle of a task: the same tables as an
undisturbed run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from bankmart import db, settings
from bankmart.governance.commands.hash import hashes
from bankmart.runtime import airflow
from bankmart.runtime.airflow_client import Client
from bankmart.runtime.commands.down import down

TIMEOUT = 900


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A state folder of its own; its servers are stopped whatever happens."""
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path))
    settings.forget_environment()
    yield tmp_path
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path))
    down()


@pytest.fixture
def second(checkout):
    """What starts another scheduler beside the demo's."""
    started = []

    def start():
        log = (checkout / "second.log").open("wb")
        started.append(subprocess.Popen(
            airflow.command("airflow-scheduler"), stdout=log, stderr=log, cwd=settings.ROOT,
            env=airflow.variables("airflow-scheduler") | {"AIRFLOW__CORE__PARALLELISM": "2"}, start_new_session=True,
        ))  # fmt: skip
        return started[0]

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def test_the_demo_survives_its_scheduler(checkout, line, monkeypatch, second):
    undisturbed = {day: hashes(day) for day in line.dates[:1]}
    # Another key would make other tokens.
    monkeypatch.setenv("BANKMART_MASTER_KEY", settings.given_secret("master_key"))
    monkeypatch.setenv("BANKMART_STATE_DIR", str(checkout))
    settings.forget_environment()
    demo = subprocess.Popen(
        [sys.executable, "-m", "bankmart", "demo", "--days", "0", *line.size],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    said = []
    killed, other = False, None
    deadline = time.monotonic() + TIMEOUT
    for text in demo.stdout:
        said.append(text)
        if other is None and (checkout / "run" / "airflow-scheduler.json").exists():
            other = second()
        if "mart_daily.dbt_marts" in text and not killed:
            killed = True
            os.kill(json.loads((checkout / "run" / "airflow-scheduler.json").read_text())["pid"], signal.SIGKILL)
        assert time.monotonic() < deadline, "".join(said)
    assert demo.wait(60) == 0, "".join(said)
    assert killed, "".join(said)
    assert other is not None
    assert other.poll() is None, (checkout / "second.log").read_text()[-3000:]
    settings.apply_environment()
    for day, expected in undisturbed.items():
        got = hashes(day)
        # Scores are not part of the undisturbed run, and the profile shows them.
        assert {name: got[name] for name in expected if not name.startswith("profile.")} == {
            name: digest for name, digest in expected.items() if not name.startswith("profile.")
        }
    states = {run["state"] for day in undisturbed for run in Client().runs(day.isoformat())}
    assert states == {"success"}
    with db.connect("airflow", settings.AIRFLOW) as link, link.cursor() as cursor:
        cursor.execute("select count(distinct hostname || queued_by_job_id), max(try_number) from task_instance")
        schedulers, tries = db.one(cursor)
        # What ran when its scheduler was killed is tried again; no more than that.
        cursor.execute("select count(*) from task_instance where try_number > 1")
        assert (schedulers > 1, tries <= 2, db.one(cursor)[0] <= 3) == (True, True, True)
