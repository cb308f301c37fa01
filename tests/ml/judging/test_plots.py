"""What the plots draw, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.judging import plots
from ml.judging.kinds import ranking
from ml.judging.kinds.uplift import Trial
from ml.techniques.uplift.plots import promised_effects, together


def line(figure, at=0):
    (axes,) = figure.axes
    return axes.lines[at].get_ydata()


def test_the_gain_of_an_amount_is_the_share_of_the_sum_that_the_first_have():
    margin = np.array([10.0, -10.0, 60.0, 40.0])
    figure = plots.gain(np.array([1, 0, 3, 2]), np.array([0, 1, 2, 3]), margin, "before", "realised margin")
    assert line(figure).tolist() == pytest.approx([0.6, 1.0, 1.1, 1.0])
    assert line(figure, 1).tolist() == pytest.approx([0.4, 1.0, 0.9, 1.0])
    assert "realised margin" in figure.axes[0].get_ylabel()


def test_contributions_say_their_unit_and_of_what_they_are():
    figure = plots.importance(["a", "b"], np.array([[1.0, -2.0], [3.0, 0.0]]), "currency units a year", "pairs")
    (axes,) = figure.axes
    assert (axes.get_title(), axes.get_xlabel()) == ("SHAP on 2 pairs", "mean |contribution|, currency units a year")
    assert [bar.get_width() for bar in axes.patches] == [1.0, 2.0]


def test_the_lift_of_an_amount_is_each_tenths_mean_against_everybodys():
    margin = np.arange(20.0)
    figure = plots.lift(margin, margin, "mean margin")
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == pytest.approx([(18.5 - 2 * at) / 9.5 for at in range(10)])
    assert figure.axes[0].get_ylabel() == "mean margin against everybody's"


def test_the_gain_of_a_ranking_is_what_lies_among_the_first_k():
    scores = np.array([[3.0, 2.0, -np.inf], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    taken = np.array([[False, True, True], [False, False, True], [True, False, False]])
    assert line(ranking.gain_plot({"model": scores}, taken)).tolist() == pytest.approx([1 / 4, 2 / 4, 3 / 4])


def test_all_offers_effects_are_shown_together():
    rng = np.random.default_rng(1)
    trials = []
    for effect in (0.1, 0.5):
        treated = rng.random(4000) < 0.5
        bought = (rng.random(4000) < 0.2 + effect * treated).astype(float)
        trials.append((Trial(bought, treated, np.ones(4000)), np.full(4000, effect) + rng.normal(0, 1e-3, 4000)))
    whole, promised = together(trials)
    assert len(whole.outcome) == len(promised) == 8000
    (axes,) = promised_effects("all offers", whole, promised).axes
    said, seen = axes.lines[0].get_xdata(), axes.lines[0].get_ydata()
    assert seen == pytest.approx(said, abs=0.06)
    assert (said.min(), said.max()) == pytest.approx((0.1, 0.5), abs=0.01)
