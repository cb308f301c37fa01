"""Run by test_dags.py in a process of its own: reads the DAG files as Airflow does and prints what it found as JSON.

An audit hook watches what happens while a DAG file runs: connections, other processes, files that are no code.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Asset

CODE = (".py", ".pyc", ".so")
FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen", "os.system", "os.exec")
HEAVY = ("bankmart.db", "bankmart.dbt", "dbt", "lightgbm", "ml", "mlflow", "numpy", "pandas", "psycopg2", "pyarrow")


def main(folder: Path) -> dict[str, Any]:
    """What Airflow makes of the folder, and what the files did while they were read."""
    did: list[str] = []
    watched: list[bool] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not watched:
            return
        opened = event == "open" and isinstance(arguments[0], str) and not arguments[0].endswith(CODE)
        if opened or event in FORBIDDEN:
            did.append(f"{event} {arguments[0]}")

    # What Airflow itself needs is loaded first: only the files' own doings count.
    from airflow.providers.standard.decorators import python, sensor, short_circuit  # noqa: F401

    import bankmart.steps  # noqa: F401

    bag = DagBag(str(folder))
    sys.addaudithook(hook)
    files = {}
    for path in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"read_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        did.clear()
        started = time.perf_counter()
        watched.append(True)
        spec.loader.exec_module(module)
        watched.clear()
        seconds = time.perf_counter() - started
        files[path.stem] = {"seconds": seconds, "did": list(did)}
    return {
        "errors": bag.import_errors,
        "files": files,
        "heavy": sorted(set(HEAVY) & set(sys.modules)),
        "dags": {dag_id: described(dag) for dag_id, dag in sorted(bag.dags.items())},
    }


def described(dag: DAG) -> dict[str, Any]:
    """A DAG's properties, tasks and edges."""
    condition = getattr(dag.timetable, "asset_condition", None)
    assets = getattr(condition, "objects", [condition] if condition else [])
    return {
        "file": Path(dag.fileloc).name,
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "schedule": type(dag.timetable).__name__,
        "reads": sorted(asset.name for asset in assets),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "deadlines": len(dag.deadline or ()),
        "params": {name: dag.params.get_param(name).schema for name in dag.params},
        "tasks": {task.task_id: task_of(task) for task in sorted(dag.tasks, key=lambda task: task.task_id)},
        "edges": sorted(f"{task.task_id} > {after}" for task in dag.tasks for after in task.downstream_task_ids),
    }


def task_of(task: Any) -> dict[str, Any]:
    """What matters of a task."""
    return {
        "operator": task.task_type,
        "owner": task.owner,
        "retries": task.retries,
        "pool": task.pool,
        "queue": task.queue,
        "group": getattr(task.task_group, "group_id", None),
        "tells": [each.__qualname__ for each in task.on_failure_callback],
        "mode": getattr(task, "mode", None),
        "trigger_rule": task.trigger_rule.value,
        "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
        "writes": sorted(outlet.name for outlet in task.outlets if isinstance(outlet, Asset)),
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[1]))))
