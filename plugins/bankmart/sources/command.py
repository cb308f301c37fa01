"""`python -m bankmart ingest`: load one system's landing files of one business date, or all systems'."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from bankmart.sources import contract, load
from bankmart.sources.contract import ContractError
from bankmart.sources.refusal import LoadRefused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--system", required=True, help="a system of the contract, or all")
    parser.add_argument("--date", required=True, type=date.fromisoformat, help="business date, YYYY-MM-DD")
    parser.add_argument("--landing", type=Path, help="the landing folder (default: the checkout's own)")


def run(args: argparse.Namespace) -> int:
    """Load, and print a line per table; 1 where a delivery was refused (other systems are still loaded)."""
    is_refused = False
    print(f"{'table':<34}{'status':<11}{'read':>12}{'accepted':>12}{'rejected':>10}{'seconds':>9}")
    try:
        systems = contract.load() if args.system == "all" else (args.system,)
        for system in systems:
            try:
                done = load.load_system(system, args.date, landing=args.landing)
            except LoadRefused as refusal:
                is_refused = True
                print(f"{system:<34}refused", flush=True)
                print(refusal, file=sys.stderr, flush=True)
                continue
            for each in done.tables:
                name = f"{system}.{each.table}"
                counts = f"{each.read:>12,}{each.accepted:>12,}{each.rejected:>10,}{each.seconds:>9.1f}"
                print(f"{name:<34}{each.status:<11}{counts}", flush=True)
    except ContractError as error:
        print(error, file=sys.stderr)
        return 1
    return int(is_refused)
