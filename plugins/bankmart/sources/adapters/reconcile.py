"""`python -m bankmart reconcile berka`: compare the warehouse with the raw files, to the heller."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import psycopg2

from bankmart import db
from bankmart.sources.adapters import reconcile_berka


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The bank and its files."""
    parser.add_argument("bank", choices=["berka"], help="whose files these are")
    parser.add_argument("--source", type=Path, required=True, help="folder with the bank's own files")


def run(args: argparse.Namespace) -> int:
    """Print raw, sources, published and difference; 1 on any difference, 2 where nothing can be compared."""
    try:
        with db.connect("platform") as link:
            lines = reconcile_berka.reconcile(args.source, link)
    except reconcile_berka.ReconcileError as error:
        print(f"Nothing was compared. {error}", file=sys.stderr)
        return 2
    except psycopg2.OperationalError as error:
        print(f"The warehouse can't be reached: {str(error).strip()}. Start it with `make up`.", file=sys.stderr)
        return 2
    print(reconcile_berka.report(lines))
    wrong = sum(1 for line in lines if line.difference)
    print(f"\n{wrong} of {len(lines)} numbers differ." if wrong else f"\nAll {len(lines)} numbers agree.")
    return 1 if wrong else 0
