"""How good is the champion by now? Judged again on every as-of date whose labels have become complete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from bankmart import settings
from ml.errors import DataError, DataPrerequisite, ModelError, TrackingUnavailable
from ml.spec import Spec, load_spec

if TYPE_CHECKING:
    from ml.judging.judgement import Judgement


def run(model: str, as_of: date, build_id: int | None = None) -> dict[str, Any]:
    """Judge the champion on the training build given, else on the newest that passed on or before `as_of`.

    Only dates that lie the horizon or more after everything it learnt from count. The verdict is `worse`
    where the newest date's interval of the primary metric lies beyond what was found at training. A date that can't
    be judged is left out with the reason. Without a champion or a date the result is `{"skipped": reason}`. Raises as
    `ml.score.run`.
    """
    settings.apply_environment()
    from ml.tracking.server import tracking

    spec = load_spec(model)
    try:
        with tracking():
            return _evaluate(spec, as_of, build_id)
    except DataPrerequisite as missing:
        print(missing)
        return {
            "model": model,
            "as_of": as_of.isoformat(),
            "skipped": str(missing),
            "prerequisite": missing.report,
        }


def run_all(models: Sequence[str], as_of: date, build_id: int | None = None) -> dict[str, str]:
    """Every model's champion, one after the other: its verdict, or why it wasn't judged.

    One that can't be judged keeps no other from it: raises ModelError with all that went wrong when the last is done.
    """
    said, wrong = {}, {}
    for model in models:
        try:
            found = run(model, as_of, build_id)
            said[model] = str(found.get("verdict") or found["skipped"])
        except TrackingUnavailable:
            raise
        except ModelError as error:
            wrong[model] = str(error)
    if wrong:
        raise ModelError(" ".join(f"{model} couldn't be evaluated: {why}" for model, why in wrong.items()))
    return said


def _evaluate(spec: Spec, as_of: date, build_id: int | None) -> dict[str, Any]:
    from ml import acts
    from ml.techniques import technique
    from ml.tracking import registry

    version = registry.by_alias(spec.name)
    if version is None:
        return _skipped(spec, as_of, f"{spec.name} has no champion: train it and promote it first")
    loaded = registry.load(spec, version)
    data = technique(spec.technique).again(spec, loaded, as_of, build_id)
    horizon = int(getattr(loaded, "horizon_days", spec.horizon_days))
    first = date.fromisoformat(loaded.facts["newest_learnt"]) + timedelta(days=horizon)
    judged, left_out = _judged(loaded, data, first, spec.seed)
    if not judged:
        found = f"build {data.build.build_id} has no complete labels as of {first} or later"
        return _skipped(spec, as_of, "; ".join([found, *(f"{day}: {why}" for day, why in left_out.items())]))
    newest, metric = max(judged), spec.gates.metric
    before, now = loaded.facts["judgement"]["model"][metric], judged[newest].model[metric]
    worse = now.high < before["low"] if judged[newest].more_is_better[metric] else now.low > before["high"]
    verdict = "worse" if worse else "holds"
    if worse:
        acts.is_worse(version, as_of, f"{metric} of {newest}: {now}; at its training {before['value']:.4f}")
    document = {day: one.as_dict() for day, one in judged.items()}
    run_id = registry.log_evaluation(
        version,
        as_of,
        {
            day: {name: interval.value for name, interval in one.model.items()}
            | {f"baseline_{name}": interval.value for name, interval in one.baseline.items()}
            for day, one in judged.items()
        },
        {"evaluation.json": {"verdict": verdict, "at_training": before, "by_date": document, "left_out": left_out}},
    )
    lines = [
        f"  {day}: {', '.join(f'{name} {interval}' for name, interval in one.model.items())} ({one.rows} rows)"
        for day, one in sorted(judged.items())
    ]
    lines += [f"  {day}: not judged, {why}" for day, why in left_out.items()]
    print(f"{spec.name} version {version.number}, judged as of {as_of}: {verdict}.\n" + "\n".join(lines))
    return {
        "model": spec.name,
        "as_of": as_of.isoformat(),
        "version": version.number,
        "run_id": run_id,
        "verdict": verdict,
        "by_date": document,
        "left_out": left_out,
    }


def _judged(loaded: Any, data: Any, first: date, seed: int) -> tuple[dict[str, Judgement], dict[str, str]]:
    """Judgements by as-of date from `first` on, and why the dates that are left out are."""
    judged: dict[str, Judgement] = {}
    left_out: dict[str, str] = {}
    for day in data.dates():
        if day < first:
            continue
        try:
            found = loaded.judge(data, data.on(day), seed)
        except DataError as error:
            left_out[day.isoformat()] = str(error)
            continue
        if found.has_both_classes():
            judged[day.isoformat()] = found
        else:
            left_out[day.isoformat()] = f"all {found.rows} rows have the same outcome"
    return judged, left_out


def _skipped(spec: Spec, as_of: date, reason: str) -> dict[str, Any]:
    print(f"{spec.name}: not evaluated, {reason}.")
    return {"model": spec.name, "as_of": as_of.isoformat(), "skipped": reason}
