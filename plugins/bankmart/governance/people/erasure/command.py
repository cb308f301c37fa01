"""`bankmart erase`: ask that a person is forgotten, approve it as somebody else, carry it out."""

from __future__ import annotations

import argparse
from pathlib import Path

from bankmart import db, settings
from bankmart.governance.people.erasure import requests, retrain, scrub
from bankmart.governance.people.erasure import run as erasure
from bankmart.text import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command per act."""
    what = parser.add_subparsers(dest="what", required=True)
    ask = what.add_parser("request", help="ask that customers are forgotten")
    ask.add_argument("customer", nargs="*", help="customer numbers")
    ask.add_argument("--file", type=Path, help="a CSV with the columns customer_id and reason")
    ask.add_argument("--reason", default="", help="why")
    approve = what.add_parser("approve", help="approve requests that somebody else has made")
    refuse = what.add_parser("refuse", help="refuse requests that somebody else has made")
    carry_out = what.add_parser("run", help="erase all whose request is approved; again, it goes on where it was")
    over = what.add_parser("scrub", help="write tables and log anew that still have old versions of erased rows")
    for each in (approve, refuse):
        each.add_argument("request", type=int, nargs="+", help="their numbers")
    for each in (ask, approve, refuse, carry_out, over):
        each.add_argument("--by", default=settings.who(), help="who says so (you)")
    what.add_parser("list", help="all requests, what is to be scrubbed, and the models to train anew")


def run(args: argparse.Namespace) -> int:
    """Do it, and say what follows."""
    if args.what == "request":
        asked = [(customer, args.reason) for customer in args.customer]
        asked += requests.read(args.file) if args.file else []
        if not asked:
            raise requests.ErasureError("name customers, or a --file with them")
        made = requests.request(asked, args.by, settings.who())
        numbers = " ".join(map(str, made))
        print(f"requested: {numbers}. Somebody else approves: bankmart erase approve {numbers}")
    elif args.what in ("approve", "refuse"):
        requests.decide(args.request, args.by, approve=args.what == "approve", typed_by=settings.who())
        said = "approved; governance_daily erases, or `bankmart erase run` now" if args.what == "approve" else "refused"
        print(f"request {' '.join(map(str, args.request))}: {said}")
    elif args.what == "run":
        print(erasure.run(args.by).text())
    elif args.what == "scrub":
        print(scrub.run(args.by).text())
    else:
        with db.connect("platform") as link, link.cursor() as cursor:
            rows = requests.waiting(cursor)
        header = ["request", "state", "customer", "asked by", "when", "decided by", "reason", "scrubbed"]
        print(table(header, rows) if rows else "no request")
        for line in [*scrub.waiting(), *retrain.waiting()]:
            print(line)
    return 0
