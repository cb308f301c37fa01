"""`bankmart bench tag-gates`: precision and recall of the tags' gates on a synthetic bank with injected faults."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bankmart.governance.tags import bench_series, verdict
from bankmart.governance.tags.bench_series import Array, Bank, Judgement
from bankmart.governance.tags.monitor import HISTORY_DAYS
from bankmart.text import table

Rng = np.random.Generator
# Customers, months: enough that every kind of day has comparable ones before it.
CUSTOMERS, MONTHS, SEED = 2000, 15, 7
WARM_UP = bench_series.LONGEST + 60
EVERY = 3
# From here on a day's tag counts as wrong: the gates promise nothing for less.
WRONG_SHARE = verdict.WARN_SHARE


@dataclass(frozen=True)
class Case:
    """One tag on one day, clean or with a fault: how many customers have a wrong value, and what the gate said."""

    tag: str
    fault: str
    kind: str
    wrong_share: float
    level: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--customers, --months, --seed."""
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help=f"size of the bank ({CUSTOMERS})")
    parser.add_argument("--months", type=int, default=MONTHS, help=f"months of its history ({MONTHS})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the bank and of the faults ({SEED})")


def run(args: argparse.Namespace) -> int:
    """Print both tables: faults with recall and precision, clean days with false alarms."""
    print(measure(args.customers, args.months, args.seed))
    return 0


def measure(customers: int = CUSTOMERS, months: int = MONTHS, seed: int = SEED) -> str:
    """Both tables, of a bank of this size."""
    bank = bench_series.make(customers, months, seed)
    return report(list(cases(bank, np.random.default_rng(seed))))


def _halved(bank: Bank, judgement: Judgement, day: int, rng: Rng) -> Array:
    today, before = bank.column(day), bank.column(day - 1)
    lost = rng.random(len(today["in"])) < 0.5
    for name, values in today.items():
        # A balance that isn't delivered stays what it was; everything else didn't happen.
        values[lost] = before[name][lost] if name == "balance" else 0
    return judgement.codes(bank, day, today)


def _hundredfold(bank: Bank, judgement: Judgement, day: int, rng: Rng) -> Array:
    today, before = bank.column(day), bank.column(day - 1)
    for name in ("in", "out", "wage"):
        today[name] *= 100
    moved = today["balance"] != before["balance"]
    today["balance"] = np.where(moved, today["balance"] * 100, today["balance"])
    return judgement.codes(bank, day, today)


def _stale(bank: Bank, judgement: Judgement, day: int, rng: Rng) -> Array:
    return judgement.codes(bank, day - 1, bank.column(day - 1))


def _category_lost(bank: Bank, judgement: Judgement, day: int, rng: Rng) -> Array:
    codes = judgement.codes(bank, day, bank.column(day))
    others = [code for code in np.unique(codes) if code != judgement.default]
    return np.where(codes == rng.choice(others), judgement.default, codes) if others else codes


def _join_lost(share: float) -> Callable[[Bank, Judgement, int, Rng], Array]:
    def fault(bank: Bank, judgement: Judgement, day: int, rng: Rng) -> Array:
        codes = judgement.codes(bank, day, bank.column(day))
        return np.where(rng.random(len(codes)) < share, judgement.default, codes)

    return fault


def _nulls(bank: Bank, judgement: Judgement, day: int, rng: Rng) -> Array:
    codes = judgement.codes(bank, day, bank.column(day))
    return np.where(rng.random(len(codes)) < 0.2, -1, codes)


FAULTS: dict[str, Callable[[Bank, Judgement, int, Rng], Array]] = {
    "the day's files halved": _halved,
    "amounts ×100": _hundredfold,
    "yesterday's tags again": _stale,
    "a value lost to the default": _category_lost,
    "join lost, all default": _join_lost(1.0),
    "join lost for a tenth": _join_lost(0.1),
    "a fifth null": _nulls,
}
CLEAN = "none"


def cases(bank: Bank, rng: Rng) -> Iterator[Case]:
    """Every day after the warm-up clean; every third one, and every special one, with each fault of each tag."""
    known = bench_series.calendar(bank.days)
    for tag, judgement in bench_series.JUDGEMENTS.items():
        codes = {
            day: judgement.codes(bank, day, bank.column(day)) for day in range(bench_series.LONGEST, len(bank.days))
        }
        mixes = {day: bench_series.mix(bank.days[day], found, judgement.values) for day, found in codes.items()}
        for day in range(WARM_UP, len(bank.days)):
            past = [mixes[each] for each in range(max(bench_series.LONGEST, day - HISTORY_DAYS), day)]
            about = known[bank.days[day]]
            said = verdict.judge(mixes[day], past, known)
            yield Case(tag, CLEAN, about.kind, 0.0, said.level)
            for name, fault in FAULTS.items() if day % EVERY == 0 or about.is_special else ():
                found = fault(bank, judgement, day, rng)
                said = verdict.judge(bench_series.mix(bank.days[day], found, judgement.values), past, known)
                yield Case(tag, name, about.kind, float((found != codes[day]).mean()), said.level)


def report(found: list[Case]) -> str:
    """The tables. Precision is what it would be with as many faulty days as clean ones; a bank has far fewer."""
    alarms = (verdict.WARN, verdict.STOP)
    clean = [case for case in found if case.fault == CLEAN and case.level != verdict.UNJUDGED]
    false_rate = sum(case.level in alarms for case in clean) / max(len(clean), 1)
    rows = []
    for name in FAULTS:
        judged = [case for case in found if case.fault == name and case.level != verdict.UNJUDGED]
        wrong = [case for case in judged if case.wrong_share >= WRONG_SHARE]
        caught, stopped = (sum(case.level in levels for case in wrong) for levels in (alarms, (verdict.STOP,)))
        recall = caught / len(wrong) if wrong else None
        precision = recall / (recall + false_rate) if recall else None
        rows.append([name, len(judged), len(wrong), caught, stopped, _rate(recall), _rate(precision)])
    heads = ["fault", "judged", f"wrong ≥ {WRONG_SHARE:.0%}", "caught", "stopped", "recall", "precision 1:1"]
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for case in found:
        if case.fault == CLEAN:
            by_kind[case.kind][case.level] += 1
    levels = (verdict.PASS, verdict.WARN, verdict.STOP, verdict.UNJUDGED)
    days = [
        [kind, *(counts[level] for level in levels), _rate(_false(counts))] for kind, counts in sorted(by_kind.items())
    ]
    return "\n".join([
        "Faults, counted in tags × days, of lookalikes of nine tags, computed from the files without dbt;",
        "wrong: at least that share of the customers got a wrong value",
        table(heads, rows), "", "Clean days",
        table(["kind of day", *levels, "false alarms"], days),
    ])  # fmt: skip


def _false(counts: Counter[str]) -> float | None:
    judged = counts[verdict.PASS] + counts[verdict.WARN] + counts[verdict.STOP]
    return (counts[verdict.WARN] + counts[verdict.STOP]) / judged if judged else None


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
