"""`bankmart access-request`: write all that is held about a person, for that person."""

from __future__ import annotations

import argparse
from pathlib import Path

from bankmart import settings
from bankmart.governance.people import access_request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CUSTOMER, --reason, --out."""
    parser.add_argument("customer", help="one of the person's customer numbers")
    parser.add_argument("--reason", required=True, help="who asks, and how it was made sure who it is")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    parser.add_argument("--by", default=settings.who(), help="who answers (you)")


def run(args: argparse.Namespace) -> int:
    """Write the two files and say where they are."""
    for path in access_request.answer(args.customer, args.reason, args.out, args.by):
        print(path)
    print("They hold personal data in clear: hand them over by a safe way, then delete them.")
    return 0
