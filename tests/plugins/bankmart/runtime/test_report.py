from __future__ import annotations

from bankmart.runtime import report


def test_a_refusal_is_told_with_its_figures():
    gates = [
        {"name": "population", "passed": True, "found": "1002 rows", "needed": ">= 500"},
        {"name": "auc above the baseline", "passed": False, "found": "-0.1", "needed": "the interval lies above 0"},
    ]
    assert report._refused({"gates": gates}) == "auc above the baseline: found -0.1, needed the interval lies above 0"
    assert report._refused({"gates": gates[:1]}) == "every gate is passed, and nobody has approved it"
    assert report._refused(None) == "its gates haven't been judged yet"
