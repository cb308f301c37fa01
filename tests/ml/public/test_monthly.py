from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml import train
from ml.bench.response import judge
from ml.cadence import is_due, month_end_before
from ml.data.split import split_by_time
from ml.data.training import as_date, as_day
from ml.errors import DataPrerequisite
from ml.public import monthly, window
from ml.public.contacts import Contacts
from ml.public.gain import figures
from ml.public.monthly import known_at, walk_monthly
from ml.public.window import RESPONSE, Protocol

ONE = Protocol(window=4000, every=100, seeds=(1,), settings=RESPONSE, nightly=True, beside=(1,))
FIRST, DAYS, A_DAY = date(2024, 1, 1), 420, 30


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    made = window.spec_of

    def few(*given):
        spec = made(*given)
        return replace(spec, params=spec.params | {"num_boost_round": 60, "trials": 0})

    monkeypatch.setattr(monthly, "spec_of", few)
    monkeypatch.setattr(window, "spec_of", few)


def campaign(tells=2.0):
    """Contacts of fourteen months, thirty a day: buyers follow from a step and a bend of x."""
    rng = np.random.default_rng(2)
    rows = DAYS * A_DAY
    x, noise = rng.normal(size=rows), rng.normal(size=rows)
    odds = -2.5 + tells * ((np.abs(x) > 1) * 1.5 + (x > 0.5))
    return Contacts(
        moment=as_day(FIRST) + np.repeat(np.arange(DAYS, dtype=float), A_DAY),
        label=(rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int8),
        numeric=pd.DataFrame({"x": x, "noise": noise}),
        categorical=pd.DataFrame({"job": pd.Series(rng.choice(["a", "b"], rows), dtype=object)}),
        positive="yes",
        left_out={},
    )


def test_the_rule_is_that_of_the_dag(monkeypatch):
    ends = [day for day in map(as_date, range(as_day(FIRST), as_day(FIRST) + 60)) if is_due(day)]
    assert ends == [date(2024, 1, 31), date(2024, 2, 29)]
    assert month_end_before(date(2024, 3, 1)) == month_end_before(date(2024, 3, 31)) == date(2024, 2, 29)
    # Both ask the same function: another rule is another one for both.
    monkeypatch.setattr(train, "is_due", lambda day: day == date(2024, 2, 10))
    monkeypatch.setattr(train.retrain, "waiting", list)
    assert train.due(["churn"], date(2024, 2, 10)) == ["churn"]
    monkeypatch.setattr(monthly, "is_due", lambda day: False)
    with pytest.raises(ValueError, match="isn't due on 2024-02-29"):
        known_at(campaign(), np.empty((0, 0)), None, date(2024, 2, 29), 10)


def test_a_version_knows_its_month_end_and_nothing_later_and_is_split_as_the_platform_does():
    contacts = campaign()
    numbers, names = monthly._numbers(contacts, 300 * A_DAY, 4000)
    spec = monthly._spec(names, 1, 1)
    data = known_at(contacts, numbers, spec, date(2024, 9, 30), 4000)
    assert data.rows == 4000
    assert data.dates()[-1] == date(2024, 8, 31), "September's contacts are of the date before"
    known = as_day(date(2024, 9, 30)) - as_day(FIRST) + 1
    np.testing.assert_array_equal(data.label, contacts.label[: known * A_DAY][-4000:])
    split = split_by_time(spec, data)
    assert split.periods["test"] == ["2024-08-31"]
    assert max(split.periods["train"] + split.periods["calibration"]) == "2024-07-31"


def test_what_passes_the_gates_serves_and_later_outcomes_move_no_earlier_score():
    contacts = campaign()
    first = 300 * A_DAY
    walked = walk_monthly(contacts, ONE, first, 4000)
    assert (walked.trained, walked.skipped) == ([5], [0]), "months of October 26th to February 23rd"
    assert walked.passed[0] >= 1, walked.refused
    label = contacts.label[first:]
    assert figures(walked.champion[0], label)[0] > 0.7
    later = (date(2024, 12, 1) - FIRST).days * A_DAY
    turned = replace(contacts, label=np.where(np.arange(len(contacts)) < later, contacts.label, 1 - contacts.label))
    other = walk_monthly(turned, ONE, first, 4000)
    until = (date(2025, 1, 1) - FIRST).days * A_DAY - first
    for side in ("newest", "champion"):
        np.testing.assert_array_equal(getattr(other, side)[:, :until], getattr(walked, side)[:, :until])
    assert (other.newest[:, until:] != walked.newest[:, until:]).any()


def test_where_nothing_passes_the_first_version_stays():
    contacts = campaign(tells=0.0)
    first = 300 * A_DAY
    walked = walk_monthly(contacts, ONE, first, 4000)
    assert walked.passed == [0]
    assert walked.refused[0]["auc above the baseline"] == 5
    assert (walked.newest != walked.champion).any()
    # One version throughout: cut into months or not, the same contact gets the same score.
    same = contacts.numeric.copy()
    same.iloc[first:] = 0.1
    walked = walk_monthly(replace(contacts, numeric=same), ONE, first, 4000)
    for job in ("a", "b"):
        assert len(np.unique(walked.champion[0][contacts.categorical["job"].to_numpy()[first:] == job])) == 1
    assert len(np.unique(walked.newest)) > 2


def test_too_little_before_is_a_reason():
    contacts = campaign()
    rare = replace(contacts, label=np.where(np.arange(len(contacts)) % 2000 == 0, 1, 0).astype(np.int8))
    with pytest.raises(DataPrerequisite, match="At no month's end before 2024-09-30"):
        walk_monthly(rare, ONE, 300 * A_DAY, 4000)


def test_beside_the_main_figure_stand_those_without_memory_and_as_the_dag_does():
    contacts = campaign()
    cut = replace(
        contacts,
        **{name: getattr(contacts, name)[: 380 * A_DAY] for name in ("moment", "label", "numeric", "categorical")},
    )
    asked = replace(ONE, start=0.85, every=900)
    report = judge(cut, asked)
    assert list(report["metrics"]) == ["rolling", "frozen", "logistic", "without_memory", "monthly", "monthly_gated"]
    assert report["difference"]["rolling less without_memory"]["auc"]["value"] != 0
    assert (report["as_the_dag"]["seeds"], report["as_the_dag"]["trained"]) == ((1,), [3])
    plain = judge(cut, replace(asked, beside=()))
    assert plain["metrics"]["rolling"] == report["metrics"]["rolling"], "the main figure is the same without them"
    assert "as_the_dag" not in plain
