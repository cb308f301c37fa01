"""Models, as faults meet them: a training is kept whole or not at all; the champion scores, or the scores stay.

What is learnt is made up, and the same each time: here it counts what is left in MLflow and in the scores.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bankmart import db, settings
from bankmart.bench.faults.bank import Bank, query
from bankmart.bench.faults.stage import Stage
from bankmart.bench.faults.strike import Act, fork, wait

MODEL = "value_up"
FEATURES = ("aum_amount", "session_count_90d", "account_count")
ROWS = 6_000
RUNS = "select count(*) from tags where key = 'content_hash' and value = %s"


class Train(Stage):
    """What a training leaves in MLflow: a run, the model's files, a version."""

    name, asks_mlflow = "train", True

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.number = 0
        self.before: Any = None

    def begin(self, rng: random.Random, point: str) -> Act:
        """Other data each time: the same are not trained on again."""
        self.number += 1
        self.before = _champion()
        tags = self._tags()

        def act() -> None:
            from ml.tracking import registry
            from ml.tracking.server import tracking

            with tracking():
                if registry.find_version(MODEL, **tags) is None:
                    register(tags)

        return act

    def is_told(self, since: int) -> bool:
        """By MLflow's run: nobody but the next step sees what a training leaves."""
        return _has_run(self._tags()["content_hash"])

    def findings(self) -> list[str]:
        """There is a version; whatever there is is whole, and nothing is promoted."""
        from mlflow import MlflowClient, artifacts

        from ml.tracking import package, registry
        from ml.tracking.server import tracking

        found = []
        with tracking():
            wanted = f"name = '{MODEL}' and tags.`content_hash` = '{self._tags()['content_hash']}'"
            made = MlflowClient().search_model_versions(wanted)
            for each in made:
                whole = registry.get_version(MODEL, int(each.version))
                with TemporaryDirectory() as folder:
                    artifacts.download_artifacts(f"models:/{MODEL}/{each.version}", dst_path=folder)
                    # Raises where a file is missing or damaged.
                    package.verify(Path(folder), whole.tags.get(registry.HASHES_TAG), f"version {each.version}")
                found += [f"version {each.version} is {each.aliases}"] if each.aliases else []
        now = _champion()
        found += [] if made else ["no version is registered"]
        return found + ([] if now == self.before else [f"{now} is champion, {self.before} was"])

    def _tags(self) -> dict[str, str]:
        return {"as_of": self.bank.published.isoformat(), "content_hash": f"case {self.number}"}


class Serve(Stage):
    """The champion's files are fetched, and it scores the build's customers."""

    name, attempt, asks_mlflow = "serve", "score_begun", True

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.point = ""

    def begin(self, rng: random.Random, point: str) -> Act:
        """The first time a champion is made; its scores are written over those of before."""
        from ml import score

        self.point = point
        if _champion() is None:
            tags = {"as_of": self.bank.published.isoformat(), "content_hash": "the champion"}
            log = settings.state_dir() / "champion.log"
            if wait(fork(lambda: _make_champion(tags), "", log)) != 0:
                raise AssertionError(log.read_text(encoding="utf-8"))
        build = self.bank.build

        def act() -> None:
            # Whether the date is published without scores by then, or not.
            score.run(MODEL, build.business_date, build.build_id, anew=True)

        return act

    def is_told(self, since: int) -> bool:
        """From when it begins to write; who can't fetch the champion has begun nothing."""
        return self.point != "serve.scored" or super().is_told(since)

    def findings(self) -> list[str]:
        """Each customer of the population has one score, by the champion."""
        champion, build_id = _champion(), self.bank.build.build_id
        said = query("select model_version, count(*), count(distinct customer_id) from scores.customer_score"
                     " where model = %s and build_id = %s and is_champion group by 1", MODEL, build_id)  # fmt: skip
        ((wanted,),) = query("select count(*) from features.ftr_customer where build_id = %s and as_of_date = %s"
                             " and aum_amount >= 1000 and aum_amount < 1000000", build_id,
                             self.bank.build.business_date)  # fmt: skip
        return [] if said == [(champion, wanted, wanted)] else [f"scores: {said}, wanted: {champion}, {wanted}"]


def register(tags: dict[str, str]) -> Any:
    """Leave the model in MLflow as a training does; its version."""
    from ml.spec import load_spec
    from ml.tracking import registry

    spec, (model, example) = load_spec(MODEL), _learnt()
    left = registry.Training(
        params={"seed": 1}, metrics={"auc": 0.5}, texts={"model_card.md": "made up"}, documents={}, figures={},
        dataset={"content_hash": tags["content_hash"]}, tags=tags,
    )  # fmt: skip
    with registry.training_run(spec, tags):
        return registry.register_training(spec, model, example, left)


def _make_champion(tags: dict[str, str]) -> None:
    from ml.tracking import registry
    from ml.tracking.server import tracking

    with tracking():
        registry.name_champion(register(tags), "faults")


def _champion() -> str | None:
    from ml.tracking import registry
    from ml.tracking.server import tracking

    with tracking():
        found = registry.by_alias(MODEL)
    return found.number if found else None


def _has_run(content: str) -> bool:
    with db.connect("mlflow", settings.MLFLOW) as link, link.cursor() as cursor:
        cursor.execute(RUNS, (content,))
        return bool(db.one(cursor)[0])


def _learnt() -> tuple[Any, dict[str, float | None]]:
    """A model of a few features, and an input example."""
    # Only in processes of their own: LightGBM's threads are lost to who is forked, and waited for there for ever.
    from ml.data.build import Build
    from ml.data.split import split_by_time
    from ml.data.training import TrainingSet, as_day, median_row
    from ml.spec import load_spec
    from ml.techniques import binary

    spec = replace(
        load_spec(MODEL), features=FEATURES, baseline_columns=FEATURES[1:2], threads=1,
        params={"num_leaves": 7, "learning_rate": 0.1, "min_data_in_leaf": 20, "num_boost_round": 20},
    )  # fmt: skip
    rng = np.random.default_rng(1)
    numbers = np.column_stack([rng.gamma(2, 20_000, ROWS), rng.poisson(9, ROWS), rng.poisson(2, ROWS)]).astype(float)
    days = np.array([as_day(date(2025, 1, 31) + timedelta(30 * at)) for at in range(8)])
    data = TrainingSet(
        build=Build(0, date(2025, 12, 31), "training", "passed", None),
        customers=np.array([f"C{at:05d}".encode() for at in range(ROWS)]),
        day=np.sort(rng.choice(days, ROWS)).astype(np.int32),
        numbers=numbers,
        label=(rng.random(ROWS) < 1 / (1 + np.exp(2.5 - 0.15 * numbers[:, 1]))).astype(np.int8),
        features=FEATURES,
        empty=(),
        types=dict.fromkeys(FEATURES, "double precision"),
        content_hash="made up",
    )
    split = split_by_time(spec, data)
    return binary.train(spec, data, split), median_row(data, split)
