"""`bankmart down`: stop every server of this checkout; what they hold stays."""

from __future__ import annotations

import argparse

from bankmart.runtime import processes, supervisor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`bankmart down` has no arguments."""


def run(args: argparse.Namespace) -> int:
    """Stop the servers, whether their supervisor lives or was killed."""
    down()
    return 0


def down() -> None:
    """Stop the supervisor, which stops the servers; then whatever a killed one has left."""
    made = processes.find(supervisor.NAME)
    if made and processes.is_alive(made):
        print("stopping the servers", flush=True)
        processes.ask(made)
    if made:
        # Before its children are looked for: it would start them again.
        processes.finish(made)
    left = supervisor.stop_recorded()
    print("all servers are stopped" if made or left else "no server was running", flush=True)
