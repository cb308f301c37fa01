"""`python -m bankmart adapt BANK`: turn others' files, a real bank's or a public test's, into landing files."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from bankmart import settings
from bankmart.errors import BankmartError
from bankmart.sources.adapters import bank_marketing, berka, hillstrom

# Public tests of models: whole at one date.
TESTS = {"bank_marketing": bank_marketing, "hillstrom": hillstrom}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The adapter and where it reads and writes."""
    parser.add_argument("bank", choices=["berka", *TESTS], help="whose files these are")
    parser.add_argument("--source", type=Path, required=True, help="folder with the bank's own files")
    parser.add_argument("--landing", type=Path, help="landing folder (default: this checkout's)")
    parser.add_argument(
        "--go-live",
        type=date.fromisoformat,
        help="first business date, YYYY-MM-DD (berka; default: the day of the last transaction less --days)",
    )
    parser.add_argument("--days", type=int, default=3, help="daily extracts after go-live (berka; default: 3)")


def run(args: argparse.Namespace) -> int:
    """Write the landing files and print a JSON summary of them; 1 where the files can't be converted."""
    target = args.landing or settings.landing_dir()
    try:
        if args.bank == "berka":
            summary = berka.convert(args.source, target, go_live=args.go_live, days=args.days)
        else:
            summary = TESTS[args.bank].convert(args.source, target)
    except BankmartError as error:
        print(f"Nothing was written. {error}", file=sys.stderr)
        return 1
    print(json.dumps(summary, indent=2))
    return 0
