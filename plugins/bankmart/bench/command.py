"""`bankmart bench`: one benchmark, or all of them with their tables kept in docs/performance.md."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from bankmart import settings

BENCHMARKS = {
    "load": ("bankmart.bench.load", "the loader beside psql's own copy of the same file"),
    "line": ("bankmart.bench.line", "a full build and a day's build of one bank"),
    "access": ("bankmart.bench.access", "what masked views cost, beside the bare tables"),
    "erase": ("bankmart.bench.erase", "how long it takes to forget one customer of a whole bank"),
    "tag-gates": ("bankmart.governance.tags.bench", "how well the gates of tags find injected faults"),
    "growth": ("bankmart.bench.growth", "the daily build by customers and by months of history"),
}
PAGE = "docs/performance.md"
PICTURE = "docs/images/growth.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command per benchmark."""
    choices = parser.add_subparsers(dest="benchmark", metavar="BENCHMARK")
    for name, (module, about) in BENCHMARKS.items():
        importlib.import_module(module).add_arguments(choices.add_parser(name, help=about, description=about))


def run(args: argparse.Namespace) -> int:
    """Run the named benchmark; without a name all, written to docs/performance.md."""
    if args.benchmark:
        return int(importlib.import_module(BENCHMARKS[args.benchmark][0]).run(args))
    from bankmart.bench import growth, line, load

    loaded = load.measure()
    print(loaded)
    found = growth.measure(list(growth.CUSTOMERS), list(growth.MONTHS))
    largest = next(
        each for each in found if each.customers == growth.CUSTOMERS[-1] and each.months == growth.MONTHS[-1]
    )
    growth.draw(found, settings.ROOT / PICTURE)
    parts = {
        "Loading": loaded,
        "Full and daily build": line.text(largest),
        "Growth": growth.text(found),
    }
    print(*parts.values(), sep="\n\n")
    (settings.ROOT / PAGE).write_text(page(parts), encoding="utf-8")
    return 0


def page(parts: dict[str, str]) -> str:
    """The page: the machine, and the tables of the last run."""
    text = "# Performance\n\nThe last run of the benchmarks; `make bench` runs them all and writes this page.\n\n"
    text += f"{datetime.now(UTC):%Y-%m-%d}; {machine()}. Everything runs on it: server, clients, files.\n"
    for title, content in parts.items():
        text += f"\n## {title}\n\n```\n{content}\n```\n"
    if "Growth" in parts:
        text += "\n![The daily build by the day's rows and by the months of history](images/growth.png)\n"
    return text


def machine() -> str:
    """Cores, memory, processor and Python of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = [line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line]
    model = names[0].partition(":")[2].strip() if names else platform.machine()
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {platform.python_version()}"
