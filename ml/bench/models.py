"""`python -m ml bench models` (`make bench-models`): every judgement of the models on public data, one after another.

With `--as-of` those against the planted truth of the simulated bank in this state folder, too. What isn't there is
said, and skipped; what fails, or misses what is wanted of it, is said, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.bench.oracle import WITHOUT

# What, its value, what stands beside it, and what is wanted of it with whether it is met.
Row = tuple[str, str, str, str]
MET, MISSED = "met", "**missed**"
# Of the reviews: character 1-3-gram TF-IDF and a balanced logistic regression, five folds.
REVIEWS = {"macro_f1": 0.659, "kappa": 0.465, "accuracy": 0.874}
# The goals: of the walk forward in time, of a classifier of reviews, and as shares of the oracle's skill.
OF_WALK = {"auc": 0.780, "gain_area": 0.711}
OF_REVIEWS = ("macro_f1", "kappa")
# The rates are told with five digits. The women's e-mail has an effect that the response model doesn't find.
EXACT = 1e-5
OF_UPLIFT = (("womens_email", "qini_above_response"),)
OF_ORACLE = {"churn": 0.85, "response": 0.85, "uplift": 0.7}


@dataclass(frozen=True)
class Bench:
    """A benchmark: its command, the file or folder it needs (None: the bank), and the rows that it fills."""

    title: str
    command: tuple[str, ...]
    needs: str | None
    rows: Callable[[dict[str, Any]], Iterator[Row]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the public data are, and which date of the bank has a training build."""
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the public data sets")
    parser.add_argument("--as-of", metavar="YYYY-MM-DD", help="the simulated bank's date with a training build")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables there, too")
    parser.add_argument("--seeds", type=int, help="of each benchmark that has seeds (default: as documented of each)")


def run(args: argparse.Namespace) -> int:
    """Print Markdown tables. 1 where a benchmark failed or missed a goal."""
    said, failed = ["# Models, judged", ""], False
    for bench in benches(args.data, args.as_of, args.seeds):
        lines, went_wrong = _section(bench, args)
        print("\n".join(lines), flush=True)
        said += lines
        failed |= went_wrong
    if args.write:
        args.write.write_text("\n".join(said) + "\n", encoding="utf-8")
    return int(failed)


def benches(data: Path, as_of: str | None, seeds: int | None = None) -> list[Bench]:
    """What is run, in order; each with its own number of seeds, unless one is given for all."""

    def many(own: int) -> tuple[str, str]:
        return "--seeds", str(seeds or own)

    return [
        Bench(
            "response: bank_marketing through landing, marts and the walk forward in time",
            ("bank_marketing", "--source", str(data / "bank_marketing"), *many(5)),
            "bank_marketing",
            _of_response,
        ),
        Bench(
            "uplift: Hillstrom's e-mails through the campaign marts",
            ("hillstrom", "--source", str(data / "hillstrom"), *many(10)),
            "hillstrom",
            _of_uplift,
        ),
        Bench(
            "sentiment: reviews of Chinese banks, five folds",
            ("sentiment", "--csv", str(data / "zh_bank_reviews" / "reviews.csv"), *many(5)),
            "zh_bank_reviews/reviews.csv",
            _of_reviews,
        ),
        Bench(
            "churn, response and value_up: share of the oracle's skill",
            ("oracle", "--as-of", as_of or ""),
            None,
            _of_oracle,
        ),
        Bench(
            "uplift: share of the oracle's Qini",
            ("oracle_uplift", "--as-of", as_of or ""),
            None,
            _of_oracle_uplift,
        ),
    ]


def _section(bench: Bench, args: argparse.Namespace) -> tuple[list[str], bool]:
    head = [f"## {bench.title}", ""]
    if bench.needs is not None and not (args.data / bench.needs).exists():
        return [*head, f"Skipped: {args.data / bench.needs} isn't there.", ""], False
    if bench.needs is None and not args.as_of:
        why = "it needs a simulated bank with a training build, named by --as-of (make: AS_OF=2026-10-31)"
        return [*head, f"Skipped: {why}.", ""], False
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "ml", "bench", *bench.command], capture_output=True, text=True)
    took = f"{time.monotonic() - began:.0f} s; `python -m ml bench {' '.join(bench.command)}`"
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no word"]
        return [*head, f"**Failed**: {words[-1]} ({took})", ""], True
    found = list(bench.rows(json.loads(done.stdout)))
    rows = [f"| {' | '.join(row)} |" for row in found]
    missed = any(wanted.endswith(MISSED) for *_, wanted in found)
    return [*head, "| what | value | beside it | wanted |", "| --- | --- | --- | --- |", *rows, "", took, ""], missed


def _above(value: float, least: float | None) -> str:
    return "" if least is None else f"> {least}: {MET if value > least else MISSED}"


def _interval(found: dict[str, Any]) -> str:
    return f"{found['value']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"


def _of_response(report: dict[str, Any]) -> Iterator[Row]:
    reference = report.get("reference", {})
    for side, metrics in report["metrics"].items():
        for name, found in metrics.items():
            beside = reference.get(side, {}).get(name)
            wanted = _above(found["value"], OF_WALK.get(name) if side == "rolling" else None)
            yield f"{side}: {name}", _interval(found), f"reference {beside}" if beside else "", wanted


def _of_uplift(report: dict[str, Any]) -> Iterator[Row]:
    reference = report.get("reference", {})
    for treatment, told in report.get("rates", {}).items():
        for name, known in reference.get("rates", {}).get(treatment, {}).items():
            # Rates are exact, or something else was counted.
            wanted = MET if abs(told[name] - known) < EXACT else MISSED
            yield f"{treatment}: {name}", f"{told[name]:.5f}", f"reference {known:.5f}", f"the same: {wanted}"
    for offer, found in report["treatments"].items():
        for name in ("qini", "response_qini", "qini_above_response", "uplift_at_10", "uplift_at_30"):
            one = found["metrics"][name]
            low, high = one["bootstrap_95"]
            beside = f"seeds {one['seed_range'][0]:.4f} to {one['seed_range'][1]:.4f}"
            known = reference.get(offer, {}).get(name)
            beside += f"; reference {known}" if known is not None else ""
            wanted = _above(low, 0.0) if (offer, name) in OF_UPLIFT else ""
            yield f"{offer}: {name}", f"{one['mean']:.4f} [{low:.4f}, {high:.4f}]", beside, wanted


def _of_reviews(report: dict[str, Any]) -> Iterator[Row]:
    metrics = report["metrics"]
    for name, found in metrics["model"].items():
        if name != "by_seed":
            beside = f"majority {metrics['majority'][name]['value']:.4f}; reference {REVIEWS[name]}"
            yield name, _interval(found), beside, _above(found["value"], REVIEWS[name] if name in OF_REVIEWS else None)


def _of_oracle(report: dict[str, Any]) -> Iterator[Row]:
    for model, found in report.items():
        if "skipped" in found:
            yield f"{model}: share of skill", "skipped", found["skipped"], ""
            continue
        share, low, high = found["share_of_skill"]
        oracle, least, most = found["oracle_auc"]
        beside = f"AUC {found['auc'][0]}, oracle {oracle} [{least}, {most}], {found['positives']} of {found['rows']}"
        beside += f" ({found['base_rate']:.2%}), seed {found['seed']}, code {found['revision'][:12]}"
        beside += f"; {found['note']}" if found.get("note") else ""
        wanted = _above(share, OF_ORACLE.get(model))
        yield f"{model}: share of skill", f"{share:.4f} [{low:.4f}, {high:.4f}]", beside, wanted
    for model, why in WITHOUT.items():
        yield f"{model}: share of skill", "none", why, ""


def _of_oracle_uplift(report: dict[str, Any]) -> Iterator[Row]:
    found = report["test"]
    if found.get("share", "") is None:
        yield "test", "not judged", "no offer was drawn against a control among the test contacts", ""
        return
    low, high = found["observed_share_95"]
    observed = f"{found['observed_share_of_oracle']:.4f} [{low:.4f}, {high:.4f}]"
    area, least, most = found["qini_area"]["oracle"]
    beside = (
        f"{found['contacts']} contacts, {found['buyers']} buyers ({found['base_rate']:.2%}); oracle's area {area:.5f}"
    )
    beside += f" [{least:.5f}, {most:.5f}], seed {report['seed']}, code {report['revision'][:12]}"
    yield "share of what happened", observed, beside, ""
    response = f"response model {found['response_expected_share_of_oracle']:.4f}"
    share = found["expected_share_of_oracle"]
    yield "share of the planted effects", f"{share:.4f}", response, _above(share, OF_ORACLE["uplift"])
