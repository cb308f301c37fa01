"""`python -m ml bench sentiment`: the sentiment model's technique on any file of labelled texts, cross-validated."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from ml.bench._json import as_json, count
from ml.errors import DataError, DataPrerequisite, ModelError
from ml.judging.kinds.classes import METRICS, RESAMPLES, class_metrics
from ml.models.sentiment import SPEC
from ml.public.table import read_text
from ml.techniques.text import fit

FOLDS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file and its columns."""
    parser.add_argument("--csv", type=Path, required=True, help="texts with classes, a line each")
    parser.add_argument("--text", default="text", help="column of the text (default: text)")
    parser.add_argument("--target", default="class", help="column of the class (default: class)")
    parser.add_argument("--seeds", type=count, default=5, help="how many divisions into folds, all of them reported")


def run(args: argparse.Namespace) -> int:
    """Print one JSON document; 1 with a sentence where the file can't be judged."""
    try:
        texts, label, names = read_texts(args.csv, args.text, args.target)
        report = judge(texts, label, names, tuple(range(1, args.seeds + 1)))
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    print(as_json(report | {"file": args.csv.name}))
    return 0


def read_texts(path: Path, text: str, target: str) -> tuple[list[str], np.ndarray, list[str]]:
    """Texts (an absent one is empty), labels (n,) 0..classes-1, and the classes' names in that order."""
    frame, _ = read_text(path)
    if absent := [name for name in (text, target) if name not in frame.columns]:
        raise DataError(f"{path.name} has no column {', '.join(absent)}. It has: {', '.join(frame.columns)}.")
    frame = frame.loc[frame[target].notna()]
    names = sorted(frame[target].unique())
    label = frame[target].map({name: at for at, name in enumerate(names)}).to_numpy(np.int64)
    return frame[text].fillna("").tolist(), label, [str(name) for name in names]


def judge(texts: list[str], label: np.ndarray, names: list[str], seeds: tuple[int, ...]) -> dict[str, Any]:
    """Every text is read once a seed, by a model that hasn't seen it. Raises DataPrerequisite where texts are few."""
    classes, count = len(names), np.bincount(label)
    if classes < 2 or count.min() < FOLDS:
        there = {name: int(number) for name, number in zip(names, count, strict=True)}
        raise DataPrerequisite(f"Each of two or more classes needs {FOLDS} texts: {there}.", {"texts": there})
    found = np.stack([_read(texts, label, classes, seed) for seed in seeds])
    sides = {"model": found, "majority": np.full((1, len(label)), int(count.argmax()))}
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(label), len(label)) for _ in range(RESAMPLES)]
    report: dict[str, Any] = {}
    for side, answers in sides.items():
        own = np.array([_metrics(one, label, classes) for one in answers])
        samples = np.array(
            [np.mean([_metrics(one[rows], label[rows], classes) for one in answers], axis=0) for rows in drawn]
        )
        low, high = np.percentile(samples, [2.5, 97.5], axis=0)
        report[side] = {
            name: {"value": float(own[:, at].mean()), "low": float(low[at]), "high": float(high[at])}
            for at, name in enumerate(METRICS)
        } | {"by_seed": [dict(zip(METRICS, map(float, one), strict=True)) for one in own]}
    return {
        "question": "sentiment",
        "texts": len(texts),
        "classes": {name: int(number) for name, number in zip(names, count, strict=True)},
        "protocol": {
            "folds": FOLDS,
            "seeds": list(seeds),
            "params": dict(SPEC.params.items()),
            "intervals": f"95 %, {RESAMPLES} bootstrap resamples of texts; values are means over seeds",
        },
        "metrics": report,
    }


def _read(texts: list[str], label: np.ndarray, classes: int, seed: int) -> np.ndarray:
    found = np.empty(len(label), dtype=np.int64)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for learn, held in folds.split(np.zeros(len(label)), label):
        terms, linear, _ = fit([texts[at] for at in learn], label[learn], SPEC.params, classes)
        found[held] = linear.chances(terms([texts[at] for at in held])).argmax(axis=1)
    return found


def _metrics(found: np.ndarray, label: np.ndarray, classes: int) -> np.ndarray:
    return class_metrics(np.bincount(label * classes + found, minlength=classes**2).reshape(classes, classes) * 1.0)
