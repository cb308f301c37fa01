"""What dbt did, for people: a table for the log, a summary for the asset event."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from bankmart.text import table

if TYPE_CHECKING:
    from bankmart.results import Node

CHECKS = ("test", "unit_test", "source")


def nodes(done: list[Node]) -> str:
    """One line per model and check: kind, status, rows written or failing, seconds."""
    order = {"error": 0, "fail": 1, "warn": 2, "skipped": 3}
    rows = [
        [
            node.resource_type,
            node.name,
            node.status,
            node.failures if node.resource_type in CHECKS else node.rows,
            round(node.seconds, 2),
        ]
        for node in sorted(done, key=lambda node: (order.get(node.status, 9), node.resource_type, node.name))
    ]
    return table(["kind", "name", "status", "rows", "seconds"], rows)


def summary(done: list[Node]) -> dict[str, Any]:
    """Counts by kind and status, rows written and seconds: small enough for an asset event."""
    models = [node for node in done if node.resource_type not in CHECKS]
    checks = Counter(node.status for node in done if node.resource_type in CHECKS)
    return {
        "models": len(models),
        "rows": sum(node.rows or 0 for node in models),
        "checks": dict(checks),
        "seconds": round(sum(node.seconds for node in done), 1),
    }
