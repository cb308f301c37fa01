"""What is done to models, in the audit chain: promotions and their taking back, and scoring that was refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from bankmart import db
from bankmart.governance import audit, notices
from ml.errors import ArtefactRefused, DataError

if TYPE_CHECKING:
    from ml.tracking.registry import Version
    from ml.tracking.taking_back import Intention


@contextmanager
def alone(model: str) -> Iterator[None]:
    """Nobody else moves this model's aliases meanwhile: who wants to waits."""
    with db.connect("scorer") as link, link.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"bankmart promote {model}",))
        yield


def promoting(version: Version, by: str) -> None:
    """Say that the version is about to become the champion, before it does."""
    audit.attempt("scorer", "promote", by, _named(version), {"run_id": version.run_id})


def promoted(version: Version) -> None:
    """Say once that the version became the champion, who approved it and when, as its tags say.

    Asked again (a task that was killed between the two), it says nothing new. Raises psycopg2.OperationalError where
    the warehouse is away: the promotion stands, and the same again writes it down.
    """
    facts = {
        "run_id": version.run_id,
        "replaced": version.tags.get("replaced"),
        "approved_at": version.tags.get("approved_at"),
    }
    with db.connect("scorer") as link:
        audit.append_once(link, "promote", version.tags.get("approved_by", "unknown"), _named(version), facts)


def taking_back(champion: Version, target: Version | None, by: str) -> None:
    """Say that the champion is about to be taken back, before it is: nothing goes without a word."""
    audit.attempt("scorer", "take_back", by, _named(champion), {"champion_from_now": target.number if target else None})


def taken_back(act: Intention) -> None:
    """Say once that the version was taken back. Asked again (a task that was killed), it says nothing new."""
    facts = {"run_id": act.run_id, "champion_from_now": act.target, "since": act.since}
    with db.connect("scorer") as link:
        audit.append_once(link, "take_back", act.by, f"{act.model} version {act.version}", facts)


def stood_in(champion: Version, target: Version, as_of: date, reason: str) -> None:
    """Say, in the audit chain and to people, that the champion was refused and the one before it scores instead."""
    facts = {"refused": champion.number, "scored_by": target.number, "reason": "ArtefactRefused"}
    with db.connect("scorer") as link:
        audit.append_once(link, "score_stand_in", "bankmart", f"{champion.model} as of {as_of}", facts)
    what = f"{_named(champion)} was refused: version {target.number} scores {as_of} instead"
    does = "Mend its files and score the date again, or make it final: `python -m ml rollback "
    notices.tell("model_refused", what, f"{reason}\n{does}{champion.model}`.")


def is_worse(champion: Version, as_of: date, found: str) -> None:
    """Tell people that the champion does worse by now than at its training."""
    body = f"{found}. Look at its evaluation in MLflow; the month's training makes a challenger, which may be better."
    notices.tell("model_worse", f"{_named(champion)} is worse by {as_of}", body)


@contextmanager
def scoring(model: str, as_of: date) -> Iterator[None]:
    """A refusal is kept, by its kind: its words may quote a value. (Scores are told where they are written.)"""
    try:
        yield
    except (ArtefactRefused, DataError) as error:
        with db.connect("scorer") as link:
            audit.append(link, "score_refused", "bankmart", f"{model} as of {as_of}", {"reason": type(error).__name__})
        raise


def _named(version: Version) -> str:
    return f"{version.model} version {version.number}"
