"""`bankmart check`: the project against its own rules, from dbt's manifest and the files."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bankmart import dbt, settings
from bankmart.governance import derived, grades, policy, portability, reference, size
from bankmart.governance.access import probe, readers
from bankmart.governance.catalogue import unknown
from bankmart.governance.policy import Node
from bankmart.governance.tags import ledger
from bankmart.vault import rules

# What is declared first, then what is said of it, then what is made of both.
STAGES: tuple[tuple[Callable[[Node], list[str]], ...], ...] = (
    (grades.undeclared, lambda _: readers.findings()),
    (policy.findings, derived.findings, lambda _: size.findings(settings.ROOT)),
    (unknown.findings,),
    (reference.findings, ledger.findings, grades.findings, probe.findings, lambda _: rules.findings()),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--portable."""
    parser.add_argument("--portable", action="store_true", help="list the models that another engine would not run")


def run(args: argparse.Namespace) -> int:
    """Print every finding; 1 where there is one. What is not portable is a report, never a failure."""
    if args.portable:
        compiled = portability.compiled_models()
        obstacles = portability.obstacles(compiled)
        for name, obstacle in obstacles.items():
            print(f"{name}: {obstacle}")
        print(f"{len(compiled) - len(obstacles)} of {len(compiled)} models pass from Postgres to Spark as they are")
        return 0
    manifest = dbt.manifest()
    for stage in STAGES:
        # What is made of what lacks something can't be judged yet.
        if found := [finding for findings in stage for finding in findings(manifest)]:
            print(*found, f"{len(found)} findings", sep="\n")
            return 1
    print(f"the rules are kept by {len(policy.models(manifest))} models")
    return 0
