"""The DAG files as Airflow reads them: light, documented, with the graph that was agreed on."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bankmart import settings
from bankmart.sources import contract

HERE = Path(__file__).parent
SNAPSHOT = HERE / "snapshot.json"
FILES = sorted((settings.ROOT / "dags").glob("*.py"))
# Gates are never retried, and these do nothing that could go right the second time.
MARKERS = {"ingest_daily.sources", "score_daily.begin"}
# What a DAG file may need to say when and with what a run goes.
IMPORTS = {"__future__", "datetime", "airflow.sdk", "bankmart"}


@pytest.fixture(scope="session")
def read(environment, tmp_path_factory):
    command = [sys.executable, str(HERE / "read_dags.py"), str(settings.ROOT / "dags")]
    home = tmp_path_factory.mktemp("airflow")
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def dag(path, read):
    return read["dags"][path.stem]


def test_every_file_imports_and_is_one_dag_of_its_name(read):
    assert read["errors"] == {}
    assert {name: dag["file"] for name, dag in read["dags"].items()} == {path.stem: path.name for path in FILES}
    for name, file in read["files"].items():
        print(f"{name} parsed in {file['seconds'] * 1000:.0f} ms")


def test_reading_a_file_touches_nothing(path, read):
    assert read["files"][path.stem]["did"] == []


def test_reading_the_files_loads_nothing_heavy(read):
    assert read["heavy"] == []


def test_the_watch_sees_what_it_is_for(environment, tmp_path):
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "greedy.py").write_text(
        "import socket, sqlite3, pathlib\n"
        "from airflow.sdk import DAG, Variable\n"
        "import numpy\n"
        f"pathlib.Path({str(tmp_path / 'list.csv')!r}).write_text('a')\n"
        "sqlite3.connect(':memory:')\n"
        "with socket.socket() as s: s.connect_ex(('127.0.0.1', 9))\n"
        "with DAG('greedy'): pass\n"
    )
    command = [sys.executable, str(HERE / "read_dags.py"), str(folder)]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)
    read = json.loads(done.stdout.splitlines()[-1])
    events = {line.split()[0] for line in read["files"]["greedy"]["did"]}
    assert {"open", "sqlite3.connect", "socket.connect"} <= events
    assert "numpy" in read["heavy"]


def test_a_file_says_what_and_not_how(path):
    module = ast.parse(path.read_text(encoding="utf-8"))
    docstring, *rest = module.body
    assert isinstance(docstring, ast.Expr)
    *imports, block = rest
    assert all(isinstance(line, (ast.Import, ast.ImportFrom)) for line in imports)
    assert {line.module for line in imports} <= IMPORTS
    assert isinstance(block, ast.With)
    assert ast.unparse(block.items[0].context_expr.func) == "DAG"
    allowed = (ast.Assign, ast.Expr, ast.For, ast.With)
    assert [ast.unparse(line) for line in ast.walk(block) if isinstance(line, ast.stmt) and line is not block
            and not isinstance(line, allowed)] == []  # fmt: skip
    boxes = [line.items for line in ast.walk(block) if isinstance(line, ast.With) and line is not block]
    assert {ast.unparse(item.context_expr.func) for items in boxes for item in items} <= {"steps.beside"}
    calls = {ast.unparse(call.func) for line in block.body for call in ast.walk(line) if isinstance(call, ast.Call)}
    assert [call for call in calls if not call.startswith("steps.")] == []


def test_a_file_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80


def test_the_docstring_is_the_operators_page(path, dag):
    for part in (f"# {path.stem}: ", "**Reads**", "**Writes**", "**Normal duration**", "## Triage", "runbook"):
        assert part in dag["doc"]
    assert len(re.findall(r"^- \*.+\*: ", dag["doc"], flags=re.MULTILINE)) >= 2


def test_a_run_has_an_owner_a_limit_and_a_form(dag):
    assert dag["tags"] != []
    assert 1 <= dag["max_active_runs"] <= 16
    assert dag["catchup"] is False
    assert dag["deadlines"] == 1
    assert dag["params"]["business_date"]["format"] == "date"
    assert "null" in dag["params"]["business_date"]["type"]
    for task in dag["tasks"].values():
        assert task["owner"] in ("data-platform", "data-science")
        assert task["timeout"]
        assert task["tells"] == ["told"]


def test_gates_are_not_retried_and_everything_else_is(path, dag):
    for name, task in dag["tasks"].items():
        never = name.startswith("gate_") or f"{path.stem}.{name}" in MARKERS
        assert (task["retries"] == 0) is never, name


def test_a_gate_is_in_one_box_with_the_step_that_it_guards(path, dag):
    groups = {name: task["group"] for name, task in dag["tasks"].items()}
    guarded = [name for name in groups if name.startswith("gate_")]
    assert all(groups[name] and groups[name] == groups[name.replace("gate_", "dbt_")] for name in guarded)
    assert len({groups[name] for name in guarded}) == len(guarded)
    for name, group in groups.items():
        if path.stem == "train_monthly" and name.startswith(("train_", "approve_", "promote_")):
            assert group == name.partition("_")[2]
        if path.stem == "governance_daily" and name not in ("send_notices", "scrub"):
            assert group in ("protection", "people", "quality")


def test_waiting_holds_no_slot(dag):
    modes = {task["mode"] for task in dag["tasks"].values() if "Sensor" in task["operator"]}
    assert modes <= {"reschedule"}


def test_heavy_tasks_go_through_their_pool(dag):
    pools = {"dbt_": "dbt", "ingest_": "load", "train_": "ml", "score_": "ml", "promote_": "ml", "evaluate": "ml"}
    for name, task in dag["tasks"].items():
        for prefix, pool in pools.items():
            if name.startswith(prefix):
                assert task["pool"] == pool, name


def test_a_gate_stands_behind_every_layer_that_is_built(dag):
    built = {name.removeprefix("dbt_") for name in dag["tasks"] if name.startswith("dbt_")}
    assert {f"dbt_{layer} > gate_{layer}" for layer in built} <= set(dag["edges"])


def test_the_graph_is_the_one_that_was_agreed_on(read, request):
    graph = {}
    for name, dag in read["dags"].items():
        tasks = {task_id: task_line(task) for task_id, task in dag["tasks"].items()}
        graph[name] = {"schedule": dag["schedule"], "reads": dag["reads"], "tasks": tasks, "edges": dag["edges"]}
    if request.config.getoption("--write-snapshot", default=False):
        SNAPSHOT.write_text(json.dumps(graph, indent=2) + "\n")
    agreed = json.loads(SNAPSHOT.read_text())
    assert graph == agreed, "the graph has changed; is that meant? `pytest tests/dags --write-snapshot` accepts it"


def task_line(task):
    line = f"{task['operator']}, pool {task['pool']}, {task['retries']} retries, {task['trigger_rule']}"
    return line + (f", writes {', '.join(task['writes'])}" if task["writes"] else "")


IN_A_STEP = """
import json, sys
from types import SimpleNamespace
from bankmart import steps
from bankmart.governance import build
from airflow.sdk.exceptions import AirflowFailException
cases = [
    ({"business_date": "2026-10-31"}, None),
    ({"business_date": "2026-10-31"}, "2026-01-01"),
    ({}, "2026-10-30"),
    ({"business_date": None}, "2026-10-30"),
    ({"business_date": None}, None),
]
said = []
for params, key in cases:
    try:
        said.append(steps.business_date({"params": params, "partition_key": key}).isoformat())
    except AirflowFailException as error:
        said.append(str(error))
print(json.dumps({"dates": said, "systems": steps.SYSTEMS, "layers": steps.MART_LAYERS, "all": build.LAYERS}))
"""


@pytest.fixture(scope="session")
def steps(environment, tmp_path_factory):
    # In a process of its own: Airflow makes files in its home when it is imported.
    command = [sys.executable, "-c", IN_A_STEP]
    home = tmp_path_factory.mktemp("airflow")
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_systems_are_those_of_the_contract_in_its_order(steps):
    assert steps["systems"] == list(contract.load())


def test_the_layers_are_those_of_a_build(steps):
    assert [*steps["layers"], "profile"] == steps["all"]


def test_a_run_has_a_business_date_or_says_what_to_do(steps):
    by_form, form_wins, by_key, empty_form, none = steps["dates"]
    assert by_form == form_wins == "2026-10-31"
    assert by_key == empty_form == "2026-10-30"
    assert "no business date: fill in the form's field" in none
