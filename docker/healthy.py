"""Health of one server, for compose: `healthy.py COMPONENT` ends with 0, or with 1 and a reason.

Kept light, as it runs every 30 s: `airflow jobs check` would take 4-7 s of a core each time.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

EXECUTION_API = os.environ.get("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "http://localhost:8080/execution/")
AIRFLOW = EXECUTION_API.removesuffix("execution/")
MLFLOW = f"http://localhost:{os.environ.get('MLFLOW_PORT', '5000')}/health"
SECONDS = 10


def main(component: str) -> str | None:
    """Why a component is ill, None where it is well.

    Components: metadatabase, scheduler, dag_processor, triggerer, worker, mlflow.
    """
    try:
        if component == "worker":
            return worker()
        if component == "mlflow":
            with urlopen(MLFLOW, timeout=SECONDS) as answer:
                return None if answer.read() == b"OK" else "MLflow does not answer OK"
        # Airflow's public health page says for each component whether its heartbeat is fresh.
        with urlopen(f"{AIRFLOW}api/v2/monitor/health", timeout=SECONDS) as answer:
            status = json.load(answer)[component]["status"]
    except (URLError, OSError, KeyError, ValueError) as error:
        return f"{component}: {error!r}"
    return None if status == "healthy" else f"{component} is {status}"


def worker() -> str | None:
    """Whether this container's Celery worker answers through the queue."""
    from celery import Celery

    broker = Path(os.environ["BANKMART_STATE_DIR"], "secrets", "broker_url").read_text(encoding="utf-8")
    name = f"celery@{socket.gethostname()}"
    with Celery(broker=broker) as app:
        answers = app.control.ping(destination=[name], timeout=SECONDS / 2, limit=1)
    return None if answers else f"{name} does not answer"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
