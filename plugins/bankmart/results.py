"""What dbt and the platform's own checks did: a node each, kept in governance.node_result."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from psycopg2.extras import execute_values

from bankmart import db
from bankmart.governance.build import Build


@dataclass(frozen=True)
class Node:
    """What one model or check did."""

    node_id: str
    name: str
    resource_type: str
    severity: str | None
    status: str
    rows: int | None
    failures: int | None
    seconds: float
    message: str | None
    compiled: str | None
    owner: str
    # A few masked rows of what was found, where the check itself has them (dbt's are read by its gate).
    examples: tuple[dict[str, Any], ...] = ()


def of_dbt(item: Any, owners: dict[str, str]) -> Node:
    """One of dbt's results as a node; `owners`: owners_of(manifest)."""
    node = item.node
    is_test = node.resource_type in ("test", "unit_test")
    rows = (item.adapter_response or {}).get("rows_affected")
    return Node(
        node_id=node.unique_id,
        name=node.name,
        resource_type=str(node.resource_type),
        severity=_severity(node) if is_test else None,
        status=str(item.status),
        rows=rows if isinstance(rows, int) and rows >= 0 and not is_test else None,
        failures=getattr(item, "failures", None),
        seconds=item.execution_time,
        message=item.message,
        compiled=getattr(node, "compiled_code", None),
        owner=next((owners[about] for about in _about(node) if about in owners), "data-platform"),
    )


def _about(node: Any) -> tuple[str, ...]:
    tested = getattr(node, "attached_node", None) or getattr(node, "tested_node_unique_id", None)
    return tuple(filter(None, (node.unique_id, tested, *getattr(node, "depends_on_nodes", ()))))


def owners_of(manifest: dict[str, Any]) -> dict[str, str]:
    """Node id → owner, of the nodes that name one."""
    nodes = manifest["nodes"].items()
    return {
        name: node["config"]["meta"]["owner"] for name, node in nodes if node["config"].get("meta", {}).get("owner")
    }


def _severity(node: Any) -> str:
    return str(getattr(node.config, "severity", "error")).lower()


def record(layer: str, build: Build, invocation_id: str, nodes: list[Node]) -> None:
    """Keep what the nodes of a layer did in governance.node_result."""
    if not nodes:
        return
    rows = [
        (
            invocation_id, build.build_id, build.business_date, layer, node.node_id, node.name, node.resource_type,
            node.severity, node.status, node.rows, node.failures, node.seconds, node.message, node.owner,
            json.dumps(node.examples, default=str, ensure_ascii=False) if node.examples else None,
        )
        for node in nodes
    ]  # fmt: skip
    with db.connect("platform") as link, link.cursor() as cursor:
        execute_values(
            cursor,
            "insert into governance.node_result (invocation_id, build_id, business_date, layer, node_id, node_name,"
            " resource_type, severity, status, rows_affected, failures, seconds, message, owner, examples) values %s",
            rows,
        )
        cursor.execute(
            "update governance.build set dbt_invocation_id = %s where build_id = %s", (invocation_id, build.build_id)
        )
