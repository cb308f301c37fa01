"""Train a model on what was known on a date, judge it out of time, log and register it (without an alias)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from bankmart import db, settings
from bankmart.governance.people.erasure import retrain
from ml.cadence import is_due
from ml.errors import DataPrerequisite
from ml.spec import Spec, load_spec

if TYPE_CHECKING:
    from ml.judging.judgement import Judgement
    from ml.techniques import Technique
    from ml.tracking.registry import Version


def run(model: str, as_of: date, build_id: int | None = None, again: bool = False) -> dict[str, Any]:
    """Train `model` on the training build given, else on the newest that passed on or before `as_of`.

    The same date, data, spec and code again return the version that is there, unless `again`. Where the bank's data
    don't suffice the result is `{"skipped": reason, "prerequisite": report}`.
    Raises DataError, LeakageFound, ArtefactRefused or TrackingUnavailable; nothing is registered then.
    """
    settings.apply_environment()
    from ml.tracking.server import tracking

    spec = load_spec(model)
    try:
        with tracking():
            from ml.tracking import attempts

            try:
                result = _train(spec, as_of, build_id, again)
            except DataPrerequisite as missing:
                attempts.log_skip(spec, as_of, str(missing), missing.report)
                raise
    except DataPrerequisite as missing:
        result = {
            "model": model,
            "as_of": as_of.isoformat(),
            "skipped": str(missing),
            "prerequisite": missing.report,
        }
        print(missing)
    return result


def due(models: Sequence[str], as_of: date) -> list[str]:
    """The models to train on a date: all at a month's end, on others those for which it was never tried."""
    settings.apply_environment()
    from ml.tracking import attempts, registry
    from ml.tracking.server import tracking

    for line in retrain.waiting():
        print(line)
    if is_due(as_of):
        return list(models)
    with tracking():
        return [model for model in models if registry.by_alias(model) is None and not attempts.was_tried(model)]


def _train(spec: Spec, as_of: date, build_id: int | None, again: bool) -> dict[str, Any]:
    from ml.data.prerequisite import require_sources
    from ml.techniques import technique
    from ml.tracking import registry
    from ml.tracking.code import code_hash

    require_sources(spec, as_of)
    how = technique(spec.technique)
    read_at = datetime.now(UTC)
    data = how.read(spec, as_of, build_id)
    same = {"as_of": as_of.isoformat(), "content_hash": data.content_hash, "spec_hash": spec.hash()}
    tags = {**same, "code_hash": code_hash()}
    if not again and (version := registry.find_version(spec.name, **tags)):
        print(
            f"{spec.name} as of {as_of}: version {version.number} was trained on this data and spec by this code."
            " To train all the same: --again."
        )
        return {
            "model": spec.name,
            **tags,
            "version": version.number,
            "run_id": version.run_id,
            "reused": True,
        }

    if not again and (version := registry.find_version(spec.name, **same)):
        by = version.tags.get("revision", "unknown")
        print(
            f"{spec.name} as of {as_of}: version {version.number} has this data and spec, but other code made it"
            f" (revision {by}): a new one is trained."
        )

    split = how.split(spec, data)
    with db.connect("scorer") as link:
        looked_at = how.check(link, spec, data)
    with registry.training_run(spec, tags):
        trained = how.train(spec, data, split)
        judged = trained.judge(data, split.test, spec.seed)
        version = _register(spec, how, data, split, trained, judged, {**tags, "leakage": looked_at})
    retrain.done(spec.name, read_at)
    print(_summary(spec, as_of, version, trained.facts, judged))
    return {
        "model": spec.name,
        **tags,
        "version": version.number,
        "run_id": version.run_id,
        "reused": False,
        "build_id": data.build.build_id,
        "judgement": judged.as_dict(),
        "baseline": trained.facts["baseline"],
    }


def _register(
    spec: Spec, how: Technique, data: Any, split: Any, trained: Any, judged: Judgement, facts: dict[str, Any]
) -> Version:
    """Complete the model's facts and leave everything in the run that is open."""
    from ml.judging.card import model_card
    from ml.tracking import registry
    from ml.tracking.server import revision

    own = {name: value for name, value in trained.facts.items() if isinstance(value, int | float | str)}
    trained.facts |= {
        **facts,
        "build_id": data.build.build_id,
        "business_date": data.build.business_date.isoformat(),
        "dbt_invocation_id": data.build.dbt_invocation_id,
        "rows": data.rows,
        "positives": data.positives,
        "features": list(data.features),
        "types": data.types,
        "empty_features": list(data.empty),
        "periods": split.periods,
        "newest_learnt": split.newest_learnt().isoformat(),
        "split_rule": split.rule,
        "judgement": judged.as_dict(),
        "revision": revision(),
    }
    of_data = {key: trained.facts[key] for key in ("business_date", "build_id", "dbt_invocation_id", "rows")}
    return registry.register_training(
        spec,
        trained,
        how.example(data, split),
        registry.Training(
            params=_params(spec, trained.facts) | own,
            metrics=_metrics(judged),
            texts={"model_card.md": model_card(spec, judged, trained.facts)},
            documents={"judgement.json": judged.as_dict(), "facts.json": trained.facts},
            figures=trained.figures(data, split.test, spec.seed),
            dataset={
                **of_data,
                "content_hash": data.content_hash,
                "tables": ", ".join(".".join(table) for table in spec.tables),
            },
            tags={
                **{key: trained.facts[key] for key in ("as_of", "content_hash", "spec_hash", "code_hash", "revision")},
                "build_id": str(data.build.build_id),
            },
        ),
    )


def _summary(spec: Spec, as_of: date, version: Version, facts: dict[str, Any], judged: Judgement) -> str:
    of_them = "" if judged.positives is None else f", {judged.positives} positives"
    lines = [
        f"{spec.name} as of {as_of}: version {version.number}, {facts['rows']} rows of build {facts['build_id']}.",
        f"  out of time ({', '.join(facts['periods']['test'])}): {judged.rows} rows{of_them};"
        f" baseline: {facts['baseline']}",
    ]
    lines += [f"  {name} {judged.model[name]} against {judged.baseline[name]}" for name in judged.more_is_better]
    return "\n".join(lines)


def _params(spec: Spec, facts: dict[str, Any]) -> dict[str, Any]:
    wanted = ("as_of", "business_date", "build_id", "dbt_invocation_id", "rows", "positives", "content_hash")
    plain = {key: facts[key] for key in (*wanted, "spec_hash", "revision", "split_rule") if facts[key] is not None}
    plain |= {part: ",".join(days) for part, days in facts["periods"].items()}
    return {
        **plain,
        "features": len(facts["features"]),
        "seed": spec.seed,
        "threads": spec.threads,
        **spec.params,
    }


def _metrics(judged: Judgement) -> dict[str, float]:
    """Flat names: `auc`, `auc_low`, `auc_high`, `baseline_auc`, …, `difference_auc`, …, `sex_selection_rate_gap`, ….

    Of a measure by group it is the gap that is furthest from 0; all groups are in `judgement.json` and the card.
    """
    from ml.judging.fairness import widest

    flat = {"test_rows": float(judged.rows)}
    if judged.positives is not None:
        flat["test_positives"] = float(judged.positives)
    gaps = widest(judged.fairness)
    sides = ((judged.model, ""), (judged.baseline, "baseline_"), (judged.difference, "difference_"), (gaps, ""))
    for side, prefix in sides:
        for name, interval in side.items():
            flat[f"{prefix}{name}"] = interval.value
            flat[f"{prefix}{name}_low"], flat[f"{prefix}{name}_high"] = interval.low, interval.high
    return flat
