"""Precision and recall of the anomaly checks: a synthetic bank's events day by day, clean and with injected faults."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from psycopg2 import sql

from bankmart import db
from bankmart.bench.place import own_server
from bankmart.governance.quality import profile, watch
from bankmart.governance.quality.anomaly import Point
from bankmart.governance.quality.profile import Key, Load
from bankmart.governance.tags import bench_series
from bankmart.governance.tags.verdict import PASS, STOP, UNJUDGED, WARN
from bankmart.sources import contract, load, tables
from bankmart.sources.contract import NUMERIC, Table
from bankmart.sources.simulate import SimulationConfig, simulate
from bankmart.text import table as text_table

CUSTOMERS, MONTHS = 1000, 12
GO_LIVE = date(2026, 10, 31)
# Days that only serve as history: every kind of day has comparable ones by then.
WARM_UP, EVERY = 120, 4
# Fewer rows on a typical day than this: nothing can be said of its mixes and sizes.
BUSY = 30
CLEAN = "none"
Usual = dict[Key, Point]
Statement = Callable[[Table, Usual], sql.Composable | None]


@dataclass(frozen=True)
class Case:
    """One table on one day: the fault, and the worst verdict on its measures."""

    table: str
    fault: str
    kind: str
    level: str
    measure: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--customers, --months, --seed."""
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help=f"size of the bank ({CUSTOMERS})")
    parser.add_argument("--months", type=int, default=MONTHS, help=f"months of its history ({MONTHS})")
    parser.add_argument("--seed", type=int, default=7, help="of the bank and of the faults (7)")


def run(args: argparse.Namespace) -> int:
    """Print both tables: faults with recall and precision, clean days with false alarms."""
    with own_server() as state:
        simulate(SimulationConfig(state / "landing", state / "truth", args.customers, args.months, 0, seed=args.seed))
        for system in contract.load():
            load.load_system(system, GO_LIVE)
        print(report(list(cases(args.seed))))
    return 0


def _deleted(share: float) -> Statement:
    text = "delete from {table} where business_date = %(day)s and random() < {share}"
    return lambda table, _: sql.SQL(text).format(table=tables.relation(table), share=sql.Literal(share))


def _twice(table: Table, _: Usual) -> sql.Composable:
    key = table.key[0]
    names = [column.name for column in table.columns]
    chosen = [sql.SQL("{} || 'x'").format(sql.Identifier(n)) if n == key else sql.Identifier(n) for n in names]
    return sql.SQL(
        "insert into {table} ({names}, business_date, load_id) select {chosen}, business_date, load_id from {table}"
        " where business_date = %(day)s"
    ).format(
        table=tables.relation(table),
        names=sql.SQL(", ").join(map(sql.Identifier, names)),
        chosen=sql.SQL(", ").join(chosen),
    )


def _set(choose: Callable[[Table, Usual], tuple[str, sql.Composable] | None]) -> Statement:
    def statement(table: Table, usual: Usual) -> sql.Composable | None:
        chosen = choose(table, usual)
        if chosen is None:
            return None
        return sql.SQL("update {table} set {column} = {value} where business_date = %(day)s").format(
            table=tables.relation(table), column=sql.Identifier(chosen[0]), value=chosen[1]
        )

    return statement


def _hundredfold(table: Table, _: Usual) -> tuple[str, sql.Composable] | None:
    names = [each.name for each in table.columns if NUMERIC.fullmatch(each.data_type)]
    return (names[0], sql.SQL("{} * 100").format(sql.Identifier(names[0]))) if names else None


def _emptied(table: Table, usual: Usual) -> tuple[str, sql.Composable] | None:
    # The fullest column: what is always empty shows nothing.
    shares = {key[1]: point.amount for key, point in usual.items() if key[0] == "null" and point.amount < 0.5}
    return (min(shares, key=lambda name: shares[name]), sql.SQL("null")) if shares else None


def _one_value(table: Table, usual: Usual) -> tuple[str, sql.Composable] | None:
    shares = {key[1:]: point.amount for key, point in usual.items() if key[0] == "share" and point.amount}
    column, value = min(shares, key=lambda each: shares[each], default=("", ""))
    return (column, sql.Literal(value)) if column and shares[column, value] < 0.5 else None


def _old(table: Table, _: Usual) -> tuple[str, sql.Composable] | None:
    column = table.event_column
    return (column, sql.SQL("{} - interval '3 days'").format(sql.Identifier(column))) if column else None


FAULTS: dict[str, Statement] = {
    "half of the rows lost": _deleted(0.5),
    "nine of ten rows lost": _deleted(0.9),
    "no row": _deleted(2.0),
    "every row twice": _twice,
    "amounts x100": _set(_hundredfold),
    "a column emptied": _set(_emptied),
    "a column of one value": _set(_one_value),
    "events three days old": _set(_old),
}


def cases(seed: int) -> Iterator[Case]:
    """Every day after the warm-up clean; every fourth, and every special one, with each fault of each busy table."""
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute("select setseed(%s)", (seed / 1000,))
        for table in (each for system in contract.load().values() for each in system.values()):
            days = _spread(cursor, table)
            if not days:
                continue
            yield from _cases(cursor, table, days)


def _spread(cursor: Any, table: Table) -> list[date]:
    """Give each event to the day on which it happened, as if it had been delivered then; none for a quiet table."""
    if not table.event_column:
        return []
    event = sql.SQL("{}::date").format(sql.Identifier(table.event_column))
    cursor.execute(sql.SQL("update {} set business_date = {}").format(tables.relation(table), event))
    cursor.execute(
        sql.SQL("select business_date, count(*) from {} group by 1 order by 1").format(tables.relation(table))
    )
    counts = dict(cursor.fetchall())
    if not counts or sorted(counts.values())[len(counts) // 2] < BUSY:
        return []
    first, last = min(counts), min(max(counts), GO_LIVE)
    # The first month fills up: customers are still being opened.
    return [first + timedelta(days=number) for number in range(30, (last - first).days + 1)]


def _cases(cursor: Any, table: Table, days: list[date]) -> Iterator[Case]:
    known = bench_series.calendar(tuple(days))
    loads = [Load(0, table, day, 0, 0) for day in days]
    measured = [profile.measure(cursor, each) for each in loads]
    past: dict[Key, list[Point]] = defaultdict(list)
    for number, day in enumerate(days):
        kept = {key: [point for point in points if (day - point.day).days <= profile.HISTORY_DAYS]
                for key, points in past.items()}  # fmt: skip
        about = known[day]
        if number >= WARM_UP:
            yield _judged(table, CLEAN, about.kind, watch.judged(measured[number], kept, known, ()))
            for name, made in FAULTS.items() if number % EVERY == 0 or about.is_special else ():
                statement = made(table, measured[number])
                if statement is None:
                    continue
                cursor.execute("savepoint clean")
                cursor.execute(statement, {"day": day})
                found = profile.measure(cursor, replace(loads[number]))
                cursor.execute("rollback to savepoint clean")
                yield _judged(table, name, about.kind, watch.judged(found, kept, known, ()))
        for key, point in measured[number].items():
            past[key].append(point)


def _judged(table: Table, fault: str, kind: str, found: watch.Found) -> Case:
    key, verdict = watch.worst(found)
    return Case(f"{table.system}.{table.name}", fault, kind, verdict.level, key[0])


def report(found: list[Case]) -> str:
    """The tables. Precision is what it would be with as many faulty days as clean ones; a bank has far fewer."""
    alarms = (WARN, STOP)
    clean = [case for case in found if case.fault == CLEAN and case.level != UNJUDGED]
    false_rate = sum(case.level in alarms for case in clean) / max(len(clean), 1)
    rows = []
    for name in FAULTS:
        judged = [case for case in found if case.fault == name and case.level != UNJUDGED]
        caught, stopped = (sum(case.level in levels for case in judged) for levels in (alarms, (STOP,)))
        recall = caught / len(judged) if judged else 0.0
        precision = recall / (recall + false_rate) if recall else 0.0
        rows.append([name, len(judged), caught, stopped, f"{recall:.3f}", f"{precision:.3f}"])
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for case in found:
        if case.fault == CLEAN:
            by_kind[case.kind][case.level] += 1
    levels = (PASS, WARN, STOP, UNJUDGED)
    days = [[kind, *(counts[level] for level in levels)] for kind, counts in sorted(by_kind.items())]
    wrong = Counter(f"{case.table} {case.measure}" for case in clean if case.level in alarms)
    return "\n".join([
        f"Faults, counted in tables x days ({len({case.table for case in found})} tables)",
        text_table(["fault", "judged", "caught", "stopped", "recall", "precision 1:1"], rows), "",
        f"Clean days: {false_rate:.2%} of {len(clean)} with a false alarm",
        text_table(["kind of day", *levels], days),
        *(f"false: {name} {count} x" for name, count in wrong.most_common(5)),
    ])  # fmt: skip
