"""What a full build and a day's build cost: a synthetic bank of a given size, loaded, built and published."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bankmart import db, settings
from bankmart import dbt as runner
from bankmart.bench.place import own_server
from bankmart.governance import build as builds
from bankmart.governance import gate, publication, retention
from bankmart.sources import contract, load, tables
from bankmart.sources.simulate import SimulationConfig, simulate
from bankmart.text import table

GO_LIVE = date(2026, 10, 31)
# The first day after go-live still finds everything in memory; with the third, the states of the oldest date go: a day
# like any other.
DAYS = 3
LARGEST = 12


@dataclass
class Day:
    """One business date: rows loaded, seconds per layer, seconds and rows of each model, clients' peak memory in MB."""

    date: date
    loaded_rows: int = 0
    load_seconds: float = 0
    layers: dict[str, float] = field(default_factory=dict)
    nodes: list[tuple[str, str, float, int | None]] = field(default_factory=list)
    peak_mb: int = 0

    @property
    def build_seconds(self) -> float:
        """All layers, gates and the publication."""
        return sum(self.layers.values())

    @property
    def seconds(self) -> float:
        """From the files to what readers see."""
        return self.load_seconds + self.build_seconds


@dataclass
class Measured:
    """One bank: its size, the full build of its history and the last of its daily builds."""

    customers: int
    months: int
    transactions: int
    full: Day
    daily: Day

    @property
    def share(self) -> float:
        """The day's time as a share of the full one's, both from files to published."""
        return self.daily.seconds / self.full.seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--customers --months."""
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--months", type=int, default=12)


def run(args: argparse.Namespace) -> int:
    """Measure one bank and print its tables."""
    print(text(measure(args.customers, args.months)))
    return 0


def measure(customers: int, months: int, behind: Callable[[], None] | None = None) -> Measured:
    """Simulate, load, build and publish a bank on a server of its own; `behind` is then done to that bank."""
    with own_server() as state:
        simulate(SimulationConfig(state / "landing", state / "truth", customers, months, DAYS, GO_LIVE))
        days = [build_day(GO_LIVE + timedelta(days=number)) for number in range(DAYS + 1)]
        with db.connect("platform") as link, link.cursor() as cursor:
            cursor.execute("select count(*) from sources.core_banking__transaction")
            (transactions,) = db.one(cursor)
        if behind:
            behind()
    return Measured(customers, months, transactions, days[0], days[-1])


def text(found: Measured) -> str:
    """The measured bank as tables: whole, per layer, per subject of indicators, and the dearest models."""
    full, daily = found.full, found.daily
    head = (
        f"{found.customers:,} customers x {found.months} months, {found.transactions:,} transactions; the full build "
        f"reads {full.loaded_rows:,} delivered rows, the daily one {daily.loaded_rows:,}"
    )
    steps = [
        ("load", full.load_seconds, daily.load_seconds),
        *((name, full.layers[name], daily.layers[name]) for name in full.layers),
        ("build", full.build_seconds, daily.build_seconds),
        ("from files to published", full.seconds, daily.seconds),
    ]
    whole = [[name, round(long, 1), round(short, 1), f"{short / long:.1%}"] for name, long, short in steps]
    whole.append(["peak memory of the clients, MB", full.peak_mb, daily.peak_mb, ""])
    before = {name: seconds for _, name, seconds, _ in full.nodes}
    subjects = [
        [name, round(before.get(name, 0), 2), round(seconds, 2)]
        for _, name, seconds, _ in sorted(daily.nodes, key=lambda node: -node[2])
        if name.startswith(("move_", "level_", "ind_all"))
    ]
    dearest = [
        [layer, name, rows, round(before.get(name, 0), 2), round(seconds, 2)]
        for layer, name, seconds, rows in sorted(daily.nodes, key=lambda node: -node[2])[:LARGEST]
    ]
    return "\n\n".join(
        [
            head + "\n" + table(["step", "full, s", "daily, s", "daily / full"], whole),
            "Indicators, by subject; ind_all joins and writes those of all subjects in one lump\n"
            + table(["model", "full, s", "daily, s"], subjects),
            "The dearest of the daily build\n" + table(["layer", "model", "rows", "full, s", "daily, s"], dearest),
        ]
    )


def build_day(day: date) -> Day:
    """Load, build and publish one business date of the bank that this process looks at."""
    found = Day(day)
    started = time.monotonic()
    found.loaded_rows, load_peak = _apart(_load, day, settings.landing_dir())
    found.load_seconds = time.monotonic() - started
    build = builds.open_build(day, "bench")
    found.layers, build_peak = _apart(_build, build.build_id)
    started = time.monotonic()
    publication.publish(build, actor="bench")
    retention.tidy()
    found.layers["publish"] = time.monotonic() - started
    found.peak_mb = max(load_peak, build_peak)
    found.nodes = _nodes(build.build_id)
    return found


def _nodes(build_id: int) -> list[tuple[str, str, float, int | None]]:
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select layer, node_name, seconds, rows_affected from governance.node_result"
            " where build_id = %s and resource_type = 'model' order by recorded_at",
            (build_id,),
        )
        return list(cursor.fetchall())


def _apart(work: Callable[..., Any], *arguments: Any) -> tuple[Any, int]:
    # A process of its own: its peak is this step's, not the benchmark's.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        done: tuple[Any, int] = pool.submit(_with_peak, work, *arguments).result()
    return done


def _with_peak(work: Callable[..., Any], *arguments: Any) -> tuple[Any, int]:
    done = work(*arguments)
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return done, peak // 1024


def _load(day: date, landing: Path) -> int:
    settings.apply_environment()
    rows = 0
    for system in contract.load():
        rows += sum(each.accepted for each in load.load_system(system, day, landing=landing).tables)
    tables.create_tables()
    return rows


def _build(build_id: int) -> dict[str, float]:
    # dbt is imported beforehand, as the scheduler has it.
    import dbt.cli.main  # noqa: F401

    settings.apply_environment()
    seconds = {}
    for layer in builds.LAYERS:
        started = time.monotonic()
        build = builds.writable(build_id)
        runner.build_layer(layer, build)
        gate.judge(layer, build)
        seconds[layer] = time.monotonic() - started
    return seconds
