"""`python -m ml bench response`: the response question on any bank's campaign contacts, walking forward in time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ml.bench._json import as_json, count, processors
from ml.errors import DataPrerequisite, ModelError
from ml.public import gain
from ml.public.contacts import Contacts, read_contacts
from ml.public.monthly import walk_monthly
from ml.public.walking import Walk, walk
from ml.public.window import LEAST_STEP, PLAIN, RESPONSE, SETTINGS, USUAL, USUAL_WINDOW, Protocol
from ml.spec import protected

# Where a file says nothing of time but its order, the outcomes of so many contacts before aren't known yet.
UNKNOWN_TIME_DELAY = 100
NOTE = (
    "The setting `plain` was the best of five on Bank Marketing's judged contacts: figures of that file by it are"
    f" flattered by the choice. `--settings {RESPONSE}` is the platform's own, which was chosen elsewhere."
)
# Instead of a name of settings: those that did best on earlier contacts.
SETTLED = "settled"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, its columns and the protocol."""
    parser.add_argument("--csv", type=Path, required=True, help="contacts, a line each; any delimiter and encoding")
    parser.add_argument("--target", required=True, help="column of the outcome: two values")
    parser.add_argument("--order", required=True, help="column of the time (number, date), or `rows`: as they stand")
    parser.add_argument(
        "--drop", nargs="*", default=[], metavar="COLS", help="columns that aren't known before the contact"
    )
    parser.add_argument("--positive", help="the outcome that is looked for (default: the affirmative, else the rarer)")
    parser.add_argument("--window", type=int, help="contacts that a model learns from (default: settled earlier)")
    parser.add_argument("--every", type=int, help="contacts between two retrainings (default: 500, or 40 retrainings)")
    parser.add_argument(
        "--settings",
        choices=[USUAL, RESPONSE, *SETTINGS, SETTLED],
        default=Protocol.settings,
        help="of the model (default: %(default)s)",
    )
    parser.add_argument("--start", type=float, default=Protocol.start, help="share of contacts before the first judged")
    parser.add_argument("--delay", type=int, help="contacts before one's own whose outcomes aren't known yet")
    parser.add_argument("--seeds", type=count, default=3, help="how many seeds, all of them reported")
    parser.add_argument("--threads", type=int, default=processors(), help="default: as many as there are processors")


def run(args: argparse.Namespace) -> int:
    """Print one JSON document; 1 with a sentence where the file can't be judged."""
    drop = tuple(name.strip() for given in args.drop for name in given.split(",") if name.strip())
    delay = args.delay if args.delay is not None else UNKNOWN_TIME_DELAY if args.order == "rows" else 0
    seeds = tuple(range(1, args.seeds + 1))
    settings = None if args.settings == SETTLED else args.settings
    try:
        protocol = checked(Protocol(args.start, args.window, args.every, delay, seeds, settings, max(1, args.threads)))
        contacts, how = read_contacts(args.csv, args.target, args.order, drop, args.positive)
        report = judge(contacts, protocol) | {"file": args.csv.name, "read_as": how, "order": args.order}
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    print(as_json(report))
    return 0


def checked(protocol: Protocol) -> Protocol:
    """The protocol. Raises ModelError where it can't be followed."""
    if not 0 < protocol.start < 1:
        raise ModelError(f"--start {protocol.start} isn't a share between 0 and 1.")
    window, every = protocol.window or USUAL_WINDOW, protocol.every or LEAST_STEP
    given = [value for value in (protocol.window, protocol.every) if value is not None]
    if min((window, every, len(protocol.seeds), *given)) < 1 or not 0 <= protocol.delay < window:
        raise ModelError("--window, --every and --seeds are at least 1, and --delay is less than --window.")
    return protocol


def judge(contacts: Contacts, protocol: Protocol) -> dict[str, Any]:
    """The whole report, ready for JSON. Raises DataPrerequisite where there are too few contacts."""
    walked = walk(contacts, protocol)
    label = contacts.label[walked.first :]
    cadence = f"in each night that has {walked.every} new ones" if protocol.nightly else f"every {walked.every}"
    sides = {"rolling": walked.rolling, "frozen": walked.frozen, "logistic": walked.logistic}
    monthly: dict[str, Any] = {}
    if protocol.beside:
        sides["without_memory"] = walked.forgetful
        monthly["as_the_dag"], scores = _as_the_dag(contacts, protocol, walked)
        sides |= scores
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
        # Of a file only what is asked for is left out; no model of the platform learns from these.
        "protected": protected((*contacts.numeric.columns, *contacts.categorical.columns)),
        # Alone they tell what came: were they known before the contact?
        "suspects": walked.suspects,
        "protocol": protocol.as_dict()
        | {
            "window": walked.window,
            "every": walked.every,
            "settings": walked.settings,
            "settled": walked.settled,
            "tuned": walked.tuned,
            "settled_by": "AUC on a walk over the last contacts before the first judged one; the first choice, unless"
            " another is better there beyond chance and by enough",
            "retrainings": walked.retrainings,
            "rolling": f"LightGBM on the last {walked.window} contacts, retrained {cadence}; each"
            " contact is scored by a model that learnt from earlier ones only; features of the campaign's own past"
            " come from outcomes of earlier moments only",
            "frozen": f"rolling without those features, trained once on the first {protocol.start:.0%}",
            "logistic": "logistic regression on the file's columns, retrained as often as rolling",
            "intervals": f"95 %, {gain.RESAMPLES} bootstrap resamples of judged contacts; values are means over seeds",
        },
        **({"note": NOTE} if walked.settings == PLAIN else {}),
        **monthly,
        **gain.compared(sides, label),
    }


def _as_the_dag(contacts: Contacts, protocol: Protocol, walked: Walk) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What is told of the rows beside, and the scores of those at the DAG's cadence, where there is enough for them."""
    told: dict[str, Any] = {
        "seeds": protocol.beside,
        "without_memory": "rolling without what the campaign remembers, as the platform's response model",
    }
    try:
        by_month = walk_monthly(contacts, protocol, walked.first, walked.window)
    except DataPrerequisite as missing:
        return told | {"skipped": str(missing)}, {}
    told |= {
        "monthly": "the newest of the month ends' versions serves, whatever the gates say",
        "monthly_gated": "the version that the gates let serve",
    }
    return told | by_month.as_dict(), {"monthly": by_month.newest, "monthly_gated": by_month.champion}
