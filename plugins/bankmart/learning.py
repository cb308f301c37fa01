"""The steps of the models: score, due, evaluate, train, approve, promote. Part of `steps`."""

from __future__ import annotations

import importlib
import pkgutil
from datetime import date, timedelta
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from bankmart import settings
from bankmart.approval import ModelApproval, responder
from bankmart.runs import RETRY, business_date, say

# The modules of ml/models; a model that comes or goes changes the DAGs.
MODELS = tuple(sorted(found.name for found in pkgutil.iter_modules([str(settings.ROOT / "ml" / "models")])))
# How long a version waits for a person's word.
APPROVAL_PATIENCE = timedelta(days=3)


def score(model: str, build_id: Any) -> Any:
    """The date's scores by the champion, and in the shadow by the challenger, which stops nothing."""

    @task(task_id=f"score_{model}", pool="ml", queue="ml", **RETRY)
    def run(build: int, **context: Any) -> dict[str, Any]:
        day = business_date(context)
        result = _verb("score", model, day, build_id=build)
        try:
            shadow = _verb("score", model, day, build_id=build, alias="challenger")
        except AirflowFailException as error:
            shadow = {"skipped": str(error)}
            say(f"the challenger is not scored: {error}")
        return {"champion": result, "challenger": shadow}

    return run(build_id)


def due() -> Any:
    """The models to train: all at a month's end or on a run started by hand, else those never tried. None: stop."""

    @task.short_circuit(task_id="due", queue="ml", **RETRY)
    def run(**context: Any) -> list[str]:
        from ml.train import due as due_models

        if context["params"].get("business_date"):
            return list(MODELS)
        return due_models(MODELS, business_date(context))

    return run()


def evaluate(build_id: Any, models: Any) -> Any:
    """The champions of the due models, judged again on what has become known; one that is worse is told to people."""

    @task(task_id="evaluate", pool="ml", queue="ml", **RETRY)
    def run(build: int, due_models: list[str], **context: Any) -> dict[str, str]:
        from ml.errors import ModelError, TrackingUnavailable
        from ml.evaluate import run_all

        try:
            return run_all(due_models, business_date(context), build)
        except TrackingUnavailable:
            raise
        except ModelError as error:
            raise AirflowFailException(str(error)) from error

    return run(build_id, models)


def train(model: str, build_id: Any, models: Any) -> Any:
    """Train and judge, score in the shadow, then compare with the champion. Skipped with the reason."""

    @task(task_id=f"train_{model}", pool="ml", queue="ml", **RETRY)
    def run(build: int, due_models: list[str], **context: Any) -> dict[str, Any]:
        if model not in due_models:
            raise AirflowSkipException(f"{model} is not due")
        day = business_date(context)
        trained = _verb("train", model, day, build_id=build)
        if reason := trained.get("skipped"):
            raise AirflowSkipException(reason)
        version = int(trained["version"])
        _verb("shadow", model, day, version=version)
        return _verb("compare", model, day, version=version)

    return run(build_id, models)


def approve(model: str, trained: Any, patience: timedelta = APPROVAL_PATIENCE) -> Any:
    """Ask a person whether the version may become the champion; no answer in time is a no."""
    asked = ModelApproval(
        task_id=f"approve_{model}", model=model, train_task=f"train_{model}", response_timeout=patience, **RETRY
    )
    trained >> asked
    return asked


def promote(model: str, trained: Any, approved: Any) -> Any:
    """Make the version the champion, in the name of who approved it."""

    @task(task_id=f"promote_{model}", pool="ml", queue="ml", **RETRY)
    def run(verdict: dict[str, Any], answer: dict[str, Any], **context: Any) -> dict[str, Any]:
        person = responder(answer)
        if answer["chosen_options"] != ["Approve"] or not person:
            raise AirflowFailException(f"{model} is not promoted: no person has approved it")
        return _verb(
            "promote",
            model,
            business_date(context),
            version=int(verdict["version"]),
            approved_by=person,
        )

    return run(trained, approved.output)


def _verb(verb: str, model: str, day: date, **given: Any) -> dict[str, Any]:
    """One verb of one model, as `python -m ml VERB MODEL --as-of DATE`."""
    from ml.errors import ModelError, TrackingUnavailable

    settings.apply_environment()
    try:
        result: dict[str, Any] = importlib.import_module(f"ml.{verb}").run(model, day, **given)
    except TrackingUnavailable:
        raise
    except ModelError as error:
        raise AirflowFailException(str(error)) from error
    if reason := result.get("skipped"):
        say(f"skipped: {reason}")
    return result
