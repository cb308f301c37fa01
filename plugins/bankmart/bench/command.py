"""`bankmart bench`: one benchmark, or all of them with their tables put into docs/performance.md."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from bankmart import settings
from bankmart.errors import BankmartError

BENCHMARKS = {
    "load": ("bankmart.bench.load", "the loader beside psql's own copy of the same file"),
    "line": ("bankmart.bench.line", "a full build and a day's build of one bank"),
    "access": ("bankmart.bench.access", "what masked views cost, beside the bare tables"),
    "protect": ("bankmart.bench.protect", "tokens and sealing by the second, and an entry of the audit"),
    "erase": ("bankmart.bench.erase", "how long it takes to forget one customer of a whole bank"),
    "tag-gates": ("bankmart.governance.tags.bench", "how well the gates of tags find injected faults"),
    "growth": ("bankmart.bench.growth", "the daily build by customers and by months of history"),
}
PAGE = "docs/performance.md"
PICTURE = "docs/images/growth.png"
SECTIONS = ("Loading", "Full and daily build", "Erasure", "Masked views", "Vault and audit", "Gates of tags", "Growth")
# In the page: when and on what it was measured; a section's tables.
MEASURED = re.compile(r"^\d{4}-\d\d-\d\d; .*$", re.MULTILINE)
TABLES = re.compile(r"```\n.*?\n```", re.DOTALL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command per benchmark."""
    choices = parser.add_subparsers(dest="benchmark", metavar="BENCHMARK")
    for name, (module, about) in BENCHMARKS.items():
        importlib.import_module(module).add_arguments(choices.add_parser(name, help=about, description=about))


def run(args: argparse.Namespace) -> int:
    """Run the named benchmark; without a name all, written to docs/performance.md."""
    if args.benchmark:
        return int(importlib.import_module(BENCHMARKS[args.benchmark][0]).run(args))
    from bankmart.bench import access, erase, growth, line, load, protect
    from bankmart.governance.tags import bench as gates

    forgotten: list[str] = []
    # The banks first: what they take is a goal, and a machine is at its quietest when it begins.
    found = growth.measure(list(growth.CUSTOMERS), list(growth.MONTHS), lambda: forgotten.append(erase.forget()))
    growth.draw(found, settings.ROOT / PICTURE)
    tables = (
        load.measure(), line.text(found[0]), forgotten[0], access.measure(), protect.measure(), gates.measure(),
        growth.text(found),
    )  # fmt: skip
    parts = dict(zip(SECTIONS, tables, strict=True))
    print(*parts.values(), sep="\n\n")
    (settings.ROOT / PAGE).write_text(page(parts, (settings.ROOT / PAGE).read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def page(parts: dict[str, str], before: str) -> str:
    """The page with the tables of the last run; what people wrote around them stays for them to look at again."""
    measured = f"{datetime.now(UTC):%Y-%m-%d}; {machine()}."
    page = MEASURED.sub(lambda _: measured, before, count=1)
    for title, tables in parts.items():
        head, found, rest = page.partition(f"\n## {title}\n")
        section, following, behind = rest.partition("\n## ")
        block = TABLES.search(section)
        if not found or not block:
            raise BankmartError(f"{PAGE} has no section '{title}' with a block of tables: nothing was written.")
        measured = f"{section[: block.start()]}```\n{tables}\n```{section[block.end() :]}"
        page = head + found + measured + following + behind
    return page


def machine() -> str:
    """Cores, memory, processor and Python of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = [line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line]
    model = names[0].partition(":")[2].strip() if names else platform.machine()
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {platform.python_version()}"
