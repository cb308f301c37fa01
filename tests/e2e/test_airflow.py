"""The demo in a real Airflow, its scheduler killed in the middle of a task: the same tables as an undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from bankmart import settings
from bankmart.governance.commands.hash import hashes
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


def test_the_demo_survives_its_scheduler(checkout, line, monkeypatch):
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
    killed = False
    deadline = time.monotonic() + TIMEOUT
    for text in demo.stdout:
        said.append(text)
        if "mart_daily.dbt_marts" in text and not killed:
            killed = True
            os.kill(json.loads((checkout / "run" / "airflow-scheduler.json").read_text())["pid"], signal.SIGKILL)
        assert time.monotonic() < deadline, "".join(said)
    assert demo.wait(60) == 0, "".join(said)
    assert killed, "".join(said)
    settings.apply_environment()
    for day, expected in undisturbed.items():
        got = hashes(day)
        # Scores are not part of the undisturbed run, and the profile shows them.
        assert {name: got[name] for name in expected if not name.startswith("profile.")} == {
            name: digest for name, digest in expected.items() if not name.startswith("profile.")
        }
    states = {run["state"] for day in undisturbed for run in Client().runs(day.isoformat())}
    assert states == {"success"}
