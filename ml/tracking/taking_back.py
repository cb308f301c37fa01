"""That a champion is being taken back, kept with its model until it has ended: who runs it again ends it, once."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import mlflow

from bankmart import faults
from ml.tracking import registry
from ml.tracking.registry import Version

TAG = "taking_back"


@dataclass(frozen=True)
class Intention:
    """`version`, the champion, is to give way to `target` (None: to nobody); by whom, and since when."""

    model: str
    version: str
    target: str | None
    run_id: str
    by: str
    since: str


def begun(model: str) -> Intention | None:
    """What was begun and has not ended, or None."""
    for found in mlflow.MlflowClient().search_registered_models(f"name = '{model}'"):
        if said := found.tags.get(TAG):
            return Intention(**json.loads(said))
    return None


def intend(champion: Version, target: Version | None, by: str, earlier: Intention | None) -> Intention:
    """Keep what is about to be done, before it is; where `earlier` is the same, that one goes on."""
    wanted = target.number if target else None
    if earlier and (earlier.version, earlier.target) == (champion.number, wanted):
        return earlier
    act = Intention(champion.model, champion.number, wanted, champion.run_id, by, registry.now())
    mlflow.MlflowClient().set_registered_model_tag(act.model, TAG, _text(act))
    return act


def move(act: Intention) -> None:
    """Make the target the champion (None: nobody is), and say so in the tags of the version that was."""
    client = mlflow.MlflowClient()
    client.set_model_version_tag(act.model, act.version, "rolled_back", f"by {act.by} at {act.since}")
    faults.point("takeback.tagged")
    if not is_champion(act.model, act.version):
        # A task that was thought dead comes late: its twin has moved it, and somebody may have promoted another since.
        return
    if act.target:
        client.set_registered_model_alias(act.model, registry.CHAMPION, act.target)
    else:
        client.delete_registered_model_alias(act.model, registry.CHAMPION)


def is_champion(model: str, version: str) -> bool:
    """Whether the version is the model's champion."""
    champion = registry.by_alias(model)
    return champion is not None and champion.number == version


def has_moved(act: Intention) -> bool:
    """Whether the target is or was champion after the version: another may have been promoted in its place since."""
    champion = registry.by_alias(act.model)
    if champion is None or champion.number == act.target:
        return (champion is None) == (act.target is None)
    return champion.tags.get("replaced") == (act.target or "none")


def forget(act: Intention) -> None:
    """It has ended. Another that was begun meanwhile stays."""
    if begun(act.model) == act:
        mlflow.MlflowClient().delete_registered_model_tag(act.model, TAG)


def _text(act: Intention) -> str:
    return json.dumps(asdict(act), ensure_ascii=False)
