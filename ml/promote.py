"""Let a trained version become the champion, if every gate says so; else it is the challenger."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from bankmart import settings
from ml.errors import ArtefactRefused, DataError, DataPrerequisite
from ml.spec import Spec, load_spec

if TYPE_CHECKING:
    import numpy as np

    from ml.techniques import Technique


def run(model: str, as_of: date, version: int | None = None, without_champion: bool = False) -> dict[str, Any]:
    """Judge the version given, else the newest trained as of `as_of`, on its out-of-time customers.

    Its own gates are judged again from the data, then it is compared with the champion on the same customers
    (`without_champion` leaves that out: the way on where the champion's files are lost). The report goes into
    the version's run; the alias moves last. Without a version the result is `{"skipped": reason}`.
    Raises DataError where its training data aren't there any more as they were; else as `ml.train.run`.
    """
    settings.apply_environment()
    from ml.tracking.server import tracking

    spec = load_spec(model)
    with tracking():
        return _promote(spec, as_of, version, without_champion)


def _promote(spec: Spec, as_of: date, number: int | None, without_champion: bool) -> dict[str, Any]:
    from ml.judging.gate import Check, report
    from ml.techniques import technique
    from ml.tracking import registry

    candidate = (
        registry.get_version(spec.name, number)
        if number is not None
        else registry.find_version(spec.name, as_of=as_of.isoformat())
    )
    if candidate is None:
        reason = f"no version of {spec.name} was trained as of {as_of}"
        print(f"{spec.name}: nothing promoted, {reason}.")
        return {"model": spec.name, "as_of": as_of.isoformat(), "skipped": reason}
    champion = registry.by_alias(spec.name)
    if champion and champion.number == candidate.number:
        print(f"{spec.name} version {candidate.number} is the champion already.")
        return _result(candidate, "champion", [], changed=False)

    loaded = registry.load(spec, candidate)
    how = technique(spec.technique)
    data = _same_data(spec, how, loaded.facts)
    test = how.split(spec, data).test
    made: list[Check] = how.checks(spec.gates, loaded.judge(data, test, spec.seed))
    if champion and not without_champion:
        made.append(_against_champion(spec, champion, loaded, data, test))
    passed = all(one.passed for one in made)
    role = "champion" if passed else "challenger"
    title = f"{spec.name} version {candidate.number}: {role}" + ("" if passed else " (not promoted)")
    text = report(title, made)
    result = _result(candidate, role, [asdict(one) for one in made], changed=passed)
    registry.add_report(candidate, "gate", text, result)
    print(text)
    if passed:
        registry.name_champion(candidate)
    else:
        registry.name_challenger(candidate)
    return result


def _same_data(spec: Spec, how: Technique, facts: dict[str, Any]) -> Any:
    """The data the version was made from. Raises DataError where they are gone or others now."""
    build_id, when = facts["build_id"], date.fromisoformat(facts["business_date"])
    advice = "so the gates can't be judged. Train again and promote the new version."
    try:
        data = how.read(spec, when, build_id)
    except DataPrerequisite as missing:
        raise DataError(f"The training data of build {build_id} are gone ({missing}), {advice}") from missing
    if data.content_hash != facts["content_hash"]:
        raise DataError(f"Build {build_id} holds other rows than the version was trained on, {advice}")
    return data


def _against_champion(spec: Spec, champion: Any, loaded: Any, data: Any, test: np.ndarray) -> Any:
    from ml.judging.gate import Check, champion_check
    from ml.tracking import registry

    name = f"compared with champion {champion.number}"
    try:
        judged = loaded.against(registry.load(spec, champion), data, test, spec.seed)
    except (ArtefactRefused, DataError) as error:
        found = f"{error} To go on without it: --without-champion."
        return Check(name, False, found, "a champion that can be compared")
    return champion_check(spec.gates, champion.number, judged)


def _result(candidate: Any, role: str, made: list[dict[str, Any]], changed: bool) -> dict[str, Any]:
    return {
        "model": candidate.model,
        "version": candidate.number,
        "run_id": candidate.run_id,
        "alias": role,
        "promoted": changed,
        "gates": made,
    }
