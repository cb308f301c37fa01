"""`bankmart publish`: show the last build of a date to readers, if every gate has passed."""

from __future__ import annotations

import argparse
from datetime import date

from bankmart import settings
from bankmart.governance import build as builds
from bankmart.governance import publication
from bankmart.governance.commands.compare import compare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--date."""
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the business date")
    parser.add_argument("--approved-by", metavar="NAME", help="who agrees that a published date shows something else")


def run(args: argparse.Namespace) -> int:
    """Judge every gate once more, then publish. Raises PublicationError where a change has not been approved."""
    build = builds.unfinished(args.date)
    found = compare(build)
    if found.needs_approval and not args.approved_by:
        raise publication.PublicationError(
            f"{found.text()}\n\nReaders of {args.date} would see something else, so somebody has to agree: "
            f"bankmart publish --date {args.date} --approved-by NAME"
        )
    approved_by = args.approved_by if found.needs_approval else None
    publication.publish(build, settings.who(), approved_by, against=found.against or 0)
    print(f"published {args.date}")
    return 0
