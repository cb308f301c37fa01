"""The MLflow server: reached with bounded patience, and its errors said in our words."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from bankmart import settings
from ml.errors import ArtefactsNotKept, TrackingUnavailable

_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Else the names of this process's environment variables go into every logged model.
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
}


@contextmanager
def tracking() -> Iterator[None]:
    """Inside, MLflow is set up and answers. Raises TrackingUnavailable where it doesn't, after retries."""
    settings.apply_environment()
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    at = settings.mlflow_uri()
    mlflow.set_tracking_uri(at)
    try:
        mlflow.MlflowClient().search_experiments(max_results=1)
        yield
    except (MlflowException, RequestException) as error:
        raise TrackingUnavailable(
            f"The MLflow server at {at} {_said(error)} Nothing was promoted. Look at its log,"
            " start it (`make up`) and run the same command again."
        ) from error


@contextmanager
def keeping(what: str) -> Iterator[None]:
    """Around files that are given to the server: raises ArtefactsNotKept where it can't write them, but answers."""
    import mlflow
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    try:
        yield
    except (MlflowException, RequestException) as error:
        # One that is away, or lets us wait, is another matter: this raises what `tracking` says then.
        if _is_slow(error):
            raise
        mlflow.MlflowClient().search_experiments(max_results=1)
        raise ArtefactsNotKept(
            f"The MLflow server at {settings.mlflow_uri()} answers, but has not kept {what}: {str(error)[:300]} Most"
            " likely the disk under its artefacts is full, or the folder can't be written (its log says which; of the"
            " embedded server it is mlflow/artifacts in the state folder). Nothing was registered or promoted, the"
            " last champion goes on scoring. Make room there and run the same command again."
        ) from error


def _is_slow(error: Exception) -> bool:
    return "timed out" in str(error)


def _said(error: Exception) -> str:
    if not _is_slow(error):
        return f"failed: {str(error)[:300]}"
    seconds, more = (os.environ[f"MLFLOW_HTTP_REQUEST_{name}"] for name in ("TIMEOUT", "MAX_RETRIES"))
    return (
        f"did not answer within {seconds} s, nor when it was asked {more} more times: it hangs, or has too much to do"
        f" ({str(error)[:200]})."
    )


def revision() -> str:
    """The checkout's git revision, with + where files are changed; `unknown` outside a checkout."""
    command = [
        "git",
        "-C",
        str(settings.ROOT),
        "describe",
        "--always",
        "--abbrev=40",
        "--dirty=+",
        "--match=",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or os.environ.get("BANKMART_REVISION") or "unknown"
