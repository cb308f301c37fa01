"""What the pages name is there: every decision in the list, and the tests that the fault matrix speaks of."""

from __future__ import annotations

import re

import pytest

from bankmart import settings
from bankmart.governance.masking import data_classes, mask_example

DOCS = settings.ROOT / "docs"
NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)(?:::(\w+))?")


def test_every_decision_is_in_the_list():
    listed = re.findall(r"\]\(decisions/([^)]+)\)", (DOCS / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in (DOCS / "decisions").glob("*.md"))


def test_the_fault_matrix_names_tests_that_are_there():
    named = set(NAMED.findall((DOCS / "fault-matrix.md").read_text(encoding="utf-8")))
    assert len(named) > 30
    for path, test in named:
        found = list((settings.ROOT / "tests").rglob(path.removeprefix("tests/")))
        assert found, path
        assert any(f"def {test}" in each.read_text(encoding="utf-8") for each in found), (path, test)


@pytest.mark.parametrize(("grade", "shown"), [(1, "call"), (2, "c***"), (3, "c***")])
def test_examples_are_cut_from_the_grade_that_the_page_names(grade, shown):
    page = (DOCS / "how-to" / "grade-a-column.md").read_text(encoding="utf-8")
    assert "of grade 2 and above (numbers apart) is cut to its first character" in page
    assert mask_example("call", grade) == shown
    assert data_classes()["identity.customer_id"]["grade"] == 2
