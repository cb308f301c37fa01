"""Train a model on what was known on a date, judge it out of time, log and register it (without an alias)."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from bankmart import db, settings
from ml.errors import DataPrerequisite
from ml.spec import Spec, load_spec


def run(model: str, as_of: date, build_id: int | None = None, again: bool = False) -> dict[str, Any]:
    """Train `model` on the training build given, else on the newest that passed on or before `as_of`.

    The same date, data and spec again return the version that is there, unless `again`. Where the bank's data
    don't suffice the result is `{"skipped": reason, "prerequisite": report}`.
    Raises DataError, LeakageFound, ArtefactRefused or TrackingUnavailable; nothing is registered then.
    """
    settings.apply_environment()
    from ml.tracking.server import tracking

    spec = load_spec(model)
    try:
        with tracking():
            result = _train(spec, as_of, build_id, again)
    except DataPrerequisite as missing:
        result = {
            "model": model,
            "as_of": as_of.isoformat(),
            "skipped": str(missing),
            "prerequisite": missing.report,
        }
        print(missing)
    return result


def _train(spec: Spec, as_of: date, build_id: int | None, again: bool) -> dict[str, Any]:
    from ml.data.leakage import refuse_leakage
    from ml.data.split import split_by_time
    from ml.data.training import read_training
    from ml.judging.card import model_card
    from ml.techniques import technique
    from ml.tracking import registry
    from ml.tracking.server import revision

    data = read_training(spec, as_of, build_id)
    tags = {"as_of": as_of.isoformat(), "content_hash": data.content_hash, "spec_hash": spec.hash()}
    if not again and (version := registry.find_version(spec.name, **tags)):
        print(f"{spec.name} as of {as_of}: version {version.number} was trained on this data and spec.")
        return {
            "model": spec.name,
            **tags,
            "version": version.number,
            "run_id": version.run_id,
            "reused": True,
        }

    split = split_by_time(spec, data)
    with db.connect("scorer") as link:
        compared = refuse_leakage(link, spec, data)
    trained = technique(spec.technique).train(spec, data, split)
    judged = trained.judge(data, split.test, spec.seed)
    trained.facts |= {
        **tags,
        "build_id": data.build.build_id,
        "business_date": data.build.business_date.isoformat(),
        "dbt_invocation_id": data.build.dbt_invocation_id,
        "rows": len(data.label),
        "positives": int(data.label.sum()),
        "features": list(data.features),
        "types": data.types,
        "empty_features": list(data.empty),
        "periods": split.periods,
        "newest_learnt": split.newest_learnt().isoformat(),
        "split_rule": split.rule,
        "leakage_compared": compared,
        "thresholds": trained.thresholds,
        "calibration": trained.calibration.kind,
        "baseline": str(trained.baseline),
        "judgement": judged.as_dict(),
        "revision": revision(),
    }
    version = registry.register_training(
        spec,
        trained,
        _typical(data.features, data.numbers[split.train]),
        registry.Training(
            params=_params(spec, trained.facts),
            metrics=_metrics(trained.facts["judgement"]),
            texts={"model_card.md": model_card(spec, judged, trained.facts)},
            documents={"judgement.json": judged.as_dict(), "facts.json": trained.facts},
            figures=trained.figures(data, split.test, spec.seed),
            dataset={
                **{key: trained.facts[key] for key in ("business_date", "build_id", "dbt_invocation_id", "rows")},
                "content_hash": data.content_hash,
                "tables": f"{'.'.join(spec.features_table)}, {'.'.join(spec.label_table)}",
            },
            tags={**tags, "build_id": str(data.build.build_id), "revision": trained.facts["revision"]},
        ),
    )
    print(
        f"{spec.name} as of {as_of}: version {version.number},"
        f" {len(data.label)} rows of build {data.build.build_id}.\n"
        f"  out of time ({', '.join(split.periods['test'])}):"
        f" {judged.rows} customers, {judged.positives} positives\n"
        f"  AUC {judged.model['auc']} against {judged.baseline['auc']} ({trained.baseline})\n"
        f"  lift in the top decile {judged.model['lift_top_decile']}, ECE {judged.model['ece']}"
    )
    return {
        "model": spec.name,
        **tags,
        "version": version.number,
        "run_id": version.run_id,
        "reused": False,
        "build_id": data.build.build_id,
        "judgement": judged.as_dict(),
        "baseline": str(trained.baseline),
    }


def _typical(features: tuple[str, ...], numbers: np.ndarray) -> dict[str, float | None]:
    """An input example that is nobody: each feature's median."""
    return dict(zip(features, np.nanmedian(np.where(np.isnan(numbers).all(axis=0), 0.0, numbers), axis=0), strict=True))


def _params(spec: Spec, facts: dict[str, Any]) -> dict[str, Any]:
    wanted = ("as_of", "business_date", "build_id", "dbt_invocation_id", "rows", "positives", "content_hash")
    more = ("spec_hash", "revision", "trees", "calibration", "baseline", "split_rule")
    plain = {key: facts[key] for key in (*wanted, *more)}
    plain |= {part: ",".join(days) for part, days in facts["periods"].items()}
    return {
        **plain,
        "features": len(facts["features"]),
        "seed": spec.seed,
        "threads": spec.threads,
        **spec.params,
    }


def _metrics(judged: dict[str, Any]) -> dict[str, float]:
    """Flat names: `auc`, `auc_low`, `auc_high`, `baseline_auc`, …, `difference_auc`, …."""
    flat = {"test_rows": float(judged["rows"]), "test_positives": float(judged["positives"])}
    for side, prefix in (("model", ""), ("baseline", "baseline_"), ("difference", "difference_")):
        for name, interval in judged[side].items():
            flat[f"{prefix}{name}"] = interval["value"]
            flat[f"{prefix}{name}_low"], flat[f"{prefix}{name}_high"] = interval["low"], interval["high"]
    return flat
