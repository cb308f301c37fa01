"""How models learn: the verbs know of a technique only what is said here.

A technique is a module of this folder with `train(spec, data, split) -> Model`, deterministic given spec, data
and threads, and `load(folder) -> Model` from the files that `Model.save` wrote, running no code from them. What
else it has of `Technique`'s fields replaces the default.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ml.data.scores import Chunk, Scored, Target
from ml.errors import ModelError
from ml.judging.judgement import Judgement

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from psycopg2.extensions import connection

    from ml.data.build import Build
    from ml.judging.gate import Check
    from ml.spec import Gates, Spec


class DataSet(Protocol):
    """What a model learns from and is judged on: n rows of as-of dates, of a build.

    `content_hash` is of everything in it. `empty` are features of the spec without any value. `positives` is
    None where the question has none.
    """

    build: Build
    features: tuple[str, ...]
    types: dict[str, str]
    empty: tuple[str, ...]
    content_hash: str

    @property
    def rows(self) -> int:
        """n."""

    @property
    def positives(self) -> int | None:
        """How many rows are positive."""

    def dates(self) -> list[date]:
        """The as-of dates, oldest first."""

    def on(self, day: date) -> np.ndarray:
        """The mask (n,) of a date's rows."""


class Split(Protocol):
    """What is learnt from and what is judged on. `periods` are the dates of train, calibration and test."""

    test: np.ndarray
    rule: str
    periods: dict[str, list[str]]

    def newest_learnt(self) -> date:
        """The newest as-of date that anything was learnt from."""


class Model(Protocol):
    """A trained model. The default scoring also wants `null_shares`, `score`, `bands` and `reasons` (see `binary`).

    `facts` are JSON: from the technique at least `baseline` (what the model is judged against) and `about`
    (sentences for the model card); numbers and words directly in it become the run's parameters.
    """

    features: tuple[str, ...]
    facts: dict[str, Any]

    def judge(self, data: Any, rows: np.ndarray, seed: int) -> Judgement:
        """Against the baseline on the rows (mask (n,))."""

    def against(self, rival: Any, data: Any, rows: np.ndarray, seed: int) -> Judgement:
        """Against another model of the technique, in the baseline's place, in pairs on the same rows."""

    def figures(self, data: Any, rows: np.ndarray, seed: int) -> dict[str, Figure]:
        """File name → plot."""

    def save(self, folder: Path, example: dict[str, Any]) -> None:
        """Write an MLflow model with signature and example, of plain files, into the new folder."""


@dataclass(frozen=True)
class Technique:
    """A technique with its defaults filled in.

    - `read(spec, as_of, build_id)`: the data set; default: features joined with a 0/1 label.
    - `again(spec, model, as_of, build_id)`: the data set by which a model in use is judged again; default: `read`'s.
    - `split(spec, data)`: default: by date, out of time. The same data give the same split.
    - `check(link, spec, data)`: raises LeakageFound; returns what it looked at, a sentence for the model card.
    - `example(data, split)`: an input example that is nobody's; default: each feature's median.
    - `checks(gates, judged)`: what a version must show by its metrics.
    - `audit(spec, model, data, split)`: further checks that need the rows (fairness, drift).
    - `scored(reader, spec, model, target)`: chunks of scores of the class `scores`, which names their table;
      or of those in `more_scores`.
    - `explains(model)`: what has `features`, `score` and `reasons` of any customer (`ml.explain`); default: nothing.
    """

    train: Callable[[Spec, Any, Any], Any]
    load: Callable[[Path], Any]
    read: Callable[[Spec, date, int | None], Any]
    again: Callable[[Spec, Any, date, int | None], Any]
    split: Callable[[Spec, Any], Any]
    check: Callable[[connection, Spec, Any], str]
    example: Callable[[Any, Any], dict[str, Any]]
    checks: Callable[[Gates, Judgement], list[Check]]
    audit: Callable[[Spec, Any, Any, Any], list[Check]]
    scored: Callable[[connection, Spec, Any, Target], Iterator[Chunk]]
    scores: type[Chunk] = Scored
    more_scores: tuple[type[Chunk], ...] = ()
    explains: Callable[[Any], Any] | None = None


def technique(name: str) -> Technique:
    """The technique of that name, imported at its first use (LightGBM reads its environment then)."""
    from ml.data.leakage import check_leakage
    from ml.data.split import split_by_time
    from ml.data.training import median_row, read_training
    from ml.judging.gate import checks
    from ml.score import scored

    try:
        module = importlib.import_module(f"ml.techniques.{name}")
        own = {part.name: getattr(module, part.name) for part in fields(Technique) if hasattr(module, part.name)}
        read = own.get("read", read_training)
        return Technique(
            **{
                "read": read,
                "again": lambda spec, model, as_of, build_id: read(spec, as_of, build_id),
                "split": split_by_time,
                "check": check_leakage,
                "example": median_row,
                "checks": checks,
                "audit": _nothing_more,
                "scored": scored,
                **own,
            }
        )
    except (ModuleNotFoundError, TypeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != f"ml.techniques.{name}":
            raise
        raise ModelError(f"There is no technique {name!r} in ml/techniques with `train` and `load`.") from error


def _nothing_more(spec: Spec, model: Any, data: Any, split: Any) -> list[Check]:
    return []
