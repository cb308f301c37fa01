"""`bankmart build`: the layers of one business date with their gates, as mart_daily and score_daily run them."""

from __future__ import annotations

import argparse
from datetime import date, datetime

from bankmart import dbt
from bankmart.governance import build as builds
from bankmart.governance import gate, publication, show
from bankmart.governance.commands.compare import compare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--date, --layers, --training, --publish."""
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the business date")
    parser.add_argument("--training", action="store_true", help="features as of past month ends, for training")
    parser.add_argument("--publish", action="store_true", help="show the date to readers when every gate has passed")


def run(args: argparse.Namespace) -> int:
    """Build and check layer by layer; the first red gate ends it."""
    run_id = f"by hand {datetime.now():%Y-%m-%dT%H:%M:%S.%f}"
    if args.training:
        build = builds.open_training_build(args.date, run_id)
        layers: tuple[str, ...] = ("training",)
    else:
        build = builds.open_build(args.date, run_id)
        layers = builds.LAYERS
    for layer in layers:
        print(f"\n{layer} of {build.business_date}, build {build.build_id}")
        print(show.nodes(dbt.build_layer(layer, build)))
        for warning in gate.judge(layer, build).warnings:
            print(warning)
    if args.training:
        return 0
    builds.finish(build.build_id, "passed")
    if not args.publish:
        return 0
    found = compare(build)
    if found.needs_approval:
        print(
            f"\n{found.text()}\n\nIt is not published: readers of {build.business_date} would see something else, so "
            f"somebody has to agree:\nbankmart publish --date {build.business_date} --approved-by NAME"
        )
        return 1
    publication.publish(build, actor=run_id, against=found.against or 0)
    print(f"\npublished {build.business_date}")
    return 0
