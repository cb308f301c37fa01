"""`simulate`: the synthetic bank's landing files."""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path

from bankmart import settings
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.faults import FAULTS
from bankmart.sources.simulate.run import simulate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The size of the bank, its dates, and where its files go."""
    parser.add_argument("--customers", type=int, default=5000, help="customers at go-live")
    parser.add_argument("--months", type=int, default=18, help="months of history before go-live")
    parser.add_argument("--days", type=int, default=3, help="daily extracts after go-live")
    parser.add_argument("--go-live", type=date.fromisoformat, default=date(2026, 10, 31), help="YYYY-MM-DD")
    parser.add_argument("--seed", type=int, default=7, help="another seed is another bank")
    parser.add_argument("--landing", type=Path, default=settings.landing_dir(), help="where the extracts go")
    parser.add_argument(
        "--truth", type=Path, default=settings.state_dir() / "truth", help="where the planted truth goes"
    )
    parser.add_argument("--no-late", action="store_true", help="every row comes on its own date")
    parser.add_argument(
        "--faults", nargs="*", default=[], choices=sorted(FAULTS), metavar="FAULT",
        help=f"put into the last daily extract: {', '.join(FAULTS)}",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Make the bank; says where it is."""
    try:
        config = SimulationConfig(
            landing=args.landing,
            truth=args.truth,
            customers=args.customers,
            months=args.months,
            days=args.days,
            go_live=args.go_live,
            seed=args.seed,
            faults=tuple(args.faults),
            late=not args.no_late,
        )
    except ValueError as problem:
        print(f"simulate: {problem}")
        return 2
    began = time.monotonic()
    simulate(config)
    span = f"{config.months} months up to {config.go_live} and {config.days} days"
    took = f"{time.monotonic() - began:.0f} s"
    print(f"{config.customers:,} customers, {span}: {config.landing} ({took}; truth: {config.truth})")
    return 0
