"""Fixtures shared by all tests: a real Postgres and a real MLflow of the tests' own, started and stopped by them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg2
import pytest

from bankmart import settings
from bankmart.governance.audit import anchor
from bankmart.runtime import provision
from bankmart.runtime.environment import database_url


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder of the tests' own: no test sees or touches the checkout's."""
    folder = tmp_path_factory.mktemp("state")
    patch = pytest.MonkeyPatch()
    patch.setenv("BANKMART_STATE_DIR", str(folder))
    ours = ("BANKMART_DATABASE_URL", "BANKMART_LANDING_DIR", "BANKMART_AUDIT_DIR")
    for name in (*ours, "PGPASSFILE", "PGHOST", "PGPORT", "PGUSER"):
        patch.delenv(name, raising=False)
    yield folder
    patch.undo()


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """What a test has made libraries read from the environment ends with it."""
    yield
    settings.forget_environment()
    # What a patch put back would lead the next server of this process to the wrong passwords.
    assert "PGPASSFILE" not in os.environ


@pytest.fixture(scope="session")
def postgres(state: Path) -> Iterator[str]:
    """A running, provisioned server; yields the administrator's connection string."""
    with provision.throwaway():
        provision.provision()
        yield provision.admin_dsn()


@pytest.fixture
def warehouse(postgres: str) -> str:
    """A clean warehouse: no raw table, no load, no build. Yields the administrator's connection string for it."""
    dsn = provision.admin_dsn(settings.WAREHOUSE)
    with closing(psycopg2.connect(dsn)) as link, link, link.cursor() as cursor:
        cursor.execute(
            "select nspname from pg_namespace"
            " where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')"
        )
        for (schema,) in cursor.fetchall():
            cursor.execute(psycopg2.sql.SQL("drop schema {} cascade").format(psycopg2.sql.Identifier(schema)))
        provision.make_warehouse(cursor)
    # Heads of a chain that is gone.
    anchor.path().unlink(missing_ok=True)
    return dsn


class MlflowServer(NamedTuple):
    """A running server: its address, the folder of its artefacts, its process, which leads a group of its own."""

    address: str
    files: Path
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def mlflow_at(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], AbstractContextManager[MlflowServer]]:
    """How to start an MLflow server whose registry is in the Postgres that this process looks at."""

    @contextmanager
    def start() -> Iterator[MlflowServer]:
        home = tmp_path_factory.mktemp("mlflow")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        at = f"http://127.0.0.1:{port}"
        words = ["server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
        words += ["--artifacts-destination", str(home / "files")]
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words],
            env=os.environ
            | {
                "MLFLOW_BACKEND_STORE_URI": database_url("mlflow", settings.MLFLOW),
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            stdout=(home / "log").open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            until = time.monotonic() + 300
            while not _answers(f"{at}/health"):
                assert server.poll() is None, (home / "log").read_text()
                assert time.monotonic() < until, (home / "log").read_text()
                time.sleep(0.2)
            yield MlflowServer(at, home / "files", server)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(30)

    return start


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
