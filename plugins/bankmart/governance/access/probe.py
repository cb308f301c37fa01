"""The gate of masks: on the rows of a build no mask shows a whole value, nor a clear one, and none fails."""

from __future__ import annotations

import json
from typing import Any

import psycopg2
from psycopg2 import sql

from bankmart.governance import stops
from bankmart.governance.build import Build
from bankmart.governance.gate import EXAMPLES, GateStopped
from bankmart.governance.masking import TYPES, data_classes, mask_rows, shows_too_much
from bankmart.governance.people.places import NUMBER, REFERENCE
from bankmart.governance.policy import Node, models, yaml_of


def judge(cursor: Any, manifest: Node, build: Build) -> None:
    """Raises GateStopped for a mask that fails or shows a whole value; `cursor`: inside the publishing transaction."""
    for node in models(manifest):
        if not node["config"]["meta"].get("published") or node["config"]["materialized"] == "lasting_view":
            continue
        tests = _tests(node)
        if not tests:
            continue
        counts = [sql.SQL("count(*) filter (where {})").format(test) for test in tests.values()]
        statement = sql.SQL("select {} from {} as base where build_id = %s").format(
            sql.SQL(", ").join(counts), sql.Identifier(node["schema"], node["name"])
        )
        try:
            cursor.execute(statement, (build.build_id,))
        except psycopg2.Error as error:
            raise _red(node, build, None, f"the database says: {error.diag.message_primary}", []) from error
        shown = {name: count for name, count in zip(tests, cursor.fetchone() or (), strict=True) if count}
        if shown:
            leaking = (
                f"{name} shows {count} whole values, or clear ones where the vault's tokens belong"
                for name, count in shown.items()
            )
            examples = _examples(cursor, node, build, {name: tests[name] for name in shown})
            raise _red(node, build, sum(shown.values()), "; ".join(leaking), examples)


def findings(manifest: Node) -> list[str]:
    """Masks that don't fit the type of their column, and numbers of accounts that events show, in sentences."""
    found = []
    for node in models(manifest):
        for name, column in node["columns"].items() if node["config"]["meta"].get("published") else ():
            data_class = column["config"]["meta"].get("class")
            mask = data_classes().get(data_class, {}).get("mask")
            if node["name"].startswith("fct_") and data_class == NUMBER:
                found.append(
                    f"{yaml_of(node)}: {node['name']}.{name} has class {NUMBER}, but an event only names its account: "
                    f"use class {REFERENCE}, which readers don't see"
                )
            wanted = TYPES.get(mask or "")
            if wanted and column["data_type"] != wanted:
                found.append(
                    f"{yaml_of(node)}: {node['name']}.{name} is {column['data_type']}, but its class has mask {mask}, "
                    f"which is for {wanted}; use a class with mask hide"
                )
    return found


def _tests(node: Node) -> dict[str, sql.Composed]:
    found = {}
    for name, column in node["columns"].items():
        data_class = column["config"]["meta"]["class"]
        if test := shows_too_much(data_class, sql.Identifier("base", name), column["data_type"]):
            found[name] = test
    return found


def _examples(cursor: Any, node: Node, build: Build, leaking: dict[str, sql.Composed]) -> list[dict[str, Any]]:
    """Up to EXAMPLES of the rows whose values a mask shows; of each leaking column the value, as a log may show it."""
    cursor.execute(
        sql.SQL("select {} from {} as base where build_id = %s and ({}) limit {}").format(
            sql.SQL(", ").join(sql.Identifier("base", name) for name in leaking),
            sql.Identifier(node["schema"], node["name"]),
            sql.SQL(" or ").join(leaking.values()),
            sql.Literal(EXAMPLES),
        ),
        (build.build_id,),
    )
    return mask_rows(cursor, {}, unknown=3)


def _red(node: Node, build: Build, count: int | None, reason: str, examples: list[dict[str, Any]]) -> GateStopped:
    rule, owner = f"mask_of_{node['name']}", node["config"]["meta"].get("owner", "data-platform")
    return GateStopped(
        f"gate masks is red for {build.business_date} (build {build.build_id}).\n"
        f"  rule      no mask of {node['name']} shows a whole value, or fails\n"
        f"  says      {reason}\n"
        f"  examples  {json.dumps(examples, ensure_ascii=False) if examples else 'none: the database shows no row'}\n"
        f"  owner     {owner}\n"
        f"Nothing is published. {stops.protected(stops.published_date())} Runbook: {stops.page(rule)}",
        "masks",
        (stops.check(rule, count, owner, reason, examples),),
    )
