"""What readers read besides the views of models: the catalogue; for auditors, what the platform did."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from bankmart.governance.access.readers import Reader, readers

# About nobody: every reader's.
OPEN = {"published": ("dictionary", "lineage", "quality_score", "quality_result", "reconciliation")}
# What those are made of.
OPEN_FROM = ("dictionary", "lineage", "quality_score", "quality_result", "reconciliation", "publication")
OPEN_FUNCTIONS = ("published.made_of(text, text)", "published.makes(text, text)")
# Who did what and how it went, never whose data it was: a reader of no customer's rows. The quarantine and the examples
# of a red gate hold people's data.
AUDITED = {
    "governance": (
        "build", "dictionary", "incident", "lineage", "load", "publication", "publication_event", "published_view",
        "tag_monitor", "user_scope",
    ),
    "audit": ("entry", "tip", "said"),
}  # fmt: skip


def may_read(reader: Reader, schema: str, table: str) -> bool:
    """Whether a reader reads a relation that isn't a view of a model."""
    return table in OPEN.get(schema, ()) or (reader.rows == "none" and table in AUDITED.get(schema, ()))


def give(cursor: Any) -> None:
    """Grant it; again changes nothing. Tables of other rooms (audit) are granted by their own scripts."""
    for reader in readers():
        role = sql.Identifier(reader.name)
        schemas = {"published", reader.schema or "governance"}
        for schema in sorted(schemas):
            cursor.execute(sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(schema), role))
        tables = [("published", name) for name in OPEN["published"]]
        tables += [("governance", name) for name in AUDITED["governance"] if reader.rows == "none"]
        for schema, name in tables:
            cursor.execute(sql.SQL("grant select on {} to {}").format(sql.Identifier(schema, name), role))
        for function in OPEN_FUNCTIONS:
            cursor.execute(sql.SQL("grant execute on function {} to {}").format(sql.SQL(function), role))
