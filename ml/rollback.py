"""Take a promotion back: the champion before it is the champion again, from the next scoring on."""

from __future__ import annotations

from typing import Any

from bankmart import settings
from ml.errors import ModelError
from ml.spec import load_spec


def run(model: str, to: int | None = None, by: str | None = None) -> dict[str, Any]:
    """Make version `to` the champion, else the one that the champion replaced (none: the model has no champion).

    The files of that version are checked first. The version taken back isn't promoted again by the gates.
    Raises ModelError where there is no champion, ArtefactRefused where the version's files are damaged.
    """
    settings.apply_environment()
    from ml import acts
    from ml.tracking import registry
    from ml.tracking.server import tracking

    spec, person = load_spec(model), by or settings.who()
    with tracking():
        champion = registry.by_alias(model)
        if champion is None:
            raise ModelError(f"{model} has no champion: there is no promotion to take back.")
        if to is not None and str(to) == champion.number:
            raise ModelError(f"Version {to} of {model} is the champion: there is nothing to take back.")
        target = registry.replaced(champion) if to is None else registry.get_version(model, to)
        if target:
            registry.load(spec, target)
        with acts.alone(model):
            if (now := registry.by_alias(model)) is None or now.number != champion.number:
                raise ModelError(f"{model} has another champion since a moment: nothing was taken back. Look again.")
            acts.taking_back(champion, target, person)
            registry.take_back(champion, target, person)
    after = f"version {target.number} is the champion" if target else "it has no champion, and isn't scored"
    print(f"{model}: version {champion.number} is taken back by {person}; {after} now. Score the open dates again.")
    return {"model": model, "taken_back": champion.number, "champion": target.number if target else None, "by": person}
