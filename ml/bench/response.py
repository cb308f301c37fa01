"""`python -m ml bench response`: the response question on any bank's campaign contacts, walking forward in time."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ml.errors import ModelError
from ml.public import gain
from ml.public.contacts import Contacts, read_contacts
from ml.public.walking import Protocol, walk

# Where a file says nothing of time but its order, the outcomes of so many contacts before aren't known yet.
UNKNOWN_TIME_DELAY = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, its columns and the protocol."""
    parser.add_argument("--csv", type=Path, required=True, help="contacts, a line each; any delimiter and encoding")
    parser.add_argument("--target", required=True, help="column of the outcome: two values")
    parser.add_argument("--order", required=True, help="column of the time (number, date), or `rows`: as they stand")
    parser.add_argument("--drop", default="", help="columns that aren't known before the contact, comma between")
    parser.add_argument("--positive", help="the outcome that is looked for (default: the affirmative, else the rarer)")
    parser.add_argument("--window", type=int, default=Protocol.window, help="contacts that a model learns from")
    parser.add_argument("--every", type=int, default=Protocol.every, help="contacts between two retrainings")
    parser.add_argument("--start", type=float, default=Protocol.start, help="share of contacts before the first judged")
    parser.add_argument("--delay", type=int, help="contacts before one's own whose outcomes aren't known yet")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, all of them reported")


def run(args: argparse.Namespace) -> int:
    """Print one JSON document; 1 with a sentence where the file can't be judged."""
    drop = tuple(name.strip() for name in args.drop.split(",") if name.strip())
    delay = args.delay if args.delay is not None else UNKNOWN_TIME_DELAY if args.order == "rows" else 0
    try:
        protocol = checked(Protocol(args.start, args.window, args.every, delay, tuple(range(1, args.seeds + 1))))
        contacts, how = read_contacts(args.csv, args.target, args.order, drop, args.positive)
        report = judge(contacts, protocol) | {"file": args.csv.name, "read_as": how, "order": args.order}
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(report, indent=1, ensure_ascii=False))
    return 0


def checked(protocol: Protocol) -> Protocol:
    """The protocol. Raises ModelError where it can't be followed."""
    if not 0 < protocol.start < 1:
        raise ModelError(f"--start {protocol.start} isn't a share between 0 and 1.")
    if min(protocol.window, protocol.every, len(protocol.seeds)) < 1 or not 0 <= protocol.delay < protocol.window:
        raise ModelError("--window, --every and --seeds are at least 1, and --delay is less than --window.")
    return protocol


def judge(contacts: Contacts, protocol: Protocol) -> dict[str, Any]:
    """The whole report, ready for JSON. Raises DataPrerequisite where there are too few contacts."""
    walked = walk(contacts, protocol)
    label = contacts.label[walked.first :]
    sides = {"rolling": walked.rolling, "frozen": walked.frozen, "logistic": walked.logistic}
    return {
        "question": "response",
        "contacts": len(contacts),
        "judged": len(label),
        "buyers": int(contacts.label.sum()),
        "judged_buyers": int(label.sum()),
        "positive": contacts.positive,
        "numeric": list(contacts.numeric.columns),
        "categorical": list(contacts.categorical.columns),
        "left_out": contacts.left_out,
        "protocol": protocol.as_dict()
        | {
            "retrainings": walked.retrainings,
            "rolling": f"LightGBM on the last {protocol.window} contacts, retrained every {protocol.every}; each"
            " contact is scored by a model that learnt from earlier ones only; features of the campaign's own past"
            " come from outcomes of earlier moments only",
            "frozen": f"the same without those features, trained once on the first {protocol.start:.0%}",
            "logistic": "logistic regression on the file's columns, retrained as often as rolling",
            "intervals": f"95 %, {gain.RESAMPLES} bootstrap resamples of judged contacts; values are means over seeds",
        },
        **gain.compared(sides, label),
    }
