"""What a gate report says of every kind of gate: passed, failed, not judged, or not applicable and why."""

from __future__ import annotations

from dataclasses import replace

from ml.judging.gate import KINDS, Check, every_kind, report, verdicts
from ml.judging.judgement import Interval, Judgement

ONE = {"kappa": Interval(0.5, 0.4, 0.6)}
JUDGED = Judgement(100, None, {"kappa": True}, ONE, ONE, ONE)
MADE = [
    Check("population", True, "100 rows", ">= 60", "population"),
    Check("kappa above the baseline", True, "difference", "above 0"),
    Check("fairness", True, "2 groups", "gaps", "fairness"),
    Check("drift", True, "stable", "like training's", "drift"),
]


def test_a_kind_without_a_gate_fails_unless_the_card_says_why_it_does_not_apply():
    made = every_kind(MADE, JUDGED)
    assert verdicts(made) == dict.fromkeys(KINDS, "passed") | {"calibration": "failed"}
    assert [one.name for one in made if not one.passed] == ["calibration"]
    told = every_kind(MADE, replace(JUDGED, absent={"calibration": "it promises no rate"}))
    assert verdicts(told)["calibration"] == "not applicable"
    assert all(one.passed for one in told)
    text = report("a version", told)
    assert "\npopulation passed, better passed, calibration not applicable, fairness passed, drift passed.\n" in text
    assert "| calibration | n/a | doesn't apply: it promises no rate |" in text


def test_a_kind_is_passed_by_all_of_its_gates_and_one_let_through_was_not_judged():
    worse = Check("kappa not worse than champion 1", False, "difference", "above -0.01")
    assert verdicts([*MADE, worse])["better"] == "failed"
    unknown = Check("fairness", True, "not judged: nobody's sex is known; the spec says: texts", "gaps", "fairness")
    assert verdicts([unknown])["fairness"] == "not judged"
