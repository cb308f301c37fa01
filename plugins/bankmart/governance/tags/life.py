"""Reviews in the build: a tag past its review date warns for a month, then fails its gate."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from bankmart.governance.tags.registry import Tag
from bankmart.results import Node

WARNING_DAYS = 30


def reviews(tags: list[Tag], business_date: date) -> list[Node]:
    """One check per tag model: whether its tags were reviewed in time, by the build's business date."""
    by_model: dict[str, list[Tag]] = defaultdict(list)
    for tag in tags:
        by_model[tag.model].append(tag)
    return [_review(model, held, business_date) for model, held in sorted(by_model.items())]


def _review(model: str, tags: list[Tag], business_date: date) -> Node:
    due = [
        tag for tag in tags if tag.review_date and tag.review_date < business_date and tag.status in ("draft", "live")
    ]
    ended = [tag for tag in tags if tag.status == "frozen" and tag.end_date and tag.end_date < business_date]
    late = [tag for tag in due if tag.review_date and tag.review_date + timedelta(days=WARNING_DAYS) < business_date]
    said = [f"{tag.where}: {tag.column} was to be reviewed by {tag.owner} until {tag.review_date}" for tag in due]
    said += [f"{tag.where}: {tag.column} could be read until {tag.end_date}; remove it" for tag in ended]
    if due:
        said.append(
            f"look whether it still holds and set the next review_date; {WARNING_DAYS} days after it the gate is red"
        )
    return Node(
        node_id=f"tag_review.{model}",
        name=f"review_{model}",
        resource_type="test",
        severity="error" if late else "warn",
        status="fail" if late else "warn" if due or ended else "pass",
        rows=None,
        failures=len(due) + len(ended),
        seconds=0.0,
        message="; ".join(said) or None,
        compiled=None,
        owner=tags[0].owner,
    )
