"""How the daily build grows: with the day's rows in step, with history not at all. Two curves, as table and picture."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from bankmart.bench import line
from bankmart.bench.line import Measured
from bankmart.text import table

CUSTOMERS = (25_000, 50_000, 100_000)
MONTHS = (3, 6, 12)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--customers --months --picture."""
    parser.add_argument("--customers", type=int, nargs="+", default=list(CUSTOMERS))
    parser.add_argument("--months", type=int, nargs="+", default=list(MONTHS))
    parser.add_argument("--picture", type=Path, help="write the two curves to this file")


def run(args: argparse.Namespace) -> int:
    """Measure and print; the two curves share a bank."""
    found = measure(args.customers, args.months)
    print(text(found))
    if args.picture:
        draw(found, args.picture)
    return 0


def measure(customers: list[int], months: list[int], behind: Callable[[], None] | None = None) -> list[Measured]:
    """Banks of all sizes with the longest history, and the middle one with shorter ones: cheaper than the largest.

    The largest is first, on a machine that has done nothing yet; `behind` is then done to it.
    """
    sizes = [(size, max(months)) for size in sorted(customers, reverse=True)]
    sizes += [(middle(customers), length) for length in sorted(months)[:-1]]
    return [line.measure(*size, behind if size == sizes[0] else None) for size in sizes]


def middle(customers: list[int]) -> int:
    """The size whose history grows."""
    return sorted(customers)[len(customers) // 2]


def text(found: list[Measured]) -> str:
    """One line per bank."""
    rows = [
        [
            f"{each.customers:,}",
            each.months,
            f"{each.transactions:,}",
            f"{each.daily.loaded_rows:,}",
            round(each.full.seconds, 1),
            round(each.daily.seconds, 1),
            f"{each.share:.1%}",
            max(each.full.peak_mb, each.daily.peak_mb),
        ]
        for each in sorted(found, key=lambda each: (-each.months, each.customers))
    ]
    heads = ["customers", "months", "transactions", "rows a day", "full, s", "daily, s", "daily / full", "clients, MB"]
    return table(heads, rows)


def draw(found: list[Measured], path: Path) -> None:
    """Write the two curves as a picture."""
    from matplotlib.figure import Figure

    longest, grown = max(each.months for each in found), middle(list({each.customers for each in found}))
    by_size = sorted((each for each in found if each.months == longest), key=lambda each: each.customers)
    by_history = sorted((each for each in found if each.customers == grown), key=lambda each: each.months)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    left.plot([each.daily.loaded_rows for each in by_size], [each.daily.seconds for each in by_size], "o-")
    left.set(xlabel="rows delivered in the day", title=f"{longest} months of history")
    left.set(ylabel="a day from files to published, seconds")
    right.plot([each.months for each in by_history], [each.daily.seconds for each in by_history], "o-")
    right.set(xlabel="months of history", title=f"{grown:,} customers")
    for axes in (left, right):
        axes.set(ylim=(0, None), xlim=(0, None))
        axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
