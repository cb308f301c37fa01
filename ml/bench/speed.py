"""How fast scoring and training are, beside LightGBM alone on the same matrix: a Postgres of its own, invented rows."""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bankmart import db
from bankmart.bench.place import own_server, server_seconds
from ml.bench._json import as_json
from ml.bench._speed_tables import FEATURES, LABELS, TODAY, prepare
from ml.spec import Gates, Needs, Population, Spec, load_spec

# As churn has them.
TRIALS, ORIGINS = 4, 2
# About what churn's patience leaves of its rounds on these customers.
UNFITTED_TREES = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How large; the targets are for the defaults."""
    parser.add_argument("--customers", type=int, default=1_000_000, help="customers scored, rows trained on (1000000)")
    parser.add_argument("--features", type=int, default=200, help="features (200)")
    parser.add_argument(
        "--trees",
        type=int,
        help="boosting rounds, none left out (churn's, ended by churn's patience; without a fit 400)",
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="LightGBM's threads (all)")
    parser.add_argument("--only", choices=("score", "train"), help="one half only")


def run(args: argparse.Namespace) -> int:
    """Print rates, times, ratios to bare LightGBM and the peak memory as one JSON document."""
    spec = _spec(args.features, args.trees, args.threads)
    found: dict[str, Any] = {
        "customers": args.customers,
        "features": args.features,
        "threads": args.threads,
        "load_before": os.getloadavg()[0],
    }
    trees = args.trees or UNFITTED_TREES
    with own_server():
        training_id, daily_id = prepare(spec, args.customers, bool(args.only != "score"), bool(args.only != "train"))
        if args.only != "score":
            found["train"] = _train(spec, training_id)
            trees = found["train"]["trees"]
        if args.only != "train":
            found["score"] = _score(spec, daily_id, args.customers, trees)
    print(as_json(found))
    return 0


def _spec(features: int, trees: int | None, threads: int) -> Spec:
    """Churn as it is, on invented features; with `trees` so many rounds instead of its own, none left out."""
    names = tuple(f"f{at:03d}" for at in range(features))
    churn = load_spec("churn")
    return dataclasses.replace(
        churn,
        name="speed",
        features_table=FEATURES,
        label_table=LABELS,
        label="is_positive",
        features=names,
        population=Population(names[0], -1e9, "everybody"),
        baseline_columns=names[:3],
        reasons_for=(),
        needs=Needs(),
        gates=Gates("auc"),
        threads=threads,
        # Trials and earlier origins are fits of their own, on fixed numbers of rows: measured beside.
        params={
            **{**churn.params, "trials": 0, "origins": 0},
            **({"num_boost_round": trees, "early_stopping_rounds": trees} if trees else {}),
        },
    )


def _train(spec: Spec, build_id: int) -> dict[str, Any]:
    """The verb's work less MLflow, and the bare fit on the same rows; the stages in seconds."""
    import lightgbm

    from ml.data.split import split_by_time
    from ml.techniques import technique
    from ml.techniques.boosting import fit

    how, stage = technique(spec.technique), _Stages()
    # A process' first import of them takes seconds at any number of rows.
    import matplotlib.figure  # noqa: F401
    import optuna  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    with stage("read"):
        data = how.read(spec, TODAY, build_id)
    with stage("split"):
        split = split_by_time(spec, data)
    with stage("leakage check"), db.connect("scorer") as link:
        how.check(link, spec, data)
    with stage("fit and calibrate"):
        model = how.train(spec, data, split)
    with stage("judge"):
        model.judge(data, split.test, spec.seed)
    with stage("figures"):
        model.figures(data, split.test, spec.seed)
    params: dict[str, Any] = {
        "objective": "binary",
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": spec.threads,
    }
    params |= {"seed": spec.seed, "verbose": -1, **spec.params}
    # As many rounds as the fit ran until its patience was over.
    trees = model.booster.num_trees()
    rounds = min(params.pop("num_boost_round"), trees + params.pop("early_stopping_rounds"))
    matrix, label = data.numbers[split.train], data.label[split.train]
    with stage("bare fit"):
        lightgbm.train(params, lightgbm.Dataset(matrix, label), num_boost_round=rounds)
    bare, bare_processor = stage.seconds.pop("bare fit"), stage.processor.pop("bare fit")
    ours = sum(stage.seconds.values())
    extras = dataclasses.replace(spec, params={**spec.params, "trials": TRIALS, "origins": ORIGINS})
    began = time.perf_counter()
    fit(extras, data, split)
    beside = time.perf_counter() - began
    return {
        "rows": data.rows,
        "rows_fitted": len(label),
        "trees": trees,
        "rounds": rounds,
        "seconds": round(ours, 1),
        "stages": {name: round(seconds, 1) for name, seconds in stage.seconds.items()},
        "fit_with_trials_and_earlier_origins_seconds": round(beside, 1),
        "bare_fit_seconds": round(bare, 1),
        "ratio_to_bare_and_reading": round(ours / (bare + stage.seconds["read"]), 2),
        "wanted": "<= 1.3",
        # Without Postgres' own, which is the same on both sides.
        "processor_seconds": {name: round(seconds, 1) for name, seconds in stage.processor.items()}
        | {"bare fit": round(bare_processor, 1)},
    }


class _Stages:
    """Wall time, and this process' processor time, by stage: `with stages("read"): ...`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.processor: dict[str, float] = {}

    def __call__(self, name: str) -> _Stages:
        self.name = name
        return self

    def __enter__(self) -> None:
        self.began, self.processor_began = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.name] = time.perf_counter() - self.began
        self.processor[self.name] = time.process_time() - self.processor_began


def _score(spec: Spec, build_id: int, customers: int, trees: int) -> dict[str, Any]:
    """Postgres to Postgres in a process of its own (its peak memory), then bare predict on the matrix in memory.

    Both with a model of as many `trees`. Bare predict is LightGBM's own, by the spec's threads; scoring evaluates the
    trees itself, by one.
    """
    from ml.techniques import technique

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        _small_model(spec, trees).save(folder, dict.fromkeys(spec.features, 0.0))
        with multiprocessing.get_context("spawn").Pool(1) as child:
            seconds, processor, peak, before = child.apply(_scored, (spec, build_id, folder))
        model = technique(spec.technique).load(folder)
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(customers, len(spec.features))).round(3)
    began, processor_began = time.perf_counter(), time.process_time()
    model.booster.predict(matrix, raw_score=True, num_threads=spec.threads)
    bare, bare_processor = time.perf_counter() - began, time.process_time() - processor_began
    sample = matrix[: min(200, customers)]
    began = time.perf_counter()
    model.reasons(sample, spec.reason_count)
    explained = time.perf_counter() - began
    return {
        "trees": trees,
        "seconds": round(seconds, 1),
        "rows_a_second": round(customers / seconds),
        "bare_rows_a_second": round(customers / bare),
        "share_of_bare_rate": round(bare / seconds, 2),
        "wanted": ">= 0.5",
        "processor_microseconds_a_row": {
            **{name: round(1e6 * used / customers, 2) for name, used in processor.items()},
            "bare": round(1e6 * bare_processor / customers, 2),
        },
        "peak_mib": round(peak / 1024),
        "of_it_before_the_first_row_mib": round(before / 1024),
        "wanted_mib": "< 1536",
        "explained_rows_a_second": round(len(sample) / explained),
    }


def _small_model(spec: Spec, trees: int) -> Any:
    """A model of the spec's size on invented rows: what it learns doesn't matter, how many trees it has does."""
    import lightgbm

    from ml.judging import drift
    from ml.techniques.baseline import Rule
    from ml.techniques.binary import Model
    from ml.techniques.calibration import Calibration

    rng = np.random.default_rng(2)
    numbers = rng.normal(size=(50_000, len(spec.features))).round(3)
    label = rng.random(len(numbers)) < 1 / (1 + np.exp(3 - numbers[:, 0]))
    params = dict(spec.params) | {"objective": "binary", "num_threads": spec.threads, "verbose": -1}
    del params["num_boost_round"], params["early_stopping_rounds"]
    fitted = lightgbm.Dataset(numbers, label, feature_name=list(spec.features))
    calibration = Calibration("platt", (1.0, 0.0), ())
    booster = lightgbm.train(params, fitted, num_boost_round=trees)
    gain = booster.feature_importance("gain").tolist()
    return Model(
        booster=booster,
        features=spec.features,
        calibration=calibration,
        thresholds={"high": 0.3, "medium": 0.1},
        baseline=Rule(spec.features[0], 1, 0.0, 0.5, calibration),
        null_shares=(0.1,) * len(spec.features),
        threads=spec.threads,
        facts={},
        baselines=drift.baselines(spec.features, numbers, calibration(booster.predict(numbers, raw_score=True)), gain),
    )


def _scored(spec: Spec, build_id: int, folder: Path) -> tuple[float, dict[str, float], int, int]:
    """In the child: seconds, processor seconds by who used them, peak and peak before the first row, both in KiB."""
    from ml.data.scores import Target, replace_scores
    from ml.techniques import technique

    how = technique(spec.technique)
    model = how.load(folder)
    target = Target(TODAY, build_id, spec.name, "1", True, "none")
    before = _peak()
    began, own, server = time.perf_counter(), time.process_time(), server_seconds()
    with db.connect("scorer") as reader, db.connect("scorer") as writer:
        replace_scores(writer, target, how.scored(reader, spec, model, target), (how.scores.table,))
        used = {"Postgres reading": _used(reader), "Postgres writing": _used(writer)}
    # Workers that helped with the reading, and what writes to the disk, are in this alone.
    used["Postgres in all"] = server_seconds() - server
    used["Python"] = time.process_time() - own
    return time.perf_counter() - began, used, _peak(), before


def _used(link: Any) -> float:
    """Processor seconds of a session of a server on this machine."""
    used = psutil.Process(link.info.backend_pid).cpu_times()
    return float(used.user + used.system)


def _peak() -> int:
    """This process' most memory so far, in KiB; on Linux without what its parent held when it was started."""
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (one for one in status.read_text(encoding="ascii").splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
