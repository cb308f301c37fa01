"""How long adding an entry takes, and reading the whole chain again; on a server of its own."""

from __future__ import annotations

import argparse
import os
import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import psutil
from psycopg2.extras import Json

from bankmart import db
from bankmart.bench.place import own_server
from bankmart.governance.audit.chain import append
from bankmart.governance.audit.verify import verify
from bankmart.text import table

if TYPE_CHECKING:
    from psycopg2.extensions import connection

FACTS = {"build_id": 7, "business_date": "2026-11-03", "previous_build_id": 6, "rows": {"marts.fct_transaction": 12345}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--entries."""
    parser.add_argument("--entries", type=int, default=5000, help="how many to add (5000)")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    with own_server():
        print(measure(args.entries))
    return 0


def measure(entries: int) -> str:
    """Milliseconds per entry, each in a transaction of its own as acts have them; then verifying.

    Beside it the ceilings: an insert of the same facts into a table with a key and no chain, and a call that asks for
    nothing, which an entry makes two of: where an idle processor sleeps, they are most of it. On a busy machine the
    processor's time, of client and server together and with the commit, says what it costs; the rest is waiting.
    """
    rows = []
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("create table if not exists governance.bench (number bigserial primary key, facts jsonb)")
        link.commit()

        def entry() -> None:
            append(link, "bench", "nobody", "nothing", FACTS)

        def bare() -> None:
            cursor.execute("insert into governance.bench (facts) values (%s)", (Json(FACTS),))

        def nothing() -> None:
            cursor.execute("select")

        for name, act in (("an entry", entry), ("a bare insert", bare), ("a call of the server", nothing)):
            added, committed, before = [], [], _processor(link)
            for _ in range(entries // 2):
                # What an entry is told of: its transaction is open before it.
                cursor.execute("select")
                began = time.perf_counter()
                act()
                added.append((time.perf_counter() - began) * 1000)
                link.commit()
                committed.append((time.perf_counter() - began) * 1000)
            busy = (_processor(link) - before) / len(added) * 1000
            rows.append(_row(name, added, ""))
            if act is not nothing:
                rows.append(_row(f"{name} and its commit", committed, round(busy, 2)))
    started = time.perf_counter()
    report = verify()
    seconds = time.perf_counter() - started
    shown = table(["milliseconds", "entries", "processor", "5 %", "median", "95 %", "99 %"], rows)
    return (
        f"{shown}\nverified {report.entries} entries in {seconds:.2f} s ({report.entries / seconds:,.0f} a second);"
        f" load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


def _row(name: str, took: list[float], busy: float | str) -> list[Any]:
    cuts = quantiles(took, n=100)
    return [name, len(took), busy, *(round(each, 2) for each in (cuts[4], median(took), cuts[94], cuts[98]))]


def _processor(link: connection) -> float:
    """Seconds of processor that this process and its server process have used."""
    server = psutil.Process(link.get_backend_pid()).cpu_times()
    return float(time.process_time() + server.user + server.system)
