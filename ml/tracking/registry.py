"""The model registry: what a training leaves there, and how a version is found, loaded and named."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException, RestException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from bankmart import faults, settings
from ml.errors import ArtefactsNotKept, ModelError
from ml.spec import Spec
from ml.techniques import technique
from ml.tracking import package, signature
from ml.tracking.server import keeping

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHAMPION, CHALLENGER = "champion", "challenger"
HASHES_TAG = "files_sha256"
SYSTEM_METRICS_SECONDS = 1


@dataclass(frozen=True)
class Version:
    """A registered version: its number, the run that made it and the tags it was registered with."""

    model: str
    number: str
    run_id: str
    tags: dict[str, str]


@dataclass(frozen=True)
class Training:
    """What a training leaves in its run besides the model."""

    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    texts: Mapping[str, str]
    documents: Mapping[str, Any]
    figures: Mapping[str, Figure]
    dataset: Mapping[str, Any]
    tags: Mapping[str, str]


@contextmanager
def training_run(spec: Spec, tags: Mapping[str, str]) -> Iterator[str]:
    """The run that a training lies in, with the machine's load beside it; yields its id. Fails with the training."""
    mlflow.set_experiment(spec.name)
    # The UI opens an experiment of this kind among model trainings, not among prompts and traces.
    mlflow.set_experiment_tags({"mlflow.experimentKind": "custom_model_development"})
    mlflow.set_system_metrics_sampling_interval(SYSTEM_METRICS_SECONDS)
    named = {"verb": "train", **tags}
    with mlflow.start_run(run_name=f"train {tags['as_of']}", tags=named, log_system_metrics=True) as run:
        faults.point("train.opened")
        yield str(run.info.run_id)


def log_trials(metric: str, trials: Iterable[Any]) -> None:
    """Trials (Optuna's, or like them) as children of the run that is open, with what they tried; without a run nothing.

    A pruned or failed trial is a child too: what was tried and dropped is part of the answer.
    """
    parent = mlflow.active_run()
    if parent is None:
        return
    client = mlflow.MlflowClient()
    for trial in trials:
        tags = {MLFLOW_PARENT_RUN_ID: parent.info.run_id, "verb": "tune", "state": trial.state.name.lower()}
        child = client.create_run(parent.info.experiment_id, tags=tags, run_name=f"trial {trial.number}").info.run_id
        told = {} if trial.value is None else {metric: trial.value, **getattr(trial, "metrics", {})}
        metrics = [Metric(name, float(value), 0, 0) for name, value in told.items()]
        params = [Param(name, str(value)) for name, value in trial.params.items()]
        client.log_batch(child, metrics=metrics, params=params)
        client.set_terminated(child, "FAILED" if trial.state.name == "FAIL" else "FINISHED")


def register_training(spec: Spec, model: Any, example: dict[str, Any], left: Training) -> Version:
    """Log a finished training into the run that is open and register its model as a new version, without an alias.

    The version comes last: one that is there is complete. Raises ArtefactRefused where the files aren't safe.
    """
    client = mlflow.MlflowClient()
    run = mlflow.active_run()
    with tempfile.TemporaryDirectory() as scratch:
        mlflow.set_tags(dict(left.tags))
        folder = Path(scratch) / "model"
        model.save(folder, example)
        package.refuse_unsafe(folder)
        files = package.hashes(folder)
        dataset = MetaDataset(
            CodeDatasetSource({key: str(value) for key, value in left.dataset.items()}),
            name=f"{spec.name} training set",
            digest=str(left.dataset["content_hash"])[:32],
        )
        mlflow.log_input(dataset, context="training")
        mlflow.log_params(dict(left.params))
        with keeping(f"the reports of {spec.name}"):
            for name, text in left.texts.items():
                mlflow.log_text(text, name)
            for name, document in left.documents.items():
                mlflow.log_dict(document, name)
            for name, figure in left.figures.items():
                mlflow.log_figure(figure, name)
        logged = mlflow.initialize_logged_model(
            name=spec.name,
            source_run_id=run.info.run_id,
            model_type=spec.technique,
            params={key: str(value) for key, value in left.params.items()},
            tags=dict(left.tags),
        )
        with _failing(logged.model_id), keeping(f"the files of the {spec.name} model"):
            client.log_model_artifacts(logged.model_id, str(folder))
        mlflow.finalize_logged_model(logged.model_id, "READY")
        mlflow.log_metrics(dict(left.metrics), model_id=logged.model_id, dataset=dataset)
        ensure_registered(client, spec)
        faults.point("train.kept")
        made = client.create_model_version(
            spec.name,
            f"models:/{logged.model_id}",
            run_id=run.info.run_id,
            model_id=logged.model_id,
            tags={**left.tags, HASHES_TAG: json.dumps(files)},
        )
    faults.point("train.registered")
    return _version(made)


@contextmanager
def _failing(model_id: str) -> Iterator[None]:
    """A model whose files are not all there is not left behind as one that is still being made."""
    try:
        yield
    except ArtefactsNotKept:
        mlflow.finalize_logged_model(model_id, "FAILED")
        raise


def find_version(model: str, **tags: str) -> Version | None:
    """The newest version whose tags have all these values."""
    wanted = "".join(f" and tags.`{key}` = '{value}'" for key, value in tags.items())
    found = mlflow.MlflowClient().search_model_versions(f"name = '{model}'{wanted}")
    return _version(max(found, key=lambda one: int(one.version))) if found else None


def get_version(model: str, number: int) -> Version:
    """A version by its number. Raises ModelError where there is none."""
    try:
        return _version(mlflow.MlflowClient().get_model_version(model, str(number)))
    except RestException as error:
        if _is_absent(error):
            raise ModelError(f"There is no version {number} of {model}.") from error
        raise


def by_alias(model: str, alias: str = CHAMPION) -> Version | None:
    """The version that holds the alias, or None."""
    try:
        return _version(mlflow.MlflowClient().get_model_version_by_alias(model, alias))
    except RestException as error:
        if not _is_absent(error):
            raise
        return None


def replaced(champion: Version) -> Version | None:
    """The version that was champion before this one was promoted, or None."""
    number = champion.tags.get("replaced", "none")
    return None if number == "none" else get_version(champion.model, int(number))


def load(spec: Spec, version: Version) -> Any:
    """The version's model, its files checked against the hashes it was registered with.

    `signed` is what its signature promises to be given. Raises ArtefactRefused where the files are gone, damaged or of
    a kind that could run code, or where the model reads what isn't signed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        try:
            mlflow.artifacts.download_artifacts(f"models:/{version.model}/{version.number}", dst_path=scratch)
        except (RestException, OSError) as error:
            if isinstance(error, RestException) and not _is_absent(error):
                raise
        what = f"{version.model} version {version.number}"
        package.verify(folder, version.tags.get(HASHES_TAG), what)
        loaded = technique(spec.technique).load(folder)
        loaded.signed = signature.inputs(folder)
        signature.refuse_unsigned(spec, loaded.features, loaded.signed, what)
        return loaded


def name_champion(version: Version, approved_by: str) -> None:
    """Make the version the champion, in one call; a challenger alias it held goes. Who and when become tags."""
    client = mlflow.MlflowClient()
    earlier = by_alias(version.model)
    tags = {"replaced": earlier.number if earlier else "none", "approved_by": approved_by, "approved_at": now()}
    for name, value in tags.items():
        client.set_model_version_tag(version.model, version.number, name, value)
    faults.point("promote.tagged")
    client.set_registered_model_alias(version.model, CHAMPION, version.number)
    challenger = by_alias(version.model, CHALLENGER)
    if challenger and challenger.number == version.number:
        client.delete_registered_model_alias(version.model, CHALLENGER)


def name_challenger(version: Version) -> None:
    """Make the version the challenger."""
    mlflow.MlflowClient().set_registered_model_alias(version.model, CHALLENGER, version.number)


def log_evaluation(
    version: Version, as_of: date, by_date: Mapping[str, Mapping[str, float]], documents: Mapping[str, Any]
) -> str:
    """A run of its own for a later judgement of a version; a step per as-of date. Returns the run's id."""
    mlflow.set_experiment(version.model)
    tags = {"verb": "evaluate", "version": version.number, "as_of": as_of.isoformat()}
    with mlflow.start_run(run_name=f"evaluate v{version.number} {as_of}", tags=tags) as run:
        for step, (_, metrics) in enumerate(sorted(by_date.items())):
            mlflow.log_metrics(dict(metrics), step=step)
        with keeping(f"the evaluation of {version.model} version {version.number}"):
            for name, document in documents.items():
                mlflow.log_dict(document, name)
    return str(run.info.run_id)


def run_url(version: Version) -> str:
    """The page of the run that made the version."""
    experiment = mlflow.MlflowClient().get_run(version.run_id).info.experiment_id
    return f"{settings.mlflow_uri()}/#/experiments/{experiment}/runs/{version.run_id}"


def read_report(version: Version, name: str) -> dict[str, Any] | None:
    """What `add_report` left, or None."""
    client = mlflow.MlflowClient()
    if f"{name}.json" not in {item.path for item in client.list_artifacts(version.run_id)}:
        return None
    return dict(mlflow.artifacts.load_dict(f"runs:/{version.run_id}/{name}.json"))


def add_report(version: Version, name: str, text: str, document: Any) -> None:
    """Add a report to the run that made the version, as Markdown and JSON."""
    client = mlflow.MlflowClient()
    with keeping(f"report {name} of {version.model} version {version.number}"):
        client.log_text(version.run_id, text, f"{name}.md")
        client.log_dict(version.run_id, document, f"{name}.json")


def log_drift(version: Version, as_of: date, found: Any, text: str) -> None:
    """Keep a scoring date's drift in the run that made the version: the report, and its figures by date."""
    add_report(version, f"drift/{as_of}", text, found.as_dict())
    client = mlflow.MlflowClient()
    client.log_metric(version.run_id, "drift_score_psi", found.shifts[0].psi, step=as_of.toordinal())
    client.set_model_version_tag(version.model, version.number, "drift", f"{found.verdict} on {as_of}")


def ensure_registered(client: mlflow.MlflowClient, spec: Spec) -> None:
    """Make the model's entry, where there is none yet."""
    try:
        client.create_registered_model(spec.name, tags={"owner": spec.owner}, description=spec.question)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def now() -> str:
    """This moment, to the second, as tags say it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _is_absent(error: RestException) -> bool:
    # A missing alias of a model that is there comes as INVALID_PARAMETER_VALUE.
    text = str(error)
    return error.error_code == "RESOURCE_DOES_NOT_EXIST" or ("alias" in text and "not found" in text)


def _version(found: Any) -> Version:
    return Version(found.name, str(found.version), found.run_id, dict(found.tags))
