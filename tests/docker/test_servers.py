"""What compose runs, run without it: our scripts on real Postgres, MLflow and (where installed) Redis."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg2
import pytest

from bankmart import settings
from bankmart.runtime import postgres as embedded

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
DATA_NETWORK = "172.28.240.0/24"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Platform:
    """A Postgres of its own and the environment in which compose would run our image's programs."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        made = folder / "made.env"
        subprocess.run(["sh", str(DOCKER / "new-env.sh"), str(made)], check=True, capture_output=True)
        lines = made.read_text().splitlines()
        self.secrets = dict(line.split("=", 1) for line in lines if line.startswith("BANKMART_SECRET_"))
        self.state = folder / "state"
        self.env = {
            **self.secrets,
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "BANKMART_STATE_DIR": str(self.state),
            "BANKMART_DATABASE_URL": f"postgresql://bankmart_admin@127.0.0.1:{self.port}/postgres",
            "PGPASSFILE": str(self.state / "secrets/pgpass"),
        }
        self.folder = folder
        self.at = embedded.place(folder / "server")
        embedded.initialise(self.at, self.secrets["BANKMART_SECRET_BANKMART_ADMIN"], self.port)

    def words(self, *command: str) -> list[str]:
        """A command as the image's entrypoint gets it."""
        return ["sh", str(DOCKER / "entrypoint.sh"), *command]

    @contextmanager
    def postgres(self, rules: str | None = None) -> Iterator[None]:
        """The server, running; `rules` replace its pg_hba.conf for this time."""
        file = self.at.data / "pg_hba.conf"
        before = file.read_text()
        file.write_text(rules or before)
        server = embedded.popen(self.at, self.folder / "postgres.log")
        try:
            self._wait()
            yield
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
            file.write_text(before)

    def login(self, role: str, database: str) -> None:
        """Log in with the password that the entrypoint wrote."""
        passfile = self.env["PGPASSFILE"]
        psycopg2.connect(
            host="127.0.0.1", port=self.port, user=role, dbname=database, passfile=passfile, connect_timeout=5
        ).close()

    def _wait(self) -> None:
        # A refusal is an answer: whether somebody may log in is for the tests to ask.
        for _ in range(300):
            try:
                self.login("nobody", "postgres")
            except psycopg2.OperationalError as error:
                if "Connection refused" not in str(error) and "starting up" not in str(error):
                    return
            time.sleep(0.1)
        raise AssertionError((self.folder / "postgres.log").read_text())


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    made = Platform(tmp_path_factory.mktemp("compose"))
    provision = "from bankmart.runtime import provision; provision.provision()"
    assert provision in (DOCKER / "init.sh").read_text()
    with made.postgres():
        words = made.words(sys.executable, "-c", provision)
        subprocess.run(words, env=made.env, check=True, capture_output=True)
    yield made
    embedded.remove(made.folder / "server")


def test_roles_get_the_passwords_of_the_environment(platform):
    with platform.postgres():
        for role in settings.ROLES:
            platform.login(role, {"airflow": "airflow", "mlflow": "mlflow"}.get(role, "bankmart"))


def test_from_the_platforms_network_every_role_gets_in(platform):
    rules = (DOCKER / "pg_hba.conf").read_text().replace("127.0.0.1/32", "127.9.9.9/32")
    with platform.postgres(rules.replace(DATA_NETWORK, "127.0.0.1/32")):
        for role, database in [("platform", "bankmart"), ("airflow", "airflow"), ("mlflow", "mlflow")]:
            platform.login(role, database)
        platform.login("bankmart_admin", "postgres")


def test_from_anywhere_else_only_bi_gets_in_and_only_to_the_warehouse(platform):
    rules = (DOCKER / "pg_hba.conf").read_text().replace("127.0.0.1/32", "127.9.9.9/32")
    assert DATA_NETWORK in rules
    with platform.postgres(rules):
        platform.login("bi_reader", "bankmart")
        refused = [("bi_reader", "airflow"), ("bi_reader", "mlflow"), ("bi_reader", "postgres")]
        refused += [(role, "bankmart") for role in ("platform", "loader", "scorer", "bankmart_admin")]
        for role, database in [*refused, ("airflow", "airflow"), ("mlflow", "mlflow")]:
            with pytest.raises(psycopg2.OperationalError, match="pg_hba.conf rejects connection"):
                platform.login(role, database)


def healthy(component: str, **env: str) -> subprocess.CompletedProcess[str]:
    """docker/healthy.py on one component."""
    words = [sys.executable, str(DOCKER / "healthy.py"), component]
    env["PATH"] = "/usr/bin:/bin"
    return subprocess.run(words, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("component", ["metadatabase", "scheduler", "dag_processor", "triggerer"])
def test_what_does_not_run_is_not_healthy(component):
    url = f"http://127.0.0.1:{free_port()}/execution/"
    done = healthy(component, AIRFLOW__CORE__EXECUTION_API_SERVER_URL=url)
    assert done.returncode == 1
    assert component in done.stderr


def ask(url: str, login: str | None = None, host: str | None = None) -> int:
    """The status code of an answer."""
    request = Request(url, headers={"Host": host} if host else {})
    if login:
        request.add_header("Authorization", f"Basic {b64encode(login.encode()).decode()}")
    try:
        with urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_mlflow_wants_a_login_and_a_known_host(platform, tmp_path):
    port = str(free_port())
    env = platform.env | {
        "MLFLOW_STORE": f"postgresql+psycopg2://mlflow@127.0.0.1:{platform.port}/mlflow",
        "MLFLOW_LISTEN": "127.0.0.1",
        "MLFLOW_PORT": port,
        "MLFLOW_ARTIFACTS": str(tmp_path),
        "MLFLOW_HOSTS": f"mlflow:5000,localhost:{port}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    url = f"http://localhost:{port}"
    experiment = f"{url}/api/2.0/mlflow/experiments/get?experiment_id=0"
    login = f"{settings.MLFLOW_USER}:{platform.secrets['BANKMART_SECRET_MLFLOW_USER']}"
    with platform.postgres(), (tmp_path / "log").open("w") as log:
        words = platform.words("sh", str(DOCKER / "mlflow.sh"))
        server = subprocess.Popen(words, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            while healthy("mlflow", MLFLOW_PORT=port).returncode:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.5)
            assert ask(experiment) == 401
            assert ask(experiment, "admin:password1234") == 401
            assert ask(experiment, "admin:password") == 401
            assert ask(f"{url}/ajax-api/3.0/jobs/") == 401
            assert ask(experiment, login) == 200
            assert ask(experiment, login, host="mlflow:5000") == 200
            assert ask(experiment, login, host="elsewhere.example") == 403
            shown = "".join(Path(f"/proc/{server.pid}/cmdline").read_text().split("\0"))
            assert not [value for value in platform.secrets.values() if value in shown]
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
                server.wait(30)
    log_text = (tmp_path / "log").read_text()
    assert not [value for value in platform.secrets.values() if value in log_text]


def test_redis_wants_its_password_and_hides_it(platform, tmp_path):
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: docker/redis.sh is not started here")
    port = str(free_port())
    password = platform.secrets["BANKMART_SECRET_REDIS"]
    env = {**os.environ, "REDIS_DIR": str(tmp_path), "REDIS_PORT": port}
    knowing = {**env, "REDISCLI_AUTH": password}

    def ping(env: dict[str, str]) -> str:
        words = ["redis-cli", "-p", port, "ping"]
        return subprocess.run(words, env=env, capture_output=True, text=True, check=False).stdout

    server = subprocess.Popen(["sh", str(DOCKER / "redis.sh")], env=knowing, stdout=subprocess.DEVNULL)
    try:
        while "PONG" not in ping(knowing):
            assert server.poll() is None
            time.sleep(0.1)
        assert "NOAUTH" in ping(env)
        assert password not in Path(f"/proc/{server.pid}/cmdline").read_text()
    finally:
        server.terminate()
        server.wait(30)
