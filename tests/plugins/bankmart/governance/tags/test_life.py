"""A tag past its review date warns for thirty days of business dates, then its gate is red."""

from datetime import date, timedelta

import pytest

from bankmart.governance import stops
from bankmart.governance.tags import life

REVIEW = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("days", "status", "severity"),
    [(0, "pass", "warn"), (1, "warn", "warn"), (30, "warn", "warn"), (31, "fail", "error")],
)
def test_a_review_that_is_due(make_tag, days, status, severity):
    (node,) = life.reviews([make_tag(review_date=REVIEW), make_tag("other")], REVIEW + timedelta(days=days))
    assert (node.status, node.severity, node.resource_type) == (status, severity, "test")
    assert node.name == "review_tag_value"
    assert stops.page(node.name) == "docs/runbook.md#a-tags-gate-is-red"
    if days:
        assert "tag_value.yml:15: aum_tier was to be reviewed by marketing until 2026-11-01" in node.message
        assert "set the next review_date" in node.message


def test_a_frozen_tag_past_its_end(make_tag):
    tags = [make_tag(status="frozen", end_date=REVIEW, review_date=REVIEW)]
    (node,) = life.reviews(tags, REVIEW + timedelta(days=90))
    assert node.status == "warn"
    assert "could be read until 2026-11-01; remove it" in node.message
