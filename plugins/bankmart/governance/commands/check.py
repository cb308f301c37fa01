"""`bankmart check`: the project against its own rules, from dbt's manifest and the files."""

from __future__ import annotations

import argparse

from bankmart import dbt, settings
from bankmart.governance import derived, grades, policy, portability, reference, size
from bankmart.governance.access import probe, readers
from bankmart.governance.tags import ledger
from bankmart.vault import rules


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
    if found := grades.undeclared(manifest) + readers.findings():
        # What is made of them can't be judged yet.
        print(*found, f"{len(found)} findings", sep="\n")
        return 1
    found = policy.findings(manifest) + derived.findings(manifest) + size.findings(settings.ROOT)
    found += reference.findings(manifest) + ledger.findings(manifest) + grades.findings(manifest)
    found += probe.findings(manifest) + rules.findings()
    for finding in found:
        print(finding)
    print(f"{len(found)} findings" if found else f"the rules are kept by {len(policy.models(manifest))} models")
    return 1 if found else 0
