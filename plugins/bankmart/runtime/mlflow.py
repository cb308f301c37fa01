"""The MLflow server of this checkout: runs in Postgres, artefacts in the state folder, login required."""

from __future__ import annotations

import sys
from pathlib import Path

import requests

from bankmart import settings
from bankmart.runtime.environment import database_url, environment


def command() -> list[str]:
    """The command that runs the server; it carries no secret."""
    port = settings.ports()["mlflow"]
    hosts = ",".join(f"{host}{suffix}" for host in ("127.0.0.1", "localhost") for suffix in ("", f":{port}"))
    return [
        *[sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"],
        *["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--allowed-hosts", hosts],
        *["--artifacts-destination", str(_folder() / "artifacts")],
    ]


def variables() -> dict[str, str]:
    """The server's environment."""
    # It has nothing to do with the vault, and answers to many.
    kept = {name: value for name, value in environment().items() if not name.startswith("BANKMART_MASTER_KEY")}
    return {
        **kept,
        "MLFLOW_BACKEND_STORE_URI": database_url("mlflow", settings.MLFLOW),
        "MLFLOW_AUTH_CONFIG_PATH": str(_folder() / "basic_auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": settings.secret("mlflow_flask_key"),
        # Its job endpoints had no login (CVE-2026-0545), and its workers take 1.1 GB.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def configure() -> None:
    """Write the file that names the one user; nobody else may see anything unless granted."""
    (_folder() / "artifacts").mkdir(parents=True, exist_ok=True)
    uri, password = database_url("mlflow", settings.MLFLOW), settings.secret("mlflow_user")
    lines = [
        "[mlflow]",
        "default_permission = NO_PERMISSIONS",
        f"database_uri = {uri}",
        f"admin_username = {settings.MLFLOW_USER}",
        f"admin_password = {password}",
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth",
        # A password check costs 50 ms and more; a run logs a hundred times.
        "auth_cache_ttl_seconds = 300",
    ]
    text = "\n".join([lines[0], *(line.replace("%", "%%") for line in lines[1:])]) + "\n"
    settings.write_private(_folder() / "basic_auth.ini", text)


def is_ready() -> bool:
    """Whether the server answers."""
    try:
        return requests.get(f"http://127.0.0.1:{settings.ports()['mlflow']}/health", timeout=3).ok
    except requests.RequestException:
        return False


def _folder() -> Path:
    return settings.state_dir() / "mlflow"
