"""The disk under MLflow's artefacts is full: said by name, nothing is registered or promoted, the champion scores."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from datetime import date

import psutil
import pytest

from ml import compare, promote, score, train
from ml.errors import ArtefactsNotKept
from ml.spec import load_spec
from ml.tracking.registry import Training, register_training, training_run
from ml.tracking.server import tracking

TODAY = date(2025, 10, 31)


@contextmanager
def full_disk(server, room=0):
    """The server's processes may write files of so many bytes; its registry is in Postgres, elsewhere."""
    every = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    before = [each.rlimit(resource.RLIMIT_FSIZE) for each in every]
    try:
        for each, (_, hard) in zip(every, before, strict=True):
            each.rlimit(resource.RLIMIT_FSIZE, (room, hard))
        yield
    finally:
        for each, limits in zip(every, before, strict=True):
            each.rlimit(resource.RLIMIT_FSIZE, limits)


def test_nothing_is_registered_or_promoted_and_the_same_again_does_it(bank, registry, mlflow_process):
    bank.training()
    first = train.run("churn", TODAY)["version"]
    assert promote.run("churn", TODAY)["promoted"]
    daily = bank.daily()
    with full_disk(mlflow_process[2]):
        with pytest.raises(ArtefactsNotKept, match="not kept the reports of churn.*artefacts is full.*Make room"):
            train.run("churn", TODAY, again=True)
        assert [one.version for one in registry.search_model_versions("name = 'churn'")] == [first]
        assert score.run("churn", TODAY, daily)["version"] == first
    assert len(bank.scores()) > 500
    experiment = registry.get_experiment_by_name("churn").experiment_id
    (failed,) = registry.search_runs([experiment], "attributes.status = 'FAILED'", max_results=1)
    assert failed.data.tags["verb"] == "train"

    second = train.run("churn", TODAY, again=True)["version"]
    with full_disk(mlflow_process[2]):
        for verb in (compare, promote):
            with pytest.raises(ArtefactsNotKept, match=f"not kept report gate of churn version {second}"):
                verb.run("churn", TODAY)
    assert registry.get_registered_model("churn").aliases["champion"] == first
    assert promote.run("churn", TODAY)["promoted"]
    assert registry.get_registered_model("churn").aliases == {"champion": second}


def test_a_model_that_fits_in_part_is_a_failed_one(registry, mlflow_process):
    class Large:
        def save(self, folder, example):
            folder.mkdir()
            (folder / "small.json").write_text("{}")
            (folder / "model.lgb").write_text("tree " * 100_000)

    left = Training({}, {}, {"model_card.md": "a card"}, {}, {}, {"content_hash": "0"}, {})
    spec = load_spec("churn")
    with (
        full_disk(mlflow_process[2], 100_000),
        pytest.raises(ArtefactsNotKept, match="the files of the churn model"),
        tracking(),
        training_run(spec, {"as_of": TODAY.isoformat()}) as run,
    ):
        register_training(spec, Large(), {}, left)
    made = registry.search_logged_models([registry.get_run(run).info.experiment_id], f"source_run_id = '{run}'")
    assert [one.status for one in made] == ["FAILED"]
    assert registry.search_model_versions("name = 'churn'") == []
