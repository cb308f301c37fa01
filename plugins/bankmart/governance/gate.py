"""Gates: after every layer, a failed check of severity error stops everything behind it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from bankmart import db, faults
from bankmart.errors import BankmartError
from bankmart.governance import build as builds
from bankmart.governance import stops
from bankmart.governance.build import Build
from bankmart.governance.masking import data_classes, mask_rows

EXAMPLES = 5
FAILED = ("fail", "error", "runtime error")
# A layer that was never checked stops its gate as a failed check does.
UNSEEN = "the layer has no results: it did not run, or ended before its first check: clear its task and the rest"
LATEST = """
select distinct on (node_id) node_id, node_name, resource_type, severity, status, failures, message, owner, examples
from governance.node_result
where build_id = %s and layer = %s
order by node_id, recorded_at desc
"""


class GateStopped(BankmartError):
    """A gate is red: names rule, rows, masked examples, owner, runbook page and what readers still see.

    `layer`, `red`: what is still to be kept of it by `stops.keep`, after the transaction in which it was judged.
    """

    def __init__(self, message: str, layer: str = "", red: tuple[dict[str, Any], ...] = ()) -> None:
        super().__init__(message)
        self.layer = layer
        self.red = red


@dataclass(frozen=True)
class Verdict:
    """What a gate found."""

    layer: str
    passed: int
    warned: int
    stopped: int
    warnings: tuple[str, ...]


def judge(layer: str, build: Build) -> Verdict:
    """Judge a layer by the newest result of each of its checks.

    A training build that passes is ready for training. Raises GateStopped for a failed check of severity error, and for
    a layer that was never checked.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(LATEST, (build.build_id, layer))
        names = [column.name for column in cursor.description or ()]
        results = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    checks = [result for result in results if result["resource_type"] in ("test", "unit_test", "source")]
    red = [check for check in checks if check["status"] in FAILED]
    if not results:
        red = [stops.check("no_results", None, "data-platform", UNSEEN)]
    skipped = [result for result in results if result["status"] == "skipped"]
    verdict = Verdict(
        layer=layer,
        passed=sum(check["status"] == "pass" for check in checks),
        warned=sum(check["status"] == "warn" for check in checks),
        stopped=len(red),
        warnings=tuple(
            f"warned: {check['node_name']}: {check['failures']} rows; {_examples(check)}"
            for check in checks
            if check["status"] == "warn"
        ),
    )
    if red or skipped:
        message = report(layer, build, red, len(skipped))
        builds.finish(build.build_id, "failed", message.splitlines()[0])
        stops.keep(layer, build, red, len(skipped))
        stopped = GateStopped(message)
        stopped.is_told = True
        raise stopped
    if build.kind == "training":
        builds.finish(build.build_id, "passed")
    faults.point("build.gated")
    return verdict


def report(layer: str, build: Build, red: list[dict[str, Any]], skipped: int) -> str:
    """What a person at 03:00 has to know of a red gate."""
    lines = [f"gate {layer} is red for {build.business_date} (build {build.build_id}): {len(red)} checks failed."]
    for check in red:
        lines += [
            f"  rule      {check['node_name']}",
            f"  rows      {check['failures'] if check['failures'] is not None else 'unknown'}",
            f"  examples  {_examples(check)}",
            f"  owner     {check['owner']}",
            f"  says      {' '.join((check['message'] or '').split())}",
            f"  page      {stops.page(check['node_name'])}",
        ]
    if skipped:
        lines.append(f"  {skipped} models behind them were not built.")
    lines += [stops.protected(stops.published_date()), f"Runbook: {stops.RUNBOOK}"]
    return "\n".join(lines)


def keep_examples(build: Build, invocation_id: str, failed: dict[str, str], manifest: dict[str, Any]) -> None:
    """Keep up to five masked failing rows of each failed check; `failed`: node id → its compiled SQL."""
    grades = _grades(manifest)
    for node_id, compiled in failed.items():
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute("set transaction read only")
            cursor.execute(
                sql.SQL("select * from ({}) as finding limit {}").format(sql.SQL(compiled), sql.Literal(EXAMPLES))
            )
            rows = mask_rows(cursor, grades, unknown=3)
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute(
                "update governance.node_result set examples = %s"
                " where build_id = %s and invocation_id = %s and node_id = %s",
                (json.dumps(rows, default=str, ensure_ascii=False), build.build_id, invocation_id, node_id),
            )


def _grades(manifest: dict[str, Any]) -> dict[str, int]:
    classes = data_classes()
    grades: dict[str, int] = {"finding": 0}
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        for name, column in node.get("columns", {}).items():
            data_class = column.get("config", {}).get("meta", {}).get("class")
            if data_class in classes:
                grades[name] = max(grades.get(name, 0), classes[data_class]["grade"])
    return grades


def _examples(check: dict[str, Any]) -> str:
    return json.dumps(check["examples"], ensure_ascii=False) if check["examples"] else "none kept"
