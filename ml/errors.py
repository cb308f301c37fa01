"""What can go wrong with a model, each with a message that says what happened, what it means, what to do."""

from __future__ import annotations

from typing import Any

from bankmart.errors import BankmartError


class ModelError(BankmartError):
    """Any reason for which a verb stopped; nothing was written or promoted."""


class DataPrerequisite(ModelError):
    """The bank hasn't the data (yet) that the model needs: the model is skipped, the run stays green.

    `report` says which tables, how many positives and how long a history are needed and there.
    """

    def __init__(self, reason: str, report: dict[str, Any]) -> None:
        """A sentence, and the figures behind it."""
        super().__init__(reason)
        self.report = report


class DataError(ModelError):
    """The data are there and wrong: a missing or non-numeric column, an infinite value, an unknown build."""


class LeakageFound(ModelError):
    """A feature knows what it can't have known on its as-of date."""


class ArtefactRefused(ModelError):
    """A model's files are missing, damaged, tampered with or of a kind that runs code when loaded."""


class TrackingUnavailable(ModelError):
    """The MLflow server didn't answer after the retries."""


class ArtefactsNotKept(TrackingUnavailable):
    """The MLflow server answers, but can't write files: its disk is full, or its folder isn't its own."""
