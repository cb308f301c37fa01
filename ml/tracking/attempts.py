"""What became of trainings that left no version: those that were skipped, and whether there was any."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import mlflow

from ml.spec import Spec
from ml.tracking.server import keeping


def log_skip(spec: Spec, as_of: date, reason: str, report: Mapping[str, Any]) -> None:
    """A run that says why nothing was trained, with what is needed and there."""
    mlflow.set_experiment(spec.name)
    tags = {"verb": "train", "as_of": as_of.isoformat(), "skipped": reason}
    with mlflow.start_run(run_name=f"skipped {as_of}", tags=tags), keeping(f"why {spec.name} is skipped"):
        mlflow.log_dict(dict(report), "prerequisite.json")


def was_tried(model: str) -> bool:
    """Whether a training was ever run, to its end or skipped."""
    return _newest_training(model) is not None


def skipped(model: str) -> str | None:
    """Why the newest training was skipped, where it was."""
    newest = _newest_training(model)
    return newest.data.tags.get("skipped") if newest else None


def _newest_training(model: str) -> Any:
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(model)
    if experiment is None:
        return None
    query = "tags.verb = 'train' and attributes.status = 'FINISHED'"
    found = client.search_runs([experiment.experiment_id], query, max_results=1, order_by=["start_time DESC"])
    return found[0] if found else None
