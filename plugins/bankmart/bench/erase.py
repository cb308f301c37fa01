"""How long it takes to forget one customer of a whole bank: out of the tables, out of the files, the search, all."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bankmart import db
from bankmart.bench import line
from bankmart.bench.place import own_server, server_seconds
from bankmart.governance.people.erasure import requests
from bankmart.governance.people.erasure import run as erasure
from bankmart.sources.simulate import SimulationConfig, simulate
from bankmart.text import table

# One with an account, as the bank has them; the same in every run.
ONE = "select customer_id from marts.dim_customer_current order by md5(customer_id) limit 1"
LAST = "all, with the certificate"
SIZES = """
select pg_database_size(current_database()) / 1e9, (select count(*) from sources.core_banking__transaction),
    (select count(distinct customer_id) from marts.dim_customer_current)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--customers --months."""
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--months", type=int, default=12)


def run(args: argparse.Namespace) -> int:
    """Measure one bank and print its table."""
    print(measure(args.customers, args.months))
    return 0


def measure(customers: int, months: int) -> str:
    """Simulate, load, build and publish a bank on a server of its own, and forget somebody."""
    with own_server() as state:
        simulate(SimulationConfig(state / "landing", state / "truth", customers, months, 0, line.GO_LIVE))
        line.build_day(line.GO_LIVE)
        return forget()


def forget() -> str:
    """Erase one customer of the bank that this process looks at; seconds of each part, as a table."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(SIZES)
        size, transactions, customers = db.one(cursor)
        cursor.execute(ONE)
        (customer,) = db.one(cursor)
    (number,) = requests.request([(customer, "bench")], "bench")
    requests.decide([number], "another", approve=True)
    report = Measured()
    erasure.run("bench", report=report)
    parts = report.seconds | {LAST: sum(report.seconds.values())}
    processor = report.processor | {LAST: sum(report.processor.values())}
    rows = [[name, round(seconds, 1), round(processor[name], 1)] for name, seconds in parts.items()]
    head = (
        f"one of {customers:,} customers, {transactions:,} transactions, {size:.1f} GB of tables: "
        f"{sum(report.rows.values())}"
        f" rows of {len(report.rows)} tables and {report.files} files changed; load {os.getloadavg()[0]:.1f} on"
        f" {os.cpu_count()} cores\n"
    )
    return head + table(["part", "seconds", "processor"], rows)


@dataclass
class Measured(erasure.Report):
    """With the processor's seconds of each part, of this process and the server: on a busy machine they stay."""

    processor: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Time a step."""
        before = _processor()
        with super().timed(what):
            yield
        self.processor[what] = _processor() - before


def _processor() -> float:
    return time.process_time() + server_seconds()
