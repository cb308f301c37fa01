"""Take a promotion back: the champion before it is the champion again, from the next scoring on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bankmart import faults, settings
from ml.errors import ModelError
from ml.spec import Spec, load_spec

if TYPE_CHECKING:
    from ml.tracking.registry import Version
    from ml.tracking.taking_back import Intention


def run(model: str, to: int | None = None, by: str | None = None) -> dict[str, Any]:
    """Make version `to` the champion, else the one that the champion replaced (none: the model has no champion).

    The files of that version are checked first. The version taken back isn't promoted again by the gates. One that was
    begun and killed behind the alias's move is ended by the next call, which takes nothing else back and says so.
    Raises ModelError where there is no champion, ArtefactRefused where the version's files are damaged.
    """
    settings.apply_environment()
    from ml import acts
    from ml.tracking import registry, taking_back
    from ml.tracking.server import tracking

    spec, person = load_spec(model), by or settings.who()
    with tracking():
        seen = registry.by_alias(model)
        with acts.alone(model):
            begun = taking_back.begun(model)
            is_old = begun is not None and not taking_back.is_champion(model, begun.version)
            act = begun if begun and is_old else _begin(spec, seen, to, person, begun)
            if not is_old:
                taking_back.move(act)
                faults.point("takeback.moved")
            is_moved = taking_back.has_moved(act)
            if is_moved:
                acts.taken_back(act)
        # Said before it is forgotten: whoever has read it may ask for another, whoever hasn't asks for the same.
        print(_told(act, is_old, is_moved))
        faults.point("takeback.done")
        taking_back.forget(act)
    if is_old and (not is_moved or to not in (None, _number(act.target))):
        raise ModelError(f"Nothing else of {model} was taken back, and no version was made champion. Run it again.")
    return {"model": model, "taken_back": act.version, "champion": act.target, "by": act.by}


def _begin(spec: Spec, champion: Version | None, to: int | None, by: str, begun: Intention | None) -> Intention:
    # The same that was begun before, and moved nothing, is the same act; another takes its place.
    from ml import acts
    from ml.tracking import registry, taking_back

    if champion is None:
        raise ModelError(f"{spec.name} has no champion: there is no promotion to take back.")
    if to is not None and str(to) == champion.number:
        raise ModelError(f"Version {to} of {spec.name} is the champion: there is nothing to take back.")
    target = registry.replaced(champion) if to is None else registry.get_version(spec.name, to)
    if target:
        registry.load(spec, target)
    acts.taking_back(champion, target, by)
    faults.point("takeback.begun")
    # Whoever was waited for, or overtook this one while it was thought dead, may have moved it.
    if not taking_back.is_champion(spec.name, champion.number):
        raise ModelError(f"{spec.name} has another champion since a moment: nothing was taken back. Look again.")
    act = taking_back.intend(champion, target, by, begun)
    faults.point("takeback.intended")
    return act


def _told(act: Intention, is_old: bool, is_moved: bool) -> str:
    what = f"{act.model}: version {act.version}"
    if not is_moved:
        return f"{what} was to be taken back by {act.by} since {act.since}; another is champion by now, it stays."
    after = f"version {act.target} is the champion" if act.target else "it has no champion, and isn't scored"
    if is_old:
        return (
            f"{what} was being taken back by {act.by} since {act.since}, which had not ended. It is done: {after} since"
            " then. Nothing else was taken back; to take back one more, run it again. Score the open dates again."
        )
    return f"{what} is taken back by {act.by}; {after} now. Score the open dates again."


def _number(version: str | None) -> int | None:
    return int(version) if version else None
