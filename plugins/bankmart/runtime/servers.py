"""What the platform consists of: each server, how it is started, when it is ready, how it is stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg2

from bankmart import settings
from bankmart.runtime import airflow, mlflow, postgres, provision

PARTS = ("postgres", "mlflow", "airflow")


@dataclass(frozen=True)
class Server:
    """One process with its children. `is_ready` gets the time of its start (seconds since the epoch)."""

    name: str
    part: str
    launch: Callable[[Path], subprocess.Popen[bytes]]
    is_ready: Callable[[float], bool]
    patience: float
    polite: signal.Signals = signal.SIGTERM
    folder: Path | None = None


def platform(parts: Sequence[str] = PARTS) -> list[Server]:
    """The servers of these parts in the order of their start; Postgres only where it is our own."""
    found = []
    if "postgres" in parts and settings.is_embedded():
        at = postgres.place(settings.state_dir())
        # SIGINT: fast shutdown.
        found.append(
            Server("postgres", "postgres", partial(_postgres, at), _answers, 60, signal.SIGINT, at.data.resolve())
        )
    if "mlflow" in parts:
        start = partial(_popen, mlflow.command, mlflow.variables)
        found.append(Server("mlflow", "mlflow", start, lambda _: mlflow.is_ready(), 15))
    if "airflow" in parts:
        for name in airflow.COMMANDS:
            start = partial(_popen, partial(airflow.command, name), partial(airflow.variables, name))
            found.append(Server(name, "airflow", start, partial(airflow.is_ready, name), 15))
    return found


def migration() -> Server:
    """The short-lived process that brings Airflow's database to the installed version."""
    command = [sys.executable, "-m", "bankmart.runtime.airflow"]
    return Server(
        "airflow-migration", "airflow", partial(_popen, lambda: command, airflow.variables), lambda _: True, 5
    )


def log_path(name: str) -> Path:
    """Where a server writes."""
    return settings.state_dir() / "logs" / f"{name}.log"


def _postgres(at: postgres.Place, log: Path) -> subprocess.Popen[bytes]:
    # Whoever worked in the data directory has been stopped: the file is of a server that is no more,
    # and its process id may be somebody else's by now.
    (at.data / "postmaster.pid").unlink(missing_ok=True)
    return postgres.popen(at, log)


def _answers(_: float) -> bool:
    try:
        psycopg2.connect(provision.admin_dsn(), connect_timeout=3).close()
    except psycopg2.OperationalError as error:
        if "password" in str(error):
            raise postgres.PostgresError(
                f"Postgres refuses the administrator of this state folder ({error}). Its data are of other"
                " secrets: bring secrets.json back, or delete all data by `bankmart reset`."
            ) from error
        return False
    return True


def _popen(
    command: Callable[[], list[str]], variables: Callable[[], dict[str, str]], log: Path
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=settings.state_dir(),
            env=variables(),
            start_new_session=True,
        )
