"""`bankmart rollback`: put a published date back to what readers saw before."""

from __future__ import annotations

import argparse
from datetime import date

from bankmart import settings
from bankmart.governance import publication


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--date."""
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the business date")


def run(args: argparse.Namespace) -> int:
    """Roll back and say what readers see now."""
    build_id = publication.rollback(args.date, actor=settings.who())
    print(f"{args.date}: readers see build {build_id} again" if build_id else f"{args.date} is taken back from readers")
    return 0
