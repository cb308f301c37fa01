"""The whole platform, for real: it comes up, asks for a login, runs a task, and goes without a trace."""

import json
import re
import time
import warnings

import mlflow
import psutil
import pytest
import requests

from bankmart import settings
from bankmart.runtime import airflow, postgres, processes, servers
from bankmart.runtime.commands import status
from bankmart.runtime.commands.down import down
from bankmart.runtime.commands.up import up

pytestmark = pytest.mark.slow

DAG = """
import json, os, sys
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule=None)
def look():
    @task(pool="load")
    def see():
        import bankmart.settings
        facts = {"python": sys.executable, "state": str(bankmart.settings.state_dir()),
                 "dbt": "dbt.cli.main" in sys.modules, "lightgbm": "lightgbm" in sys.modules}
        Path(os.environ["BANKMART_STATE_DIR"], "seen.json").write_text(json.dumps(facts))
    see()

look()
"""
SECRETS = (
    "airflow_admin",
    "airflow_jwt_key",
    "airflow_api_key",
    "mlflow_user",
    "mlflow_flask_key",
    *settings.ROLES,
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """Everything up in a state folder of its own, with one small DAG."""
    folder = tmp_path_factory.mktemp("platform")
    dags = folder / "dags"
    dags.mkdir()
    (dags / "look.py").write_text(DAG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BANKMART_STATE_DIR", str(folder))
        patch.setenv("BANKMART_DAGS_DIR", str(dags))
        for name in ("BANKMART_DATABASE_URL", "PGPASSFILE", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.setenv("MLFLOW_TRACKING_USERNAME", settings.MLFLOW_USER)
        patch.setenv("MLFLOW_TRACKING_PASSWORD", settings.secret("mlflow_user"))
        try:
            up(seconds=400)
            yield folder
        finally:
            down()
            postgres.remove(folder)


def airflow_get(path, user="admin"):
    return requests.get(airflow.base_url() + path, headers=bearer(user), timeout=30)


def bearer(user):
    login = {"username": user, "password": settings.secret(f"airflow_{user}")}
    answer = requests.post(f"{airflow.base_url()}/auth/token", json=login, timeout=30)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def mlflow_routes():
    """Every method and path that this version of MLflow serves, by Flask and by FastAPI."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.server
        from mlflow.server.fastapi_app import create_fastapi_app

        fastapi = create_fastapi_app(mlflow.server.app)
    found = {(method, rule.rule) for rule in mlflow.server.app.url_map.iter_rules() for method in rule.methods}
    found |= {(method, route.path) for route in fastapi.routes for method in getattr(route, "methods", None) or ()}
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE"}
    return sorted((method, re.sub(r"<[^>]*>|{[^}]*}", "x", path)) for method, path in found if method in methods)


def test_every_server_works_and_says_where(platform):
    rows, works = status.table()
    assert works, "\n".join(rows)
    names = [server.name for server in servers.platform()]
    assert names == ["postgres", "mlflow", "airflow-api", "airflow-dags", "airflow-scheduler"]
    text = "\n".join(status.where_to_look())
    assert airflow.base_url() in text
    assert settings.mlflow_uri() in text
    assert "user=bi_reader" in text
    assert [name for name in SECRETS if settings.secret(name) in text] == []
    assert settings.secret("airflow_admin") in "\n".join(status.where_to_look(with_secrets=True))


@pytest.mark.parametrize("path", ["dags", "pools", "connections", "variables", "dags/~/dagRuns", "eventLogs"])
def test_airflow_tells_a_stranger_nothing(platform, path):
    assert requests.get(f"{airflow.base_url()}/api/v2/{path}", timeout=30).status_code == 401


def test_mlflow_tells_a_stranger_nothing_on_any_route(platform):
    routes = mlflow_routes()
    assert len(routes) > 300
    # The last one tells which features are on, and nothing else.
    is_open = re.compile(r"/(health|static-files/.*|favicon.*|(ajax-)?api/3.0/mlflow/server-info)$")
    with requests.Session() as session:
        answers = {
            (method, path): session.request(method, settings.mlflow_uri() + path, timeout=30).status_code
            for method, path in routes
            if not is_open.match(path)
        }
    assert {route: code for route, code in answers.items() if code not in (401, 403)} == {}


def test_a_wrong_password_is_refused(platform):
    login = {"username": "admin", "password": "wrong"}
    assert requests.post(f"{airflow.base_url()}/auth/token", json=login, timeout=30).status_code == 401
    path = "/api/2.0/mlflow/experiments/search?max_results=1"
    for password, code in (("wrong", 401), ("password1234", 401), (settings.secret("mlflow_user"), 200)):
        login = (settings.MLFLOW_USER, password)
        assert requests.get(settings.mlflow_uri() + path, auth=login, timeout=30).status_code == code


def test_a_page_by_another_host_name_is_refused(platform):
    login = (settings.MLFLOW_USER, settings.secret("mlflow_user"))
    for host, code in (("evil.example", 403), (f"localhost:{settings.ports()['mlflow']}", 200)):
        answer = requests.get(settings.mlflow_uri(), headers={"Host": host}, auth=login, timeout=30)
        assert answer.status_code == code, host


def test_pools_are_there_before_the_first_task(platform):
    pools = {pool["name"]: pool["slots"] for pool in airflow_get("/api/v2/pools").json()["pools"]}
    assert {name: pools.get(name) for name in airflow.POOLS} == {"dbt": 1, "ml": 1, "load": 2}


def test_a_task_runs_in_this_environment_with_its_imports_done(platform):
    runs = f"{airflow.base_url()}/api/v2/dags/look/dagRuns"
    marketer = requests.post(runs, json={"logical_date": None}, headers=bearer("marketer"), timeout=30)
    assert marketer.status_code == 403
    deadline = time.monotonic() + 120
    while (
        answer := requests.post(runs, json={"logical_date": None}, headers=bearer("admin"), timeout=30)
    ).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(1)
    while not (platform / "seen.json").exists():
        assert time.monotonic() < deadline, servers.log_path("airflow-scheduler").read_text()[-3000:]
        time.sleep(0.5)
    venv = airflow.command("airflow-api")[0]
    assert json.loads((platform / "seen.json").read_text()) == {
        "python": venv,
        "state": str(platform),
        "dbt": True,
        "lightgbm": False,
    }
    assert list((platform / "logs" / "airflow").rglob("*look*"))


def test_an_artefact_goes_through_the_server_into_the_state_folder(platform):
    mlflow.set_tracking_uri(settings.mlflow_uri())
    mlflow.set_experiment("here")
    with mlflow.start_run() as run:
        mlflow.log_text("hello", "note.txt")
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt") == "hello"
    (stored,) = (platform / "mlflow" / "artifacts").rglob("note.txt")
    assert stored.read_text() == "hello"


def test_no_secret_is_in_a_process_list_or_a_log(platform):
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert any("mlflow server" in line for line in lines)
    logs = [path for path in (platform / "logs").rglob("*") if path.is_file()]
    assert {"mlflow.log", "airflow-api.log"} <= {path.name for path in logs}
    lines += [path.read_text(errors="replace") for path in logs]
    assert [name for name in SECRETS for line in lines if settings.secret(name) in line] == []


def test_down_leaves_no_process(platform):
    ours = {process.pid for made in processes.find_all() for process in processes.members(made)}
    assert len(ours) > 10
    down()
    assert [pid for pid in ours if processes.birth(pid)] == []
    assert marked(platform) == []


def marked(folder):
    """Processes of this user that carry the state folder in their environment, whoever started them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != psutil.Process().pid and process.environ().get("BANKMART_STATE_DIR") == str(folder):
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return found
