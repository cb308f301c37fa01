"""What the servers are told: settings that they read, and no secret where others could read it."""

import configparser
import json
import os
import socket
import stat
from urllib.parse import quote

import psycopg2
import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from bankmart import settings
from bankmart.runtime import airflow, environment, mlflow, provision


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "100% a state"
    folder.mkdir()
    monkeypatch.setenv("BANKMART_STATE_DIR", str(folder))
    for name in ("PGPASSFILE", "BANKMART_DATABASE_URL", "BANKMART_DAGS_DIR", "BANKMART_PARALLELISM"):
        monkeypatch.delenv(name, raising=False)
    (folder / "ports.json").write_text(json.dumps({"postgres": 1234, "airflow": 8181, "mlflow": 5151}))
    airflow.configure()
    mlflow.configure()
    return folder


def read(path):
    parser = configparser.ConfigParser()
    parser.read(path)
    return parser


def test_files_with_secrets_are_for_their_owner_only(folder):
    for name in ("airflow/airflow.cfg", "airflow/passwords.json", "mlflow/basic_auth.ini", "secrets.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


def test_airflow_listens_here_only_and_knows_its_own_port(folder):
    cfg = read(folder / "airflow" / "airflow.cfg")
    assert cfg["api"]["host"] == "127.0.0.1"
    assert cfg["api"]["port"] == "8181"
    assert cfg["core"]["execution_api_server_url"] == "http://127.0.0.1:8181/execution/"
    assert cfg["core"]["simple_auth_manager_users"] == "admin:admin,marketer:viewer,approver:user"
    assert not cfg.getboolean("core", "load_examples")
    assert not cfg.getboolean("usage_data_collection", "enabled")


def test_airflows_keys_are_long_enough(folder):
    cfg = read(folder / "airflow" / "airflow.cfg")
    Fernet(cfg["core"]["fernet_key"])
    assert len(cfg["api_auth"]["jwt_secret"]) >= 64
    keys = [cfg["core"]["fernet_key"], cfg["api_auth"]["jwt_secret"], cfg["api"]["secret_key"]]
    assert len(set(keys)) == 3


def test_a_second_configuration_keeps_the_secrets(folder):
    before = (folder / "airflow" / "airflow.cfg").read_text()
    airflow.configure()
    assert (folder / "airflow" / "airflow.cfg").read_text() == before


def test_every_login_has_a_password_of_its_own(folder):
    passwords = json.loads((folder / "airflow" / "passwords.json").read_text())
    assert set(passwords) == set(airflow.USERS)
    assert len(set(passwords.values())) == len(airflow.USERS)


def test_mlflow_shows_nothing_to_those_who_were_granted_nothing(folder):
    ini = read(folder / "mlflow" / "basic_auth.ini")["mlflow"]
    assert ini["default_permission"] == "NO_PERMISSIONS"
    assert ini["admin_username"] == settings.MLFLOW_USER
    assert ini["admin_password"] == settings.secret("mlflow_user")


def test_database_urls_hold_no_password_and_survive_odd_folder_names(folder):
    cfg = read(folder / "airflow" / "airflow.cfg")
    for text in (
        cfg["database"]["sql_alchemy_conn"],
        read(folder / "mlflow" / "basic_auth.ini")["mlflow"]["database_uri"],
    ):
        url = make_url(text)
        assert url.password is None
        assert (url.port, url.query["passfile"]) == (1234, str(folder / "pgpass"))


def test_both_of_airflows_drivers_log_in_by_the_password_file(postgres):
    import asyncio

    from sqlalchemy import create_engine, text
    from sqlalchemy.ext.asyncio import create_async_engine

    url = environment.database_url("airflow", settings.AIRFLOW)
    with create_engine(url).connect() as link:
        assert link.scalar(text("select current_user")) == "airflow"

    async def ask():
        engine = create_async_engine(url.replace("psycopg2", "asyncpg"))
        async with engine.connect() as link:
            name = await link.scalar(text("select current_user"))
        await engine.dispose()
        return name

    assert asyncio.run(ask()) == "airflow"


def test_commands_and_environments_carry_no_password(folder, monkeypatch):
    monkeypatch.setenv("BANKMART_DATABASE_URL", "postgresql://boss:hush-hush@db.bank:6000/postgres")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    commands = [*mlflow.command(), *(part for name in airflow.COMMANDS for part in airflow.command(name))]
    secrets = [*json.loads((folder / "secrets.json").read_text()).values(), "hush-hush"]
    assert [secret for secret in secrets if secret in " ".join(commands)] == []
    told = {**airflow.variables("airflow-scheduler")}
    assert [name for name, value in told.items() if any(secret in value for secret in secrets)] == []
    assert told["BANKMART_DATABASE_URL"] == "postgresql://boss@db.bank:6000/postgres"
    # MLflow reads this one key from its environment and from nowhere else.
    flask = settings.secret("mlflow_flask_key")
    monkeypatch.setenv("BANKMART_MASTER_KEY", "hush-hush")
    assert "hush-hush" not in mlflow.variables().values()
    assert [name for name, value in mlflow.variables().items() if flask in value] == ["MLFLOW_FLASK_SERVER_SECRET_KEY"]


def test_tasks_find_the_environment_and_the_state(folder):
    told = airflow.variables("airflow-scheduler")
    assert told["AIRFLOW_HOME"] == str(folder / "airflow")
    assert told["BANKMART_STATE_DIR"] == str(folder)
    assert told["PGPASSFILE"] == str(folder / "pgpass")
    assert told["PATH"].split(":")[0] == os.path.dirname(os.sys.executable)  # noqa: PTH120
    assert told["DO_NOT_TRACK"] == "1"
    assert "airflow_local_settings.py" in os.listdir(told["PYTHONPATH"].split(":")[0])  # noqa: PTH208
    assert "scheduler" not in airflow.variables("airflow-api")["PYTHONPATH"]


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("postgresql://a:b@h:1/d", "postgresql://a@h:1/d"),
        ("postgresql://a:b%40c@h/d?sslmode=require", "postgresql://a@h/d?sslmode=require"),
        ("postgresql://h/d", "postgresql://h/d"),
        (f"postgresql://a:{quote('p@:/w', safe='')}@[::1]:5/d", "postgresql://a@[::1]:5/d"),
    ],
)
def test_a_url_loses_its_password_only(url, bare):
    assert environment.without_password(url) == bare


def test_a_password_file_of_the_users_own_is_left_alone(folder, monkeypatch, tmp_path):
    own = tmp_path / "mine"
    own.write_text("mine")
    monkeypatch.setenv("PGPASSFILE", str(own))
    provision.write_passfile()
    assert own.read_text() == "mine"
    # What the checkout's own commands set is no choice of the user.
    monkeypatch.setenv("PGPASSFILE", str(folder / "pgpass"))
    provision.write_passfile()
    assert "bi_reader" in (folder / "pgpass").read_text()


def test_mlflow_is_not_ready_where_nothing_listens(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    (folder / "ports.json").write_text(json.dumps({"airflow": free, "mlflow": free}))
    assert not mlflow.is_ready()
    assert not any(airflow.is_ready(name, 0) for name in airflow.COMMANDS)


def test_airflow_must_be_migrated_where_its_database_is_empty(postgres):
    (airflow.home()).mkdir(exist_ok=True)
    (airflow.home() / "migrated").write_text("of another version")
    assert not airflow.is_migrated()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(settings.dsn("airflow", "bankmart"))
