"""`bankmart catalogue`: what the catalogue holds, counted; what is absent and why."""

from __future__ import annotations

import argparse
from datetime import date

from bankmart import db, dbt
from bankmart.governance import build as builds
from bankmart.governance.catalogue import entries
from bankmart.governance.catalogue.entries import Entry
from bankmart.governance.catalogue.refresh import lineage
from bankmart.governance.catalogue.scored import scored_lately
from bankmart.governance.tags.registry import models_of_tags
from bankmart.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--absent, --unused."""
    parser.add_argument("--absent", action="store_true", help="list what is absent, and why")
    parser.add_argument("--unused", action="store_true", help="list the indicators and tags that nobody uses")


def run(args: argparse.Namespace) -> int:
    """Print the counts of the working tree, with what the warehouse has been delivered."""
    manifest = dbt.manifest()
    judged = scored_lately(models_of_tags(manifest))
    found = entries.Catalogue(manifest, lineage(manifest), delivered(), judged).entries()
    if args.absent:
        rows = [[entry.kind, entry.name, entry.absent_reason] for entry in found if not entry.is_present]
        print(table(["kind", "name", "reason"], rows))
    if args.unused:
        rows = [[entry.kind, entry.name, entry.owner] for entry in found if entry.kind != "column" and not used(entry)]
        print(table(["kind", "name", "owner"], rows))
    print(summary(found))
    return 0


def summary(found: list[Entry]) -> str:
    """The counts in one line: indicators, tags, published columns, absent ones, without lineage."""
    kinds = {kind: sum(entry.kind == kind for entry in found) for kind in ("indicator", "tag", "column")}
    unknown = sum(not entries.has_lineage(entry) for entry in found)
    return (
        f"{kinds['indicator']} indicators, {kinds['tag']} tags, {kinds['column']} published columns; "
        f"{sum(not entry.is_present for entry in found)} absent, {unknown} without lineage"
    )


def used(entry: Entry) -> bool:
    """Whether a model, an exposure or a spec uses it."""
    return any(entry.used_by.values())


def delivered() -> tuple[str, ...]:
    """The source tables that have ever brought a row."""
    with db.connect("platform") as link, link.cursor() as cursor:
        return builds.delivered(cursor, date.max)
