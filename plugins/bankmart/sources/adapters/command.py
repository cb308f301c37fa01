"""`python -m bankmart adapt berka|bank_marketing`: turn a real bank's files into landing files."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from bankmart import settings
from bankmart.errors import BankmartError
from bankmart.sources.adapters import bank_marketing, berka


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The adapter and where it reads and writes."""
    parser.add_argument("bank", choices=["berka", "bank_marketing"], help="whose files these are")
    parser.add_argument("--source", type=Path, required=True, help="folder with the bank's own files")
    parser.add_argument("--landing", type=Path, help="landing folder (default: this checkout's)")
    parser.add_argument(
        "--go-live",
        type=date.fromisoformat,
        help="berka: first business date, YYYY-MM-DD (default: the day of the last transaction less --days)",
    )
    parser.add_argument("--days", type=int, default=3, help="berka: daily extracts after the go-live date (default: 3)")


def run(args: argparse.Namespace) -> int:
    """Write the landing files and print a JSON summary of them; 1 where the files can't be converted."""
    target = args.landing or settings.landing_dir()
    try:
        if args.bank == "bank_marketing":
            summary = bank_marketing.convert(args.source, target)
        else:
            summary = berka.convert(args.source, target, go_live=args.go_live, days=args.days)
    except BankmartError as error:
        print(f"Nothing was written. {error}", file=sys.stderr)
        return 1
    print(json.dumps(summary, indent=2))
    return 0
