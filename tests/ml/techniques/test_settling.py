"""Settings are settled before the test date: whatever happens on it changes nothing of the choice."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from ml.data.split import Split
from ml.judging.judgement import Interval, Judgement
from ml.spec import load_spec
from ml.techniques.settling import AS_WRITTEN, settle

DAYS = np.repeat([0, 30, 60, 90, 120, 150, 180], 300)


class Constant:
    """A model whose one setting is its quality; it notes what it learnt from and was judged on."""

    seen: list[tuple[float, set[int], set[int]]] = []

    def __init__(self, spec, split):
        self.quality, self.learnt = spec.params["quality"], set(DAYS[split.train].tolist())

    def against(self, rival, data, rows, seed):
        self.seen.append((self.quality, self.learnt, set(DAYS[rows].tolist())))
        gap = self.quality - rival.quality
        interval = {"ndcg_3": Interval(gap, gap - 0.1, gap + 0.1)}
        return Judgement(int(rows.sum()), 1, {"ndcg_3": True}, interval, interval, interval)


def settled(least=100, **settings):
    spec = load_spec("recommend")
    spec = replace(
        spec, params={"quality": 0.5, "settings": {name: {"quality": one} for name, one in settings.items()}}
    )
    spec = replace(spec, needs=replace(spec.needs, train_positives=least))
    odd, none = np.arange(len(DAYS)) % 8 == 0, np.zeros(len(DAYS), dtype=bool)
    learn = DAYS <= 90
    split = Split(learn & ~odd, learn & odd, none, DAYS == 180, "", {"train": [], "calibration": [], "test": []})
    data = SimpleNamespace(day=DAYS)
    return settle(spec, data, split, lambda day, later: day + 60 <= later, lambda one, _, part: Constant(one, part))


def test_the_best_beyond_chance_is_taken_on_a_date_of_its_own_before_the_test():
    Constant.seen.clear()
    spec, facts = settled(good=0.7, better=0.8, worse=0.1)
    assert (spec.params, facts["settings"]) == ({"quality": 0.8}, "better")
    assert {tuple(map(frozenset, one[1:])) for one in Constant.seen} == {(frozenset({0, 30}), frozenset({90}))}
    assert "settled on 1970-04-01" in facts["settled"].lower()
    assert "good +0.2000 [+0.1000, +0.3000]" in facts["settled"]


def test_chance_or_a_short_history_leaves_what_is_written():
    spec, facts = settled(luck=0.55)
    assert (spec.params, facts["settings"]) == ({"quality": 0.5}, AS_WRITTEN)
    spec, facts = settled(least=10_000, better=0.8)
    assert (spec.params, facts["settings"]) == ({"quality": 0.5}, AS_WRITTEN)
    assert "too little history" in facts["settled"]


def test_each_try_is_a_nested_run_with_what_it_changed_and_found(registry):
    import mlflow

    mlflow.set_experiment("settling")
    with mlflow.start_run() as run:
        settled(good=0.7, worse=0.1)
    children = registry.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    found = {(one.data.params["settings"], one.data.params.get("quality")): one.data.metrics for one in children}
    assert {name: round(one["ndcg_3_ahead"], 6) for name, one in found.items()} == {
        (AS_WRITTEN, None): 0.0,
        ("good", "0.7"): 0.2,
        ("worse", "0.1"): -0.4,
    }
    assert {one.info.status for one in children} == {"FINISHED"}
