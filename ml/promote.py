"""Make a version the champion: every gate says so, and a named person has approved it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from bankmart import faults, settings
from ml.errors import ModelError
from ml.spec import load_spec

if TYPE_CHECKING:
    from ml.tracking.registry import Version


def run(
    model: str,
    as_of: date,
    version: int | None = None,
    without_champion: bool = False,
    approved_by: str | None = None,
) -> dict[str, Any]:
    """Compare as `ml.compare.run` does, then move the alias where every gate passed; else it stays challenger.

    A comparison with the same champion that is there already isn't made again. Who approved, and when, is kept
    with the version; on the command line it is whoever types. Raises as `ml.compare.run`, and
    ModelError where another version was promoted meanwhile; nothing moved then.
    """
    settings.apply_environment()
    from ml import acts
    from ml.compare import compare
    from ml.tracking import registry
    from ml.tracking.server import tracking

    spec, person = load_spec(model), approved_by or settings.who()
    with tracking():
        result = compare(spec, as_of, version, without_champion)
        if result["passed"]:
            candidate = registry.get_version(model, int(result["version"]))
            acts.promoting(candidate, person)
            faults.point("promote.compared")
            with acts.alone(model):
                _name(candidate, result["champion"], person)
            faults.point("promote.named")
        champion = result["passed"] or result.get("champion") == result.get("version") is not None
        if champion:
            # Also of one that is there already: who made it so may have been killed before he could say it.
            acts.promoted(registry.get_version(model, int(result["version"])))
            faults.point("promote.done")
    result |= {"promoted": result["passed"], "alias": "champion" if champion else "challenger"}
    if reason := result.get("skipped"):
        print(f"{model}: nothing promoted, {reason}.")
    else:
        done = f"is the champion now, approved by {person}" if result["passed"] else "isn't promoted"
        print(f"{result['report']}\n{model} version {result['version']} {done}.")
    return result


def _name(version: Version, compared: str | None, approved_by: str) -> None:
    """Move the alias, if what the version was compared with is champion still. Raises ModelError where it isn't."""
    from ml.tracking import registry

    champion = registry.by_alias(version.model)
    now = champion.number if champion else None
    # A task that was thought dead may come late: its twin has named this version, or somebody has named another.
    if now == compared:
        registry.name_champion(version, approved_by)
    elif now != version.number:
        raise ModelError(
            f"Version {now} of {version.model} became champion while version {version.number} was compared with"
            f" {compared or 'none'}. Nothing was promoted. Compare it with the new champion: run the same again."
        )
