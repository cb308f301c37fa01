"""Uplift on any CSV with a randomised treatment: the platform's own T- and X-learners, judged on customers left out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from ml.bench._json import as_json, count, processors
from ml.bench._uplift_protocol import Outcome, judge_split, summary
from ml.bench._uplift_table import Table, encoded, read_table, treatments
from ml.data.leakage import UNBELIEVABLE_AUC, telling
from ml.errors import DataError
from ml.techniques.uplift.randomised import require_randomised

# How many splits, by the file's cells times its offers: every seed of a large file takes minutes and varies less.
SEEDS = ((4e6, 10), (2e7, 5), (float("inf"), 3))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, its columns, and how often it is split."""
    parser.add_argument("--csv", type=Path, required=True, help="customers, one per line, with a header")
    parser.add_argument("--treatment", required=True, metavar="COL", help="what each customer got; two or more values")
    parser.add_argument("--target", required=True, metavar="COL", help="what came of it: 0/1, yes/no or an amount")
    parser.add_argument("--test-csv", type=Path, help="judge on these customers instead of 30 %% left out")
    parser.add_argument("--drop", nargs="*", default=[], metavar="COLS", help="columns that aren't features")
    parser.add_argument("--control", metavar="VALUE", help="who got nothing (default: see `control` in the JSON)")
    parser.add_argument("--propensity", metavar="COL", help="the probability with which the treatment was chosen")
    parser.add_argument("--seeds", type=count, help="splits, every one reported (default: 10; 5 or 3 of a large file)")
    parser.add_argument("--resamples", type=count, default=200, help="bootstrap resamples per seed (default: 200)")
    parser.add_argument("--threads", type=int, default=processors(), help="default: as many as there are processors")


def run(args: argparse.Namespace) -> int:
    """Print the JSON. Raises DataError where the file can't be used, NotRandomised where effects can't be learnt."""
    print(as_json(measure(args)))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Metrics per treatment, with intervals over seeds and resamples, and how they came about."""
    drop = [name.strip() for given in args.drop for name in given.split(",") if name.strip()]
    table = read_table(args.csv, args.treatment, args.target, args.propensity, drop)
    test = (
        read_table(args.test_csv, args.treatment, args.target, args.propensity, drop, like=table)
        if args.test_csv
        else None
    )
    control, rule = treatments(table, args.control)
    if absent := [name for name in drop if name not in table.header]:
        raise DataError(f"{args.csv.name} has no column {', '.join(absent)}. It has: {', '.join(table.header)}.")
    offers = tuple(sorted(set(table.treatment.tolist()) - {control}))
    everything = encoded(table, table, offers, control, seed=0)
    balance = require_randomised(everything, np.full(len(everything), table.propensity is not None))
    size = len(table.treatment) * len(table.names) * len(offers)
    seeds = args.seeds or next(count for most, count in SEEDS if size <= most)
    found = [
        split_and_judge(table, test, offers, control, seed, args.resamples, max(1, args.threads))
        for seed in range(seeds)
    ]
    return {
        "data": {
            "csv": args.csv.name,
            "rows": len(table.treatment),
            "test_rows": len(test.treatment) if test else None,
            "target": args.target,
            "features": table.names,
            "categorical": sorted(table.categories),
            "left_out": table.left_out | dict.fromkeys(drop, "as asked"),
            # Alone they tell what came: were they known before the treatment?
            "suspects": telling(everything.features, everything.numbers, everything.outcome, UNBELIEVABLE_AUC)
            if everything.is_binary()
            else {},
            "positive": table.positive,
            "treatments": {
                name: {
                    "rows": int((table.treatment == name).sum()),
                    "mean_target": round(float(table.target[table.treatment == name].mean()), 6),
                }
                for name in (control, *offers)
            },
            "control": control,
            "control_rule": rule,
        },
        "randomised": [
            {"treatment": one.offer, "auc": round(one.auc, 4), "chance_at_most": round(one.chance, 4)}
            for one in balance
        ]
        or f"not checked: {'propensities were given' if args.propensity else 'too few customers'}",
        **summary(offers, found),
        "protocol": {
            "split": f"test file {args.test_csv.name}; a seed draws the learners' folds"
            if test
            else "70 % train, 30 % test, drawn anew by every seed, the treatments' shares kept",
            "seeds": list(range(seeds)),
            "resamples_per_seed": args.resamples,
            "learners": "T- and X-learners on LightGBM and their mean; the kind is chosen by Qini on a quarter of the"
            " train customers, then learnt from all of them",
            "response_model": "LightGBM on the outcome among the treated, which ranks by the outcome with treatment",
            "qini": "area between the Qini curve (Radcliffe 2007) and the random line, as a share of the perfect"
            " order's (treated buyers first, control buyers last)",
            "interval": "seeds: mean, standard deviation, lowest, highest; bootstrap: 2.5 and 97.5 % of the resamples"
            " of the test customers, pooled over seeds",
        },
    }


def split_and_judge(
    table: Table, test: Table | None, offers: tuple[str, ...], control: str, seed: int, resamples: int, threads: int
) -> list[Outcome]:
    """One seed: 70 % learn and the rest judges, or all learn and `test` judges."""
    rng = np.random.default_rng(seed)
    if test is None:
        place = rng.permutation(len(table.treatment))
        # Every treatment is split by itself, so that a small arm isn't left out by chance.
        kept = np.zeros(len(place), dtype=bool)
        for name in (control, *offers):
            own = place[table.treatment[place] == name]
            kept[own[: round(0.7 * len(own))]] = True
        learnt, judged = table.only(kept), table.only(~kept)
    else:
        learnt, judged = table, test
    return judge_split(
        encoded(learnt, learnt, offers, control, seed),
        encoded(judged, learnt, offers, control, seed),
        seed,
        resamples,
        threads,
    )
