"""How fast the loader is, checks and all, beside psql's `\\copy` of the same file into an equal table."""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psycopg2
import pyarrow as pa

from bankmart import settings
from bankmart.bench.place import own_server
from bankmart.runtime import postgres, provision
from bankmart.sources import contract, landing, tables
from bankmart.sources.load import load_system
from bankmart.text import table

DAY = date(2026, 1, 31)
PIECE, ACCOUNTS, SEED = 200_000, 50_000, 20260131


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--rows", type=int, default=1_000_000, help="transactions in the file")
    parser.add_argument("--repeat", type=int, default=3, help="times that each way is measured")


def run(args: argparse.Namespace) -> int:
    """Measure on a Postgres of the benchmark's own; print seconds, rows a second and memory, medians."""
    print(measure(args.rows, args.repeat))
    return 0


def measure(rows: int = 1_000_000, repeat: int = 3) -> str:
    """The two ways side by side, as a table."""
    with own_server() as state:
        tables.create_tables()
        _execute(
            "create table sources.plain (like sources.core_banking__transaction including all)",
            f"alter table sources.plain alter business_date set default '{DAY}', alter load_id set default 1",
            "alter table sources.plain owner to loader",
        )
        path = _write(state / "landing", rows)
        copied, loaded, peaks = [], [], []
        for _ in range(repeat):
            copied.append(_copy(path))
            seconds, peak = _load(state / "landing", rows)
            loaded.append(seconds)
            peaks.append(peak)
        size = path.stat().st_size / 1e6
    base, ours = statistics.median(copied), statistics.median(loaded)
    lines = [
        ["\\copy", round(base, 2), f"{rows / base:,.0f}", "100%", ""],
        ["loader", round(ours, 2), f"{rows / ours:,.0f}", f"{base / ours:.0%}", f"{max(peaks)} MB"],
    ]
    head = f"{rows:,} transactions, {size:.0f} MB of CSV, {repeat} times\n"
    return head + table(["way", "seconds", "rows a second", "share", "peak memory"], lines)


def _write(root: Path, rows: int) -> Path:
    """The required tables of core banking, transactions in the order of their moments; returns their file."""
    draw = np.random.default_rng(SEED)
    core = contract.load()["core_banking"]
    account = np.char.add("62220000", np.char.zfill(np.arange(ACCOUNTS).astype(str), 8))
    small = {"status": "active", "currency": "CNY", "product_line": "current", "name": "Current account"}
    for name in ("customer", "product", "account", "balance"):
        columns = {}
        count = 1 if name == "product" else ACCOUNTS
        for column in core[name].columns:
            value = account[:count] if column.is_key and column.data_type == "text" else None
            if column.references:
                value = np.repeat(account[:1], count) if column.references.endswith("product") else account
            fixed = {"date": DAY, "boolean": True, "text": small.get(column.name)}.get(column.data_type, 1)
            fixed = None if column.is_nullable else fixed
            columns[column.name] = pa.array(value if value is not None else [fixed] * count)
        landing.write_extract(root, core[name], DAY, pa.table(columns))
    stream = landing.ExtractStream(root, core["transaction"], DAY)
    for start in range(0, rows, PIECE):
        count = min(PIECE, rows - start)
        seconds = np.sort(draw.integers(0, 86_400, count))
        cents = draw.integers(1, 5_000_000, (2, count)) / 100
        stream.write(
            pa.table(
                {
                    "transaction_id": [f"T{number:012d}" for number in draw.permutation(count) + start],
                    "account_id": account[draw.integers(0, ACCOUNTS, count)],
                    "transaction_date": pa.array([DAY] * count),
                    "transaction_at": np.datetime64(DAY, "us") + seconds.astype("timedelta64[s]"),
                    "direction": np.array(["in", "out"])[draw.integers(0, 2, count)],
                    "amount": cents[0],
                    "balance_amount": cents[1],
                    "channel": np.array(["atm", "mobile", "pos", "transfer"])[draw.integers(0, 4, count)],
                    "purpose": np.array(["salary", "cash", "shopping", "other"])[draw.integers(0, 4, count)],
                    "counterparty_bank": np.array(["工商银行", "招商银行", "建设银行"])[draw.integers(0, 3, count)],
                    "counterparty_account": account[draw.integers(0, ACCOUNTS, count)],
                }
            )
        )
    return stream.close() / "transaction.csv"


def _copy(path: Path) -> float:
    _execute("truncate sources.plain", "checkpoint")
    own = postgres.place(settings.state_dir()).binaries / "psql"
    psql = str(own) if own.exists() else shutil.which("psql") or "psql"
    columns = ", ".join(column.name for column in contract.load()["core_banking"]["transaction"].columns)
    command = f"\\copy sources.plain ({columns}) from '{path}' with (format csv, header)"
    started = time.monotonic()
    subprocess.run([psql, "-q", "-X", "-d", settings.dsn("loader"), "-c", command], check=True)
    return time.monotonic() - started


def _load(root: Path, rows: int) -> tuple[float, int]:
    every = [f"truncate sources.{table.identifier}" for table in contract.load()["core_banking"].values()]
    _execute(*every, "truncate governance.load cascade", "checkpoint")
    # A process of its own: its peak is the loader's, not this benchmark's.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        seconds, peak, read = pool.submit(_load_here, root).result()
    assert read == rows, f"{read} rows were loaded of {rows}"
    return seconds, peak


def _load_here(root: Path) -> tuple[float, int, int]:
    """Seconds, peak memory in MB and transactions read."""
    started = time.monotonic()
    done = load_system("core_banking", DAY, landing=root)
    seconds = time.monotonic() - started
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return seconds, peak // 1024, next(each.accepted for each in done.tables if each.table == "transaction")


def _execute(*statements: str) -> None:
    with closing(psycopg2.connect(provision.admin_dsn(settings.WAREHOUSE))) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
