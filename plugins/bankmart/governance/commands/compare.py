"""`bankmart compare`: what a build would change for readers of its date, per table and column."""

from __future__ import annotations

import argparse

from bankmart.governance import build as builds
from bankmart.governance import compare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """BUILD."""
    parser.add_argument("build", type=int, help="the build; `bankmart builds` lists them")


def run(args: argparse.Namespace) -> int:
    """Print it."""
    print(compare.compare(builds.get(args.build)).text())
    return 0
