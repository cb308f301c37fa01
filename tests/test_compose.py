"""docker-compose.yml and the image: what can be said about them without a container engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from bankmart import settings
from bankmart.governance.people.erasure.search import folders

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"check", "init"}
IN_IMAGE = "/opt/bankmart/"
REQUIRED = set(re.findall(r"\$\{(\w+):\?", TEXT))


def secret_name(variable: str) -> str:
    """The name of a secret in `settings.secret`, from its variable."""
    return variable.removeprefix("BANKMART_SECRET_").lower()


# Which services may hold which secret: a service that isn't named here may hold none.
MAY_HOLD = {
    "check": {secret_name(variable) for variable in REQUIRED},
    "postgres": {"bankmart_admin"},
    "redis": {"redis"},
    "init": {"bankmart_admin", "airflow_admin", "fernet_key", *settings.ROLES},
    "airflow-apiserver": {"airflow", "fernet_key", "airflow_jwt_key", "airflow_api_key"},
    "airflow-scheduler": {"airflow", "fernet_key", "airflow_jwt_key", "redis"},
    "airflow-dag-processor": {"airflow", "fernet_key"},
    "airflow-triggerer": {"airflow", "fernet_key"},
    "worker": {"loader", "platform", "eraser", "redis", "vault", "master_key"},
    "worker-ml": {"scorer", "platform", "redis", "mlflow_user"},
    "mlflow": {"mlflow", "mlflow_user", "mlflow_flask_key"},
}
PUBLISHED = {"postgres", "airflow-apiserver", "mlflow"}
each_service = pytest.mark.parametrize("name", SERVICES)


def held(name: str) -> set[str]:
    """The secrets in a service's environment, by their names in `settings.secret`."""
    values = " ".join(map(str, SERVICES[name].get("environment", {}).values()))
    return {found.lower() for found in re.findall(r"\$\{BANKMART_SECRET_(\w+?):", values)}


def networks(name: str) -> set[str]:
    """The networks of a service."""
    return set(SERVICES[name].get("networks", []))


@each_service
def test_every_service_is_hardened(name):
    service = SERVICES[name]
    assert service["user"].partition(":")[0] not in {"", "0", "root"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(service)
    assert "docker.sock" not in str(service)


@each_service
def test_every_service_is_watched(name):
    service = SERVICES[name]
    assert (service["restart"] == "no") == (name in ONE_SHOT)
    assert ("healthcheck" in service) == (name not in ONE_SHOT)
    if name not in ONE_SHOT:
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])


@each_service
def test_ports_are_on_the_loopback(name):
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{BANKMART_\w+_PORT:-\d+\}:\d+", port)


@each_service
def test_images_are_pinned(name):
    image = SERVICES[name]["image"]
    ours = image == "bankmart:${BANKMART_VERSION:-1}"
    assert ours or re.fullmatch(r"[a-z/]+:\d+\.\d+[\w.]*-bookworm", image)


def test_secrets_come_from_the_environment_and_have_no_default():
    assert not re.findall(r"\$\{BANKMART_SECRET_\w+(?!\w*:\?)", TEXT)
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"SECRET|PASSWORD|AUTH$", key) and not key.endswith("_CMD"):
                assert re.fullmatch(r"\$\{BANKMART_SECRET_\w+:\?[^}]+\}", value), (name, key)
            if key.startswith("BANKMART_SECRET_"):
                assert value.startswith(f"${{{key}:?"), "a secret under the name of another"


def test_the_first_service_reads_every_secret_and_the_servers_wait_for_it():
    assert held("check") == {secret_name(name) for name in REQUIRED if "_SECRET_" in name}
    assert SERVICES["check"]["network_mode"] == "none"
    for name in set(SERVICES) - {"check"}:
        waits = SERVICES[name]["depends_on"]
        assert {"check", "postgres", "init"} & set(waits)


def test_init_gets_the_password_of_every_role():
    assert {settings.EMBEDDED_ADMIN, *settings.ROLES} <= held("init")


@each_service
def test_a_service_holds_no_more_secrets_than_it_needs(name):
    assert held(name) <= MAY_HOLD[name]


@each_service
def test_the_files_that_airflow_reads_secrets_from_are_written(name):
    commands = [str(v) for k, v in SERVICES[name].get("environment", {}).items() if k.endswith("_CMD")]
    for command in commands:
        secret = command.removeprefix("cat /run/bankmart/secrets/")
        assert {"broker_url": "redis", "result_url": "redis"}.get(secret, secret) in held(name)


def test_bi_reaches_postgres_only_and_workers_have_no_way_out():
    assert {name for name in SERVICES if "bi" in networks(name)} == {"postgres"}
    assert {name for name in SERVICES if "queue" in networks(name)} == {
        "redis",
        "airflow-scheduler",
        "worker",
        "worker-ml",
    }
    open_ones = {name for name, network in COMPOSE["networks"].items() if not network.get("internal")}
    assert open_ones == {"edge", "bi"}
    assert {name for name in SERVICES if networks(name) & open_ones} == PUBLISHED
    assert {name for name in SERVICES if "ports" in SERVICES[name]} == PUBLISHED


def test_postgres_knows_the_range_of_the_data_network():
    (pool,) = COMPOSE["networks"]["data"]["ipam"]["config"]
    rules = (ROOT / "docker/pg_hba.conf").read_text(encoding="utf-8")
    assert ip_network(pool["subnet"]).is_private
    assert re.search(rf"^host +all +all +{re.escape(pool['subnet'])} +scram-sha-256$", rules, re.MULTILINE)


@each_service
def test_what_is_mounted_exists(name):
    for mount in SERVICES[name].get("volumes", []):
        source, target, *mode = re.sub(r"\$\{\w+:\?[^}]+\}", "${required}", mount).split(":")
        if source.startswith("."):
            assert (ROOT / source).is_file()
            assert mode == ["ro"]
        elif source == "${required}":
            assert (target, mode) == ("/var/lib/bankmart/landing", ["ro"])
        else:
            assert source in COMPOSE["volumes"]


def test_who_runs_dags_and_tasks_writes_events_of_lineage_to_the_volume():
    of_runs = {"airflow-apiserver", "airflow-scheduler", "worker", "worker-ml"}
    assert {name for name in SERVICES if "lineage-events" in str(SERVICES[name].get("volumes"))} == of_runs
    for name in of_runs:
        at = SERVICES[name]["environment"]["BANKMART_LINEAGE_DIR"]
        assert f"lineage-events:{at}" in SERVICES[name]["volumes"]
        assert at in (ROOT / "docker/Dockerfile").read_text(encoding="utf-8")


def test_what_services_write_is_where_an_erasure_searches(monkeypatch):
    """Every volume but the databases' own is in the worker, under a folder that its settings name."""
    worker = SERVICES["worker"]
    mounts = dict(mount.split(":")[:2] for mount in worker["volumes"] if mount.split(":")[0] in COMPOSE["volumes"])
    assert set(COMPOSE["volumes"]) - set(mounts) == {"postgres", "redis"}
    for name in [*folders.MOVED.values(), folders.MORE, "BANKMART_LANDING_DIR", "BANKMART_STATE_DIR"]:
        monkeypatch.setenv(name, worker["environment"][name] if name != folders.MORE else "")
    searched = {str(folder.path) for folder in folders.folders()}
    assert set(mounts.values()) | {"/var/lib/bankmart/landing", "/run/bankmart"} == searched
    assert "mlflow-artifacts:/var/lib/mlflow:ro" in worker["volumes"]


@each_service
def test_what_is_waited_for_exists(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how["condition"] == expected


@each_service
def test_the_programs_exist(name):
    service = SERVICES[name]
    for words in (service["command"], service.get("healthcheck", {}).get("test", [])):
        for word in words:
            if word.startswith(IN_IMAGE):
                assert (ROOT / word.removeprefix(IN_IMAGE)).is_file()
    mounted = [mount.split(":")[1] for mount in service.get("volumes", [])]
    assert all(word in mounted for word in service["command"] if word.startswith("/etc/bankmart/"))


def test_airflow_knows_its_commands(tmp_path):
    """Airflow's own parser on every command line but Celery's, whose provider only the image has."""
    commands = [service["command"] for service in SERVICES.values()]
    lines = [words[1:] for words in commands if words[0] == "airflow" and "celery" not in words]
    assert len(lines) == 4
    code = f"from airflow.cli.cli_parser import get_parser as g\nfor line in {lines!r}: g().parse_args(line)"
    env = {"PATH": "/usr/bin:/bin", "AIRFLOW_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_queue_has_a_worker():
    commands = [SERVICES[name]["command"] for name in ("worker", "worker-ml")]
    served = {words[words.index("--queues") + 1] for words in commands}
    assert SERVICES["worker"]["environment"]["AIRFLOW__OPERATORS__DEFAULT_QUEUE"] in served
    for path in [*ROOT.glob("dags/**/*.py"), *ROOT.glob("plugins/**/*.py")]:
        named = re.findall(r"\bqueue=[\"']([\w-]+)", path.read_text(encoding="utf-8"))
        assert set(named) <= served, path


def test_the_example_of_env_names_everything_and_gives_nothing():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(given) == REQUIRED
    assert set(given.values()) == {""}


@pytest.fixture
def compose(tmp_path):
    """Run `config` of the compose program with these variables only; skips where there is none."""
    program = None
    if found := shutil.which("docker-compose"):
        program = [found]
    elif docker := shutil.which("docker"):
        version = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
        program = None if version.returncode else [docker, "compose"]
    if program is None:
        pytest.skip("no docker-compose and no docker compose here: nothing but YAML checks the file's syntax")

    def run(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        file = tmp_path / ".env"
        file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        command = [*program, "--env-file", str(file), "-f", str(ROOT / "docker-compose.yml"), "config"]
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False, cwd=tmp_path)

    return run


def test_compose_accepts_the_file(compose):
    done = compose({name: f"/value-of-{name.lower()}" for name in REQUIRED})
    assert done.returncode == 0, done.stderr
    resolved = yaml.safe_load(done.stdout)["services"]
    assert set(resolved) == set(SERVICES)
    assert resolved["init"]["environment"]["BANKMART_SECRET_LOADER"] == "/value-of-bankmart_secret_loader"


@pytest.mark.parametrize("line", [None, ""])
@pytest.mark.parametrize("name", ["BANKMART_SECRET_BANKMART_ADMIN", "BANKMART_SECRET_REDIS", "BANKMART_LANDING"])
def test_compose_refuses_to_start_without_a_value(compose, name, line):
    variables = dict.fromkeys(REQUIRED - {name}, "/value")
    if line is not None:
        variables[name] = line
    done = compose(variables)
    assert done.returncode != 0
    assert name in done.stderr
    assert ".env.example" in done.stderr
