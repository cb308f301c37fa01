"""What can only be said of a whole file: its header's names, and its sums once it is read."""

from __future__ import annotations

import re
from decimal import Decimal

from bankmart.sources.delivery import Delivery
from bankmart.sources.reading.check import Checker
from bankmart.sources.refusal import LoadRefused, Reject

AGAIN = "compare the file with what the system exported, and send file and manifest again."
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def check_header(delivery: Delivery, header: list[str]) -> None:
    """Raises LoadRefused unless the header has exactly the contract's names, in any order."""
    wanted = [column.name for column in delivery.table.columns]
    if sorted(header) == sorted(wanted):
        return
    where, remedy = (
        f"{delivery.where}, line 1",
        "name the columns as the contract does, and send the file again.",
    )
    if not set(header) & set(wanted):
        what = "the first line has none of the contract's column names"
        used = [mark for mark in ",;\t|" if mark != delivery.manifest.delimiter and mark in "".join(header)]
        if used and len(header) == 1:
            what += f"; it looks separated by {used[0]!r}, the manifest says {delivery.manifest.delimiter!r}"
            remedy = "state the delimiter in the manifest."
        raise LoadRefused(where, "header", what, remedy)
    lacking = [name for name in wanted if name not in header]
    # A name that is none may be a person's data in a file without a header.
    others = [name if PLAIN_NAME.fullmatch(name) else "(not a name)" for name in header if name not in wanted]
    twice = sorted({name for name in wanted if header.count(name) > 1})
    parts = (("missing", lacking), ("not in the contract", others), ("there twice", twice))
    what = "columns " + "; ".join(f"{words}: {', '.join(names)}" for words, names in parts if names)
    if others:
        remedy += " A new column must be in the contract first: what is not in it is never dropped in silence."
    raise LoadRefused(where, "header", what, remedy)


def check_whole(delivery: Delivery, checker: Checker, sha256: str, examples: list[Reject]) -> None:
    """Raises LoadRefused for a wrong checksum, row count, share of rejected records or control total.

    Count and totals are of all records, rejected ones too: they are compared with what the sender wrote.
    """
    manifest, table = delivery.manifest, delivery.table
    if sha256 != manifest.sha256:
        raise LoadRefused(delivery.where, "checksum", "its SHA-256 is not the manifest's", AGAIN)
    first = "".join(
        f"\n    line {each.line}, column {each.column or '-'}: {each.reason} [{each.rule}]" for each in examples
    )
    first = f" First of them:{first}" if first else ""
    if checker.read != manifest.row_count:
        what = f"it has {checker.read} records, the manifest says {manifest.row_count}."
        raise LoadRefused(delivery.where, "row_count", what + first, AGAIN)
    if checker.rejected > table.quarantine_limit * checker.read:
        what = (
            f"{checker.rejected} of {checker.read} records break the contract, more than the "
            f"{table.quarantine_limit:.2%} it allows.{first}"
        )
        remedy = "correct the file, or the contract where it is wrong; `python -m bankmart quarantine` lists them."
        raise LoadRefused(delivery.where, "quarantine_limit", what, remedy)
    for column, total in checker.totals.items():
        stated = Decimal(manifest.control_totals[column])
        if total != stated:
            what = f"the sum is {total}, the manifest says {stated}"
            if unread := checker.unreadable[column]:
                what += f"; {unread} {'record has' if unread == 1 else 'records have'} no readable value here.{first}"
            raise LoadRefused(f"{delivery.where}, column {column}", "control_total", what, AGAIN)
