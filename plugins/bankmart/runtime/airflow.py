"""Airflow of this checkout: its configuration, its database and the three processes it is made of."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from contextlib import closing
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg2
import requests

from bankmart import lineage, settings
from bankmart.runtime.environment import database_url, environment

# The login names with their role; passwords by `bankmart status --secrets`. Only the approver may let a model go live.
APPROVER = "approver"
USERS = {"admin": "admin", "marketer": "viewer", APPROVER: "user"}
# Heavy things one at a time on two cores; files load two at a time.
POOLS = {
    "dbt": (1, "dbt builds"),
    "ml": (1, "model training and scoring"),
    "load": (2, "source files into raw tables"),
}
COMMANDS = {
    "airflow-api": ["api-server", "--apps", "all"],
    "airflow-dags": ["dag-processor"],
    "airflow-scheduler": ["scheduler", "--skip-serve-logs"],
}


def command(name: str) -> list[str]:
    """The command of one of the three processes."""
    return [sys.executable, "-m", "airflow", *COMMANDS[name]]


def variables(name: str = "") -> dict[str, str]:
    """The environment of one of the processes; the scheduler imports beforehand what its tasks will need."""
    found = {**environment(), "AIRFLOW_HOME": str(home()), "AIRFLOW_CONFIG": str(home() / "airflow.cfg")}
    found["BANKMART_FIRST_START"] = _first_start()
    found.setdefault("BANKMART_APPROVERS", APPROVER)
    if name == "airflow-scheduler":
        found["PYTHONPATH"] = f"{Path(__file__).with_name('scheduler')}:{found['PYTHONPATH']}"
    return found


def home() -> Path:
    """AIRFLOW_HOME."""
    return settings.state_dir() / "airflow"


def base_url() -> str:
    """Where the UI and the API are."""
    return f"http://127.0.0.1:{settings.ports()['airflow']}"


def options() -> dict[str, dict[str, object]]:
    """The sections of airflow.cfg that differ from Airflow's own defaults."""
    logs = settings.state_dir() / "logs" / "airflow"
    return {
        "core": {
            "dags_folder": os.environ.get("BANKMART_DAGS_DIR") or settings.ROOT / "dags",
            "plugins_folder": settings.ROOT / "plugins",
            "executor": "LocalExecutor",
            "parallelism": os.environ.get("BANKMART_PARALLELISM", "4"),
            "load_examples": False,
            "dags_are_paused_at_creation": False,
            "default_timezone": "utc",
            "fernet_key": fernet_key(),
            "execution_api_server_url": f"{base_url()}/execution/",
            "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "simple_auth_manager_passwords_file": home() / "passwords.json",
        },
        "database": {
            "sql_alchemy_conn": database_url("airflow", settings.AIRFLOW),
            "load_default_connections": False,
        },
        "api": {
            "host": "127.0.0.1",
            "port": settings.ports()["airflow"],
            "base_url": base_url(),
            "workers": 1,
            "secret_key": settings.secret("airflow_api_key"),
        },
        "api_auth": {"jwt_secret": settings.secret("airflow_jwt_key")},
        "scheduler": {
            "scheduler_idle_sleep_time": 0.5,
            # A task that died, and one that died with its scheduler, is tried again after a minute instead of five.
            "task_instance_heartbeat_timeout": 60,
            "orphaned_tasks_check_interval": 30,
        },
        # The default of 300 s would leave a new file unseen for five minutes.
        "dag_processor": {"parsing_processes": 1, "refresh_interval": 15},
        "logging": {
            "base_log_folder": logs,
            "dag_processor_child_process_log_directory": logs / "dag_processor",
        },
        # What every task did, as OpenLineage events; an endpoint that is away costs a task seconds, and no more.
        "openlineage": {
            "transport": json.dumps(lineage.transport()),
            "namespace": lineage.NAMESPACE,
            "execution_timeout": 3,
            "execute_in_thread": True,
            "disable_source_code": True,
        },
        "usage_data_collection": {"enabled": False},
    }


def fernet_key() -> str:
    """A key as Fernet wants it: 32 bytes in base64."""
    return base64.urlsafe_b64encode(hashlib.sha256(settings.secret("fernet_key").encode()).digest()).decode()


def configure() -> None:
    """Write airflow.cfg and the passwords of the logins, for their owner only."""
    lines = []
    for section, values in options().items():
        lines += [
            f"[{section}]",
            *(f"{name} = {value}".replace("%", "%%") for name, value in values.items()),
            "",
        ]
    settings.write_private(home() / "airflow.cfg", "\n".join(lines))
    # What appends events to the file does not make its folder.
    (settings.state_dir() / "lineage").mkdir(exist_ok=True)
    passwords = {user: settings.secret(f"airflow_{user}") for user in USERS}
    settings.write_private(home() / "passwords.json", json.dumps(passwords))


def is_migrated() -> bool:
    """Whether the metadata database is of this version and has the pools, told without importing Airflow."""
    try:
        return (home() / "migrated").read_text() == _version()
    except FileNotFoundError:
        return False


def migrate() -> None:
    """Bring the metadata database to this version and make the pools.

    It imports Airflow: run it in a process of its own.
    """
    from airflow.models.pool import Pool
    from airflow.utils import db

    db.upgradedb()
    for name, (slots, description) in POOLS.items():
        Pool.create_or_update_pool(name=name, slots=slots, description=description, include_deferred=False)
    (home() / "migrated").write_text(_version())


def is_ready(name: str, since: float) -> bool:
    """Whether one of the processes works; for all but the API, by a sign of life later than `since`."""
    health = _get("/api/v2/monitor/health")
    if health is None:
        return False
    if name == "airflow-api":
        # What tasks talk to is imported at its first call, which takes seconds: let that be this one.
        return bool(health["metadatabase"]["status"] == "healthy") and _get("/execution/health") is not None
    part = {"airflow-scheduler": "scheduler", "airflow-dags": "dag_processor"}[name]
    beat = health[part][f"latest_{part}_heartbeat"]
    is_fresh = beat is not None and datetime.fromisoformat(beat).timestamp() > since
    return bool(is_fresh and health[part]["status"] == "healthy")


def _first_start() -> str:
    # From then on the schedule runs: a platform that is first started at noon does not miss this morning's files.
    path = home() / "first_start"
    if not path.exists():
        settings.write_private(path, datetime.now(UTC).isoformat(timespec="seconds"))
    return path.read_text()


def _get(path: str) -> dict[str, Any] | None:
    try:
        answer = requests.get(base_url() + path, timeout=10)
        return dict(answer.json()) if answer.ok else None
    except (requests.RequestException, ValueError):
        return None


def _version() -> str:
    with (
        closing(psycopg2.connect(settings.dsn("airflow", settings.AIRFLOW))) as link,
        link.cursor() as cursor,
    ):
        cursor.execute("select to_regclass('alembic_version') is not null")
        head = None
        if cursor.fetchone() == (True,):
            cursor.execute("select version_num from alembic_version")
            head = cursor.fetchone()
    return json.dumps([metadata.version("apache-airflow"), head, POOLS])


if __name__ == "__main__":
    migrate()
