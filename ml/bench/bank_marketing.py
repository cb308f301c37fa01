"""`python -m ml bench bank_marketing`: a bank's real campaigns through landing, loader and marts, walking forward."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bankmart.errors import BankmartError
from ml.bench._json import as_json, count, processors
from ml.bench.response import checked, judge
from ml.public.contacts import Contacts
from ml.public.window import LEAST_STEP, RESPONSE, USUAL_WINDOW, Protocol

# Measured with a near-default LightGBM; the rolling one with this protocol, the frozen one on the first 70 %.
REFERENCE = {"rolling": {"auc": 0.780, "gain_area": 0.711, "best_half_share": 0.809}, "frozen": {"auc": 0.696}}
# New outcomes without which a night retrains nothing: half a hundredth of the window.
LEAST_NIGHT = 100
LAYERS = ("staging", "intermediate", "marts")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file and the protocol."""
    parser.add_argument("--source", type=Path, required=True, help="folder with bank-additional-full.csv")
    parser.add_argument("--window", type=int, default=USUAL_WINDOW, help="contacts that a model learns from")
    parser.add_argument(
        "--known",
        choices=("day", "contact"),
        default="day",
        help="day: outcomes are known when their day is over, and a night with 100 new ones retrains;"
        " contact: an outcome is known at the next contact, and every 500 retrain, as the reference has it",
    )
    parser.add_argument("--seeds", type=count, default=5, help="how many seeds, all of them reported")
    parser.add_argument(
        "--beside",
        type=int,
        default=1,
        help="with so many of them the walk is repeated without the campaign's memory and at the DAG's own cadence"
        " (known by day only; default: 1)",
    )


def run(args: argparse.Namespace) -> int:
    """Print one JSON document; 1 with a sentence where it can't be made."""
    try:
        seeds, nightly = tuple(range(1, args.seeds + 1)), args.known == "day"
        every = LEAST_NIGHT if nightly else LEAST_STEP
        protocol = checked(
            Protocol(
                window=args.window,
                every=every,
                seeds=seeds,
                settings=RESPONSE,
                threads=processors(),
                nightly=nightly,
                beside=seeds[: args.beside] if nightly else (),
            )
        )
        contacts = through_the_platform(args.source)
        if not nightly:
            contacts = replace(contacts, moment=np.arange(len(contacts), dtype=np.float64))
        report = judge(contacts, protocol)
    except BankmartError as error:
        print(error, file=sys.stderr)
        return 1
    print(as_json(report | {"reference": REFERENCE, "way": _way(args.known)}))
    return 0


def through_the_platform(source: Path) -> Contacts:
    """The contacts as the marts of a warehouse of their own have them, gone when this returns."""
    from bankmart import db, dbt
    from bankmart.bench.place import own_server
    from bankmart.governance import build as builds
    from bankmart.governance import gate
    from bankmart.sources import contract, load, tables
    from bankmart.sources.adapters import bank_marketing
    from ml.public.campaign import read_campaign

    with own_server() as state:
        bank_marketing.convert(source, state / "landing")
        for system in contract.load():
            load.load_system(system, bank_marketing.GO_LIVE)
        tables.create_tables()
        build = builds.open_build(bank_marketing.GO_LIVE, "bench")
        for layer in LAYERS:
            dbt.build_layer(layer, build)
            gate.judge(layer, build)
        with db.connect("platform") as link:
            return read_campaign(link, build.build_id, bank_marketing.NOW)


def _way(known: str) -> dict[str, Any]:
    outcomes = "outcomes of earlier days only" if known == "day" else "outcomes of earlier contacts, the same day's too"
    return {
        "adapter": "bankmart adapt bank_marketing",
        "layers": list(LAYERS),
        "model": "the response model's spec (ml/models/response.py): parameters, trials at the first training, trees"
        " ended by contacts set aside; the marts' columns of this bank in place of those that it hasn't",
        "not_the_platform_s": "rolling knows the campaign's own past (contact number, response rates of its last 50,"
        " 200 and 1,000 contacts), which the platform's response model hasn't, and each of its models serves at once;"
        " the DAG trains at month ends, and gates and a person let a version serve: see without_memory, monthly and"
        " monthly_gated",
        "known": f"features come from the marts as of the contact's day; {outcomes}",
        "days": "runs of one weekday in the file's order; their dates are made up, their order and length aren't",
    }
