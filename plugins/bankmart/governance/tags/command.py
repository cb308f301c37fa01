"""`bankmart tags`: every tag and where it stands in its life; --accept writes new and changed ones to the ledger."""

from __future__ import annotations

import argparse
from datetime import date

from bankmart import dbt
from bankmart.errors import BankmartError
from bankmart.governance.tags import definition, ledger, registry
from bankmart.text import table


class LedgerRefused(BankmartError):
    """The working tree does something to a tag that its life forbids."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--accept."""
    parser.add_argument("--accept", action="store_true", help=f"write new and changed tags to {ledger.NAME}")


def run(args: argparse.Namespace) -> int:
    """Print the table; with --accept, raises LedgerRefused where a change can't be accepted."""
    manifest = dbt.manifest()
    tags = registry.tags(manifest)
    rows = [
        [tag.key, tag.version, tag.status, tag.kind, tag.subject, tag.review_date, tag.end_date, tag.model, tag.owner]
        for tag in tags
    ]
    print(table(["tag", "version", "status", "kind", "subject", "review", "ends", "model", "owner"], rows))
    if not args.accept:
        return 0
    if invalid := [line for tag in tags for line in registry.validate(tag)] + registry.twice(tags):
        raise LedgerRefused("nothing is accepted:\n" + "\n".join(invalid))
    hashes, known = definition.definitions(manifest), ledger.read(ledger.path())
    if against := ledger.refused(tags, hashes, known, date.today()):
        raise LedgerRefused("nothing is accepted:\n" + "\n".join(against))
    changes = ledger.open_changes(tags, hashes, known)
    ledger.write(ledger.path(), ledger.accepted(tags, hashes, known))
    print(
        "\n".join(["", *changes, f"{len(changes)} changes accepted; commit {ledger.NAME}" if changes else "no change"])
    )
    return 0
