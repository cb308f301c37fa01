"""What a training's run holds: plots, the git revision, a model with signature and example, and its trials."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path

import mlflow
import optuna
import pytest
from mlflow.models import Model

from bankmart import settings
from ml import train
from ml.spec import load_spec
from ml.techniques import boosting

TODAY = date(2025, 10, 31)


class _AllButTheFirst(optuna.pruners.BasePruner):
    """Gives up every trial but the spec's own parameters."""

    def prune(self, study, trial):
        return trial.number > 0


@pytest.fixture
def made(bank, registry, monkeypatch):
    """A training whose every further trial is pruned."""
    monkeypatch.setattr(boosting, "TUNING_POSITIVES", 1)
    monkeypatch.setattr(optuna.pruners, "MedianPruner", lambda **_: _AllButTheFirst())
    bank.training()
    return train.run("churn", TODAY)


def test_a_run_holds_its_plots_its_revision_its_model_and_its_trials(made, registry):
    run, spec = registry.get_run(made["run_id"]), load_spec("churn")

    folder = Path(registry.download_artifacts(made["run_id"], ""))
    for name in ("lift.png", "cost.png", "gain.png", "reliability.png", "shap.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG"), name
        assert (folder / name).stat().st_size > 5000, name
    assert "capacity" in json.loads((folder / "judgement.json").read_text())["cost"]

    head = subprocess.run(["git", "-C", str(settings.ROOT), "rev-parse", "HEAD"], capture_output=True, text=True)
    revision = run.data.tags["revision"]
    assert revision.removesuffix("+") == head.stdout.strip()
    version = registry.get_model_version("churn", made["version"])
    assert version.tags["revision"] == revision
    assert version.tags["spec_hash"] == spec.hash()

    logged = registry.get_logged_model(version.source.removeprefix("models:/"))
    assert logged.status == "READY"
    assert logged.source_run_id == made["run_id"]
    model = Model.load(mlflow.artifacts.download_artifacts(version.source))
    features = json.loads((folder / "facts.json").read_text())["features"]
    assert model.signature.inputs.input_names() == features
    assert [kind.name for kind in model.signature.inputs.input_types()] == ["double"] * len(features)
    assert [kind.name for kind in model.signature.outputs.input_types()] == ["double"]
    example = json.loads((Path(mlflow.artifacts.download_artifacts(version.source)) / "input_example.json").read_text())
    assert example["columns"] == features
    assert len(example["data"]) == 1

    trials = registry.search_runs(
        [run.info.experiment_id], f"tags.mlflow.parentRunId = '{made['run_id']}'", order_by=["attributes.start_time"]
    )
    assert len(trials) == spec.params["trials"] + 1
    first, *others = sorted(trials, key=lambda one: one.data.tags["state"])
    assert (first.data.tags["state"], first.data.params) == ("complete", {})
    assert first.data.metrics.keys() == {"stop_log_loss"}
    assert {one.data.tags["state"] for one in others} == {"pruned"}
    assert all({"num_leaves", "learning_rate"} <= one.data.params.keys() for one in others)
    tuning = json.loads((folder / "facts.json").read_text())["tuning"]
    assert (tuning["params"], tuning["reason"]) == ({}, "no trial was better than the spec's parameters")
