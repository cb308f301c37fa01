"""The scripts that stand between the environment's secrets and the programs, run for real."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bankmart import settings

DOCKER = Path(__file__).resolve().parents[2] / "docker"
REFUSED = 78
GOOD = "q7Wz-Rk_3mVxT0pLs9BdYh2n"
URL = "postgresql://bankmart_admin@db.bank.internal:6543/postgres?sslmode=verify-full"


@pytest.fixture(params=["sh", "dash", "bash"])
def start(request, tmp_path):
    """Run a command through the entrypoint with these secrets, under each shell that is here."""
    shell = shutil.which(request.param)
    if shell is None:
        pytest.skip(f"{request.param} is not installed")

    def run(secrets: dict[str, str], *command: str, url: str = URL, **more: str) -> subprocess.CompletedProcess[str]:
        env = {f"BANKMART_SECRET_{name}": value for name, value in secrets.items()} | more
        state = str(tmp_path / "state")
        env |= {"PATH": os.environ["PATH"], "BANKMART_DATABASE_URL": url}
        env |= {"BANKMART_STATE_DIR": state, "PGPASSFILE": f"{state}/secrets/pgpass"}
        words = [shell, str(DOCKER / "entrypoint.sh"), *(command or ("touch", str(tmp_path / "started")))]
        return subprocess.run(words, capture_output=True, text=True, env=env, check=False)

    return run


@pytest.fixture
def made(tmp_path):
    """An .env as docker/new-env.sh makes it: file and values."""
    file = tmp_path / "made.env"
    subprocess.run(["sh", str(DOCKER / "new-env.sh"), str(file)], check=True, capture_output=True)
    lines = file.read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line.startswith("BANKMART_SECRET_"))
    return file, {name.removeprefix("BANKMART_SECRET_"): value for name, value in values.items()}


def test_secrets_become_private_files(start, tmp_path):
    done = start({"LOADER": GOOD, "REDIS": GOOD[::-1], "FERNET_KEY": GOOD * 2})
    assert done.returncode == 0, done.stderr
    state = tmp_path / "state"
    known = {"loader": GOOD, "redis": GOOD[::-1], "fernet_key": GOOD * 2}
    assert json.loads((state / "secrets.json").read_text()) == known
    assert (state / "secrets/pgpass").read_text() == f"db.bank.internal:6543:*:loader:{GOOD}\n"
    assert (state / "secrets/fernet_key").read_text() == GOOD * 2
    assert (state / "secrets/broker_url").read_text() == f"redis://:{GOOD[::-1]}@redis:6379/0"
    files = [path for path in state.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (state / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_library_reads_what_was_written(start, tmp_path, monkeypatch):
    start({"SCORER": GOOD})
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path / "state"))
    assert settings.secret("scorer") == GOOD


def test_the_command_sees_no_secret(start):
    done = start({"LOADER": GOOD, "MLFLOW_USER": GOOD[::-1]}, "env")
    assert done.returncode == 0
    assert "PGPASSFILE" in done.stdout
    assert "SECRET" not in done.stdout
    assert GOOD not in done.stdout
    assert GOOD[::-1] not in done.stdout


def test_events_of_airflow_go_where_those_of_dbt_go(start):
    code = "import os; print({name: value for name, value in os.environ.items() if 'LINEAGE_' in name})"
    folder = {"BANKMART_LINEAGE_DIR": "/events"}
    said = ast.literal_eval(start({}, "python3", "-c", code, OPENLINEAGE_URL="", **folder).stdout)
    assert json.loads(said.pop("AIRFLOW__OPENLINEAGE__TRANSPORT")) == {
        "type": "file", "log_file_path": "/events/events.jsonl", "append": True,
    }  # fmt: skip
    assert said == folder
    given = {"OPENLINEAGE_URL": "http://marquez:5000"} | folder
    assert ast.literal_eval(start({}, "python3", "-c", code, **given).stdout) == given


def test_a_restart_writes_the_same_files_with_the_new_secret(start, tmp_path):
    start({"LOADER": GOOD})
    start({"LOADER": GOOD[::-1]})
    assert json.loads((tmp_path / "state/secrets.json").read_text()) == {"loader": GOOD[::-1]}


def test_the_command_keeps_its_arguments_and_exit_code(start):
    done = start({}, "sh", "-c", 'printf "%s|" "$@"; exit 7', "x", "two words", "*")
    assert (done.returncode, done.stdout) == (7, "two words|*|")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("LOADER", "", "is empty"),
        ("LOADER", "change-me-change-me-change-me", "is a placeholder"),
        ("LOADER", "Password1234Password1234", "is a placeholder"),
        ("LOADER", GOOD[:19], "is shorter than 20 characters"),
        ("AIRFLOW_JWT_KEY", "a" * 63, "is shorter than 64 characters"),
        ("FERNET_KEY", GOOD, "is shorter than 43 characters"),
        ("LOADER", f"{GOOD}:x", "has characters other than"),
        ("LOADER", f"{GOOD}\nplatform", "has characters other than"),
        ("LOADER", f'{GOOD}"$(id)', "has characters other than"),
    ],
)
def test_an_unfit_secret_stops_the_start(start, tmp_path, name, value, reason):
    done = start({name: value})
    assert done.returncode == REFUSED
    assert f"BANKMART_SECRET_{name} {reason}" in done.stderr
    assert "docker/new-env.sh" in done.stderr
    assert not value or value not in done.stderr
    assert not (tmp_path / "started").exists()


def test_a_password_in_the_url_stops_the_start(start, tmp_path):
    done = start({"LOADER": GOOD}, url=f"postgresql://admin:{GOOD}@db/postgres")
    assert done.returncode == REFUSED
    assert GOOD not in done.stderr
    assert not (tmp_path / "started").exists()


def test_new_env_makes_what_the_entrypoint_accepts(start, made, tmp_path):
    file, secrets = made
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(set(secrets.values())) == len(secrets) >= 14
    Fernet(secrets["FERNET_KEY"])
    done = start(secrets)
    assert done.returncode == 0, done.stderr
    passwords = (tmp_path / "state/secrets/pgpass").read_text().splitlines()
    assert {line.split(":")[3] for line in passwords} == {settings.EMBEDDED_ADMIN, *settings.ROLES}


def test_new_env_never_overwrites(made):
    file, _ = made
    before = file.read_text()
    again = ["sh", str(DOCKER / "new-env.sh"), str(file)]
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "exists" in done.stderr
    assert file.read_text() == before
