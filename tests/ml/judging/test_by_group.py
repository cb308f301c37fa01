"""Figures by group for what isn't a probability: a planted unfairness is found, and a fair side isn't blamed."""

from __future__ import annotations

import numpy as np
import pytest

from ml.judging.fairness import by_group, unfair, widest
from ml.judging.gate import checks, gap_limits
from ml.judging.judgement import Interval, Judgement
from ml.judging.kinds.classes import errors_by_group
from ml.judging.kinds.clusters import shares_by_group
from ml.judging.kinds.outliers import alerts_by_group
from ml.judging.kinds.policy import Policy
from ml.judging.kinds.ranking import shown_by_group
from ml.judging.kinds.uplift import effects_by_group
from ml.judging.kinds.value import promises_by_group
from ml.spec import Gates

ROWS = 4000
SEX = np.where(np.random.default_rng(3).random(ROWS) < 0.5, "F", "M").astype(object)
WOMEN = SEX == "F"


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def gaps(measured):
    """The women's gaps, and that the men's are theirs turned round."""
    women, men = by_group(measured, {"sex": SEX}, resamples=100)
    for name in measured.names:
        assert women.gaps[name].value == pytest.approx(-men.gaps[name].value, nan_ok=True)
    return women.gaps


def apart(gap):
    return gap.low > 0 or gap.high < 0


def test_uplift_whom_it_contacts_and_whom_contacts_really_change(rng):
    treated = rng.random(ROWS) < 0.5
    bought = rng.random(ROWS) < 0.1 + 0.2 * treated * ~WOMEN

    def measured(selected):
        policy = Policy(treated * 1, selected * 1, np.full(ROWS, 0.5), bought * 1.0, bought * 1.0)
        return gaps(effects_by_group(policy, np.ones(ROWS), np.full(ROWS, 0.1)))

    selected = rng.random(ROWS) < 0.3
    found = measured(selected)
    assert found["observed_uplift"].value == pytest.approx(-0.2, abs=0.05)
    assert apart(found["observed_uplift"])
    assert found["calibration"].value == pytest.approx(0.2, abs=0.05), "women are promised what only men get"
    assert not apart(found["selection_rate"])
    assert found["uplift_of_selected"].high < 0
    assert measured(selected & ~WOMEN)["selection_rate"].high < -0.2


def test_recommend_who_is_shown_what_and_who_finds_what_was_taken(rng):
    lines = ["loan", "fund", "fund", "deposit"]
    scores = rng.random((ROWS, 4))
    scores[WOMEN, 0] += 10
    taken = np.zeros((ROWS, 4), dtype=bool)
    taken[np.arange(ROWS), rng.integers(0, 4, ROWS)] = True
    found = gaps(shown_by_group(scores, taken, lines, k=1))
    assert found["exposure_loan"].low > 0.6
    assert found["exposure_deposit"].high < -0.1
    assert not apart(found["hit_rate_1"])
    fair = scores - 10 * WOMEN[:, None] * (np.arange(4) == 0)
    found = gaps(shown_by_group(fair + 5 * (taken & ~WOMEN[:, None]), taken, lines, k=1))
    assert found["hit_rate_1"].high < -0.5
    none = np.where(np.arange(4) == 0, -np.inf, fair)
    assert gaps(shown_by_group(none, taken, lines, k=1))["exposure_loan"].value == 0, "what is no candidate isn't shown"


def test_value_whose_promises_are_too_high(rng):
    came = rng.gamma(2, 100, ROWS)
    fair = came * rng.lognormal(-0.02, 0.2, ROWS)
    found = gaps(promises_by_group(fair, came, fair > 400))
    assert not apart(found["promised_to_realised"])
    assert not apart(found["selection_rate"])
    found = gaps(promises_by_group(np.where(WOMEN, 0.7 * fair, fair), came, (fair > 400) & ~WOMEN))
    assert found["promised_to_realised"].value == pytest.approx(-0.3, abs=0.03)
    assert found["promised_to_realised"].high < -0.2
    assert found["selection_rate"].high < 0


def test_segments_whose_shares_and_whose_stability_differ(rng):
    own = np.where(WOMEN & (rng.random(ROWS) < 0.5), 1, 0)
    kept = np.where(WOMEN, 0.6, 0.95)
    found = gaps(shares_by_group(own, ("s1", "s2"), kept))
    assert found["share_s2"].value == pytest.approx(0.5, abs=0.05)
    assert found["kept"].value == pytest.approx(-0.35)
    found = gaps(shares_by_group(rng.integers(0, 2, ROWS), ("s1", "s2"), np.ones(ROWS)))
    assert not apart(found["share_s1"])


def test_anomaly_who_is_looked_at_for_nothing(rng):
    unusual = rng.random(ROWS) < 0.05
    found = gaps(alerts_by_group((rng.random(ROWS) < 0.02) | unusual | (WOMEN & (rng.random(ROWS) < 0.1)), unusual))
    assert found["alert_rate"].low > 0.05
    assert found["found_rate"].value == 0
    found = gaps(alerts_by_group(unusual & ~WOMEN, unusual))
    assert (found["found_rate"].value, found["alert_rate"].value) == (-1, 0)


def test_sentiment_whose_texts_are_read_wrongly(rng):
    truth = rng.integers(0, 3, ROWS)
    wrong = WOMEN & (rng.random(ROWS) < 0.3)
    found = gaps(errors_by_group(np.where(wrong, (truth + 1) % 3, truth), truth, 3))
    assert found["error_rate"].value == pytest.approx(0.3, abs=0.03)
    assert found["macro_f1"].high < -0.2
    found = gaps(errors_by_group(np.where(rng.random(ROWS) < 0.3, (truth + 1) % 3, truth), truth, 3))
    assert not apart(found["error_rate"])


def test_a_limit_is_a_gate_only_where_the_spec_names_it_and_the_widest_gap_is_a_metric(rng):
    truth = rng.integers(0, 3, ROWS)
    measured = errors_by_group(np.where(WOMEN, (truth + 1) % 3, truth), truth, 3)
    shown = tuple(by_group(measured, {"sex": SEX}, resamples=50))
    one = {"macro_f1": Interval(0.5, 0.4, 0.6)}
    judged = Judgement(ROWS, None, {"macro_f1": True}, one, one, one, fairness=shown, compared=measured.says)

    def fair(gates):
        (found,) = (check for check in checks(gates, judged) if check.name == "fairness")
        return found

    free, bound = Gates("macro_f1"), Gates("macro_f1", limits={"error_rate_gap": 0.2, "leakage_auc": 0.9})
    assert fair(free).passed
    assert fair(free).found == "2 groups compared, see the model card"
    assert gap_limits(bound, judged) == {"error_rate": 0.2}
    assert not fair(bound).passed
    assert fair(bound).found.startswith("sex F: error_rate 1.0000")
    assert unfair(shown, {}) == []
    assert widest(shown)["sex_error_rate_gap"].value in (1, -1)
