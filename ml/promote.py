"""Make a version the champion: every gate says so, and a named person has approved it."""

from __future__ import annotations

import getpass
import os
from datetime import date
from typing import Any

from bankmart import faults, settings
from ml.spec import load_spec


def run(
    model: str,
    as_of: date,
    version: int | None = None,
    without_champion: bool = False,
    approved_by: str | None = None,
) -> dict[str, Any]:
    """Compare as `ml.compare.run` does, then move the alias where every gate passed; else it stays challenger.

    A comparison with the same champion that is there already isn't made again. Who approved, and when, is kept
    with the version; on the command line it is whoever types. Raises as `ml.compare.run`; nothing moved then.
    """
    settings.apply_environment()
    from ml import acts
    from ml.compare import compare
    from ml.tracking import registry
    from ml.tracking.server import tracking

    spec = load_spec(model)
    with tracking():
        result = compare(spec, as_of, version, without_champion)
        if result["passed"]:
            faults.point("promote.compared")
            registry.name_champion(registry.get_version(model, int(result["version"])), approved_by or who())
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
        done = f"is the champion now, approved by {approved_by or who()}" if result["passed"] else "isn't promoted"
        print(f"{result['report']}\n{model} version {result['version']} {done}.")
    return result


def who() -> str:
    """Who types the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
