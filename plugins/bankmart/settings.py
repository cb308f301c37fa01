"""Where things are: the checkout, its state folder and the servers. Importing it touches nothing."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
WAREHOUSE, AIRFLOW, MLFLOW = "bankmart", "airflow", "mlflow"
# Who gave the command; None in a task of Airflow.
TYPED_BY: ContextVar[str | None] = ContextVar("typed_by", default=None)
ROLES = ("platform", "loader", "scorer", "eraser", "vault", "bi_reader", "airflow", "mlflow")
EMBEDDED_ADMIN = "bankmart_admin"
MLFLOW_USER = "bankmart"
# What the secrets of people's logins begin with.
READER = "reader "

# What apply_environment has set in this process.
_applied: dict[str, str] = {}


@dataclass(frozen=True)
class Server:
    """A Postgres server and the role that may create databases and roles on it."""

    host: str
    port: int
    admin: str
    admin_database: str


def state_dir() -> Path:
    """The checkout's own folder for everything that is made at run time."""
    return Path(os.environ.get("BANKMART_STATE_DIR") or ROOT / ".bankmart").resolve()


def landing_dir() -> Path:
    """Where the bank's extracts land: `<system>/<table>/<business_date>/`."""
    return Path(os.environ.get("BANKMART_LANDING_DIR") or state_dir() / "landing").resolve()


def dbt_dir() -> Path:
    """The dbt project."""
    return ROOT / "dbt_project"


def server() -> Server:
    """The Postgres server in use: BANKMART_DATABASE_URL, else the embedded one of this checkout."""
    if url := os.environ.get("BANKMART_DATABASE_URL"):
        parts = urlsplit(url)
        return Server(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 5432,
            admin=unquote(parts.username or "postgres"),
            admin_database=parts.path.lstrip("/") or "postgres",
        )
    return Server("127.0.0.1", int(ports().get("postgres", 5432)), EMBEDDED_ADMIN, "postgres")


def is_embedded() -> bool:
    """Whether this checkout runs its own Postgres."""
    return not os.environ.get("BANKMART_DATABASE_URL")


def ports() -> dict[str, int]:
    """The ports chosen for this checkout's servers (empty before the first start)."""
    return _read_json(state_dir() / "ports.json")


def secret(name: str) -> str:
    """A secret of this checkout, made at its first use and kept in a file only its owner reads."""
    known: dict[str, str] = _read_json(state_dir() / "secrets.json")
    if name not in known:
        with _secrets() as known:
            known.setdefault(name, _new_secret(name))
    return known[name]


def add_secret(name: str) -> None:
    """Put a new secret before the one of that name, with a comma between: the newest of several counts."""
    with _secrets() as known:
        known[name] = ",".join(filter(None, (_new_secret(name), known.get(name))))


def given_secret(name: str) -> str | None:
    """A secret that somebody has given: BANKMART_SECRET_<NAME>, else in the file of secrets; it is never made up."""
    found = os.environ.get(f"BANKMART_SECRET_{name.upper()}") or _read_json(state_dir() / "secrets.json").get(name)
    return str(found) if found else None


def logins() -> list[str]:
    """The people's logins whose passwords this checkout has made (`bankmart reader`)."""
    return [name.removeprefix(READER) for name in _read_json(state_dir() / "secrets.json") if name.startswith(READER)]


def passfile() -> Path:
    """libpq's password file: how every client of this checkout logs in without a secret in sight."""
    return Path(os.environ.get("PGPASSFILE") or state_dir() / "pgpass")


def dsn(role: str, database: str = WAREHOUSE) -> str:
    """A libpq connection string without a password (that is in `passfile`)."""
    at = server()
    quoted = str(passfile()).replace("\\", "\\\\").replace("'", "\\'")
    return f"host={at.host} port={at.port} dbname={database} user={role} passfile='{quoted}'"


def mlflow_uri() -> str:
    """Where the MLflow server listens."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"http://127.0.0.1:{ports().get('mlflow', 5000)}"


def apply_environment() -> None:
    """Set what the libraries read from the environment, in this process only; what the user has set wins.

    Called again, it follows a server that has moved to another port and a state folder that has changed.
    """
    forget_environment()
    ours = {
        "PGPASSFILE": str(passfile()),
        "MLFLOW_TRACKING_URI": mlflow_uri(),
        "MLFLOW_TRACKING_USERNAME": MLFLOW_USER,
        "MLFLOW_TRACKING_PASSWORD": secret("mlflow_user"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "MPLCONFIGDIR": str(state_dir() / "matplotlib"),
        # With two threads on busy cores a fit took 15-34 s, with passive waiting 0.6 s.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    _applied.update({name: value for name, value in ours.items() if name not in os.environ})
    os.environ.update(_applied)


def who() -> str:
    """Who types the command: the machine's user, by number in a container where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@contextmanager
def typed() -> Iterator[None]:
    """What is done inside is done by command: the audit says who typed it beside who is said to act (`--by`)."""
    token = TYPED_BY.set(who())
    try:
        yield
    finally:
        TYPED_BY.reset(token)


def forget_environment() -> None:
    """Take back what `apply_environment` has set, where nobody has set it anew since."""
    for name, value in _applied.items():
        if os.environ.get(name) == value:
            del os.environ[name]
    _applied.clear()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


@contextmanager
def _secrets() -> Iterator[dict[str, str]]:
    # The file of secrets, alone with it; what is changed is written.
    path = state_dir() / "secrets.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known: dict[str, str] = _read_json(path)
        yield known
        write_private(path, json.dumps(known, indent=2))


def _new_secret(name: str) -> str:
    return secrets.token_urlsafe(48 if name.endswith("_key") else 18)


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}
