"""`bankmart publish`: show the last build of a date to readers, if every gate has passed."""

from __future__ import annotations

import argparse
import getpass
from datetime import date

from bankmart.governance import build as builds
from bankmart.governance import publication


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--date."""
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the business date")


def run(args: argparse.Namespace) -> int:
    """Judge every gate once more, then publish."""
    publication.publish(builds.unfinished(args.date), actor=getpass.getuser())
    print(f"published {args.date}")
    return 0
