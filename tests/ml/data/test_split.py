from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.data.build import Build
from ml.data.split import buckets, split_by_time
from ml.data.training import TrainingSet, as_day
from ml.errors import DataPrerequisite
from ml.spec import Needs, load_spec

SPEC = replace(load_spec("churn"), needs=Needs(5, 5, 5))


def training_set(days: list[int], customers: int = 400, share: float = 0.3) -> TrainingSet:
    rng = np.random.default_rng(0)
    rows = len(days) * customers
    return TrainingSet(
        build=Build(1, date(2026, 1, 1), "training", "passed", None),
        customers=np.tile(np.array([f"C{at}".encode() for at in range(customers)]), len(days)),
        day=np.repeat(np.array(sorted(days), dtype=np.int32), customers),
        numbers=rng.normal(size=(rows, 1)),
        label=(rng.random(rows) < share).astype(np.int8),
        features=("x",),
        empty=(),
        types={},
        content_hash="",
    )


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(20_000, 20_700), min_size=2, max_size=14))
def test_nothing_learnt_from_overlaps_the_test(days):
    data = training_set(sorted(days))
    try:
        split = split_by_time(SPEC, data)
    except DataPrerequisite:
        assert max(days) - min(days) < 90
        return
    learnt = split.train | split.stop | split.calibration
    assert (data.day[split.test] == max(days)).all()
    assert (data.day[learnt] + 90 <= max(days)).all()
    parts = split.train.astype(int) + split.stop + split.calibration + split.test
    assert parts.max() == 1
    fitted = set(data.customers[split.train])
    assert fitted.isdisjoint(data.customers[split.stop])
    if "short history" in split.rule:
        assert (fitted | set(data.customers[split.stop])).isdisjoint(data.customers[split.calibration])
    else:
        assert data.day[split.train].max() + 90 <= data.day[split.calibration].min()


def test_a_long_history_keeps_a_gap_before_calibration_too():
    first = as_day(date(2024, 1, 31))
    split = split_by_time(SPEC, training_set([first + 30 * at for at in range(12)]))
    assert split.rule == "a gap of 90 days before calibration and before test"
    assert len(split.periods["train"]) == 6
    assert split.newest_learnt() == date(2024, 1, 31) + timedelta(days=240)


def test_too_few_positives_are_said_with_their_number():
    with pytest.raises(DataPrerequisite, match="has 0 positives") as raised:
        split_by_time(SPEC, training_set([20_000, 20_100], share=0.0))
    assert raised.value.report["positives"] == 0


def test_a_customer_stays_in_its_bucket():
    customers = np.array([f"C{at}".encode() for at in range(1000)])
    one = buckets(customers, 4, "calibration")
    assert (buckets(customers[::-1], 4, "calibration")[::-1] == one).all()
    assert (buckets(customers.astype("S40"), 4, "calibration") == one).all()
    assert np.bincount(one).min() > 200
    other = buckets(customers, 4, "other")
    table = np.histogram2d(one, other, bins=4)[0]
    assert table.min() > 30, "two divisions must have nothing to do with each other"
