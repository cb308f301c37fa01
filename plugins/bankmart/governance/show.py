"""What dbt did, for people: a table for the log, a summary for the asset event."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bankmart.dbt import Node

CHECKS = ("test", "unit_test")


def table(header: list[str], rows: list[list[Any]]) -> str:
    """A plain text table; numbers to the right."""
    cells = [header, *([("" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    right = [any(isinstance(row[place], int | float) for row in rows) for place in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


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
