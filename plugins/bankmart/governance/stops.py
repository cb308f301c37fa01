"""Red gates, written down and told: the rule, the rows, the owner, the page to read, and what readers still see."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from bankmart import db
from bankmart.governance import notices
from bankmart.governance.build import Build

RUNBOOK = "docs/runbook.md#a-gate-is-red"
# Which section of the runbook is about a rule, by how its name begins.
PAGES = {
    "access_of_": "the-gate-of-access-is-red",
    "mask_of_": "a-mask-fails",
    "mix_of_": "a-tags-gate-is-red",
    "review_tag_": "a-tags-gate-is-red",
    "usual_": "a-delivery-is-unusual",
    "reconcile_": "sums-do-not-agree",
    "content_": "a-column-holds-what-its-class-denies",
    "freshness_": "a-file-is-missing-or-late",
}
INSERT = """
insert into governance.gate_stop
    (build_id, business_date, layer, node_id, rule, row_count, examples, owner, runbook, readers_see, says)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (build_id, layer, node_id) do update set
    row_count = excluded.row_count, examples = excluded.examples, readers_see = excluded.readers_see,
    says = excluded.says, stopped_at = clock_timestamp()
"""


def page(rule: str) -> str:
    """Where the runbook speaks of a rule."""
    section = next((section for begins, section in PAGES.items() if rule.startswith(begins)), "a-gate-is-red")
    return f"docs/runbook.md#{section}"


def published_date() -> date | None:
    """The newest business date that readers see."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select max(business_date) from governance.publication")
        (newest,) = db.one(cursor)
    found: date | None = newest
    return found


def protected(seen: date | None) -> str:
    """What readers see, in a sentence."""
    return f"Readers still see {seen or 'nothing: no date is published yet'}."


def check(
    rule: str, failures: int | None, owner: str, says: str, examples: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A check that is no node of dbt, as `keep` takes it; `examples`: rows, masked."""
    return {
        "node_id": rule, "node_name": rule, "failures": failures, "examples": examples, "owner": owner, "message": says,
    }  # fmt: skip


def keep(layer: str, build: Build, red: list[dict[str, Any]], skipped: int) -> None:
    """Write each failed check of a red gate into governance.gate_stop, and tell people; examples are not told."""
    seen = published_date()
    not_built = check("not_built", skipped, "data-platform", "models behind a failed one were not built")
    with db.connect("platform") as link, link.cursor() as cursor:
        for each in red or [not_built]:
            cursor.execute(
                INSERT,
                (
                    build.build_id, build.business_date, layer, each["node_id"], each["node_name"],
                    each["failures"], json.dumps(each["examples"], ensure_ascii=False) if each["examples"] else None,
                    each["owner"], page(each["node_name"]), seen, " ".join((each["message"] or "").split()),
                ),
            )  # fmt: skip
    lines = [_line(each) for each in red or [not_built]]
    pages = sorted({page(each["node_name"]) for each in red or [not_built]})
    told = "\n".join([*lines, protected(seen), f"Runbook: {', '.join(pages)}"])
    notices.tell("red_gate", f"gate {layer} is red for {build.business_date} (build {build.build_id})", told)


def _line(check: dict[str, Any]) -> str:
    # What failed with an error has counted none.
    rows = "" if check["failures"] is None else f"{check['failures']} rows, "
    return f"{check['node_name']}: {rows}owner {check['owner']}"
