"""`bankmart bench protect`: tokens and sealing by the second, and an entry of the audit, each beside its ceiling."""

from __future__ import annotations

import argparse

from bankmart.bench.place import own_server
from bankmart.governance.audit import bench as audit
from bankmart.vault import bench as vault

CUSTOMERS, ENTRIES = 100_000, 5_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--customers, --entries."""
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help=f"to protect ({CUSTOMERS:,})")
    parser.add_argument("--entries", type=int, default=ENTRIES, help=f"to add to the chain ({ENTRIES:,})")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    print(measure(args.customers, args.entries))
    return 0


def measure(customers: int = CUSTOMERS, entries: int = ENTRIES) -> str:
    """Both tables."""
    protected = vault.text(customers)
    with own_server():
        return f"{protected}\n\n{audit.measure(entries)}"
