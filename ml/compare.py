"""Challenge the champion: judge a version by every gate, and against the champion on the same rows. Nothing moves."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from bankmart import settings
from ml.errors import ArtefactRefused, DataError, DataPrerequisite
from ml.spec import Spec, load_spec

if TYPE_CHECKING:
    from ml.judging.gate import Check
    from ml.techniques import Technique
    from ml.tracking.registry import Version


def run(model: str, as_of: date, version: int | None = None, without_champion: bool = False) -> dict[str, Any]:
    """Judge the version given, else the newest trained as of `as_of`; it becomes the challenger.

    Its own gates are judged again from the data it was made from, then it is compared with the champion on the
    same out-of-time rows (`without_champion` leaves that out: the way on where the champion's files are lost).
    The report goes into the version's run. Without a version the result is `{"skipped": reason}`.
    Raises DataError where its training data aren't there any more as they were; else as `ml.train.run`.
    """
    settings.apply_environment()
    from ml.tracking.server import tracking

    spec = load_spec(model)
    with tracking():
        result = compare(spec, as_of, version, without_champion)
    print(result.get("report") or f"{model}: nothing compared, {result['skipped']}.")
    return result


def compare(spec: Spec, as_of: date, number: int | None, without_champion: bool) -> dict[str, Any]:
    """As `run`, where MLflow is set up. `passed` says whether every gate lets it become the champion."""
    from ml.judging.gate import report
    from ml.tracking import registry

    candidate = (
        registry.get_version(spec.name, number)
        if number is not None
        else registry.find_version(spec.name, as_of=as_of.isoformat())
    )
    if candidate is None:
        return {"model": spec.name, "skipped": f"no version of {spec.name} was trained as of {as_of}", "passed": False}
    champion = registry.by_alias(spec.name)
    result = asked(spec, as_of, candidate, champion, without_champion)
    if champion and champion.number == candidate.number:
        return result | {"skipped": f"version {candidate.number} is the champion already", "passed": False}
    known = registry.read_report(candidate, "gate")
    if known and all(known.get(key) == result[key] for key in result):
        return known
    made = _checks(spec, candidate, champion, without_champion)
    passed = all(one.passed for one in made)
    verdict = "may become the champion" if passed else "stays challenger"
    text = report(f"{spec.name} version {candidate.number}: {verdict}", made)
    shadow = result["shadow"] or "Not scored in the shadow: whose band changes isn't known."
    text = f"{text.rstrip()}\n\n{shadow}\n"
    result |= {"passed": passed, "gates": [asdict(one) for one in made], "report": text}
    registry.name_challenger(candidate)
    registry.add_report(candidate, "gate", text, result)
    return result


def asked(
    spec: Spec, as_of: date, candidate: Version, champion: Version | None, without_champion: bool
) -> dict[str, Any]:
    """What a verdict was asked for: one that was asked for the same holds."""
    from ml.tracking import registry

    shadow = registry.read_report(candidate, "shadow")
    return {
        "model": spec.name,
        "as_of": as_of.isoformat(),
        "shadow": shadow["says"] if shadow else None,
        "version": candidate.number,
        "run_id": candidate.run_id,
        "run_url": registry.run_url(candidate),
        "champion": champion.number if champion else None,
        "without_champion": without_champion,
        "rolled_back": candidate.tags.get("rolled_back"),
        "spec_hash": spec.hash(),
    }


def _checks(spec: Spec, candidate: Version, champion: Version | None, without_champion: bool) -> list[Check]:
    from ml.judging.gate import Check, every_kind, with_fairness
    from ml.techniques import technique
    from ml.tracking import registry

    loaded = registry.load(spec, candidate)
    how = technique(spec.technique)
    data = _same_data(spec, how, loaded.facts)
    split = how.split(spec, data)
    judged = loaded.judge(data, split.test, spec.seed)
    made = how.checks(spec.gates, judged)
    made = every_kind(with_fairness(spec, made + how.audit(spec, loaded, data, split)), judged)
    if back := candidate.tags.get("rolled_back"):
        made.append(Check("not rolled back", False, back, "a version that nobody took back"))
    if champion and not without_champion:
        made.append(_against_champion(spec, champion, loaded, data, split.test))
    return made


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


def _against_champion(spec: Spec, champion: Version, loaded: Any, data: Any, test: Any) -> Check:
    from ml.judging.gate import Check, champion_check
    from ml.tracking import registry

    name = f"compared with champion {champion.number}"
    try:
        judged = loaded.against(registry.load(spec, champion), data, test, spec.seed)
    except (ArtefactRefused, DataError) as error:
        found = f"{error} To go on without it: --without-champion."
        return Check(name, False, found, "a champion that can be compared")
    return champion_check(spec.gates, champion.number, judged)
