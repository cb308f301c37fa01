from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from ml.data.build import Build
from ml.data.training import TrainingSet, as_day
from ml.judging.rolling import origins, rolling, subset
from ml.spec import Needs, load_spec

SPEC = replace(load_spec("churn"), features=("signal",), needs=Needs(1, 1, 1))


def bank(dates=10, rows=1_000):
    rng = np.random.default_rng(1)
    first = date(2025, 1, 31)
    day = np.repeat([as_day(first + timedelta(30 * at)) for at in range(dates)], rows).astype(np.int32)
    signal = rng.normal(size=len(day))
    label = (rng.random(len(day)) < 1 / (1 + np.exp(1 - signal))).astype(np.int8)
    customers = np.tile([f"C{at}".encode() for at in range(rows)], dates)
    return TrainingSet(
        Build(0, date(2026, 6, 30), "training", "passed", None),
        customers, day, signal[:, None], label, ("signal",), (), {"signal": "real"}, "",
    )  # fmt: skip


def test_an_origin_knows_nothing_later_and_keeps_its_own_gap():
    data = bank()
    days = np.unique(data.day)
    found = list(origins(SPEC, data, 3))
    assert [np.unique(until.day[split.test]).tolist() for until, split in found] == [[days[-2]], [days[-3]], [days[-4]]]
    for until, split in found:
        assert until.day.max() == until.day[split.test].max()
        assert until.day[split.train].max() + SPEC.horizon_days <= until.day[split.test].min()


def test_it_ends_where_history_does_and_origins_with_few_positives_are_left_out():
    assert len(list(origins(SPEC, bank(dates=5), 9))) == 1
    assert list(origins(SPEC, bank(dates=5, rows=100), 9)) == []


def test_each_origin_is_judged_on_its_own_customers():
    data = bank()
    found = rolling(SPEC, data, 2, lambda until, split: until.numbers[split.test, 0])
    assert [one["rows"] for one in found] == [1_000, 1_000]
    assert found[0]["test"] > found[1]["test"]
    assert all(0.7 < low < value < high < 0.9 for value, low, high in (one["auc"] for one in found))


def test_a_subset_has_every_row_wise_part():
    data = bank(dates=2)
    part = subset(data, data.day == data.day.max())
    assert len(part.customers) == len(part.label) == len(part.numbers) == len(part.day) == 1_000
    assert part.features == data.features
