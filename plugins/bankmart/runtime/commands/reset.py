"""`bankmart reset`: stop the servers and delete all that was made at run time; the environment stays."""

from __future__ import annotations

import argparse
import shutil
import sys

from bankmart import settings
from bankmart.runtime import postgres
from bankmart.runtime.commands.down import down

# What `make setup` made.
STAYS = {"venv", "cache", "setup.lock"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `bankmart reset`."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Delete the databases, models, landing files, logs, ports and secrets of this checkout."""
    state = settings.state_dir()
    if not args.yes:
        print(f"This stops the servers and deletes everything in {state} except the environment.")
        if not sys.stdin.isatty() or input("Type `yes` to go on: ").strip() != "yes":
            print("nothing was deleted")
            return 1
    down()
    postgres.remove(state)
    for path in state.iterdir() if state.exists() else ():
        if path.name not in STAYS:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    print("deleted")
    return 0
