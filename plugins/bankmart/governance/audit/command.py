"""`bankmart audit`: verify the chain, print its head, show its entries."""

from __future__ import annotations

import argparse

from bankmart import db
from bankmart.governance.audit import anchor, bench
from bankmart.governance.audit.chain import canonical
from bankmart.governance.audit.verify import verify
from bankmart.governance.audit.words import TOLD
from bankmart.text import table

SHOW = f"""
select number, to_char(happened_at, 'YYYY-MM-DD HH24:MI:SS TZ'), kind, subject, actor, {TOLD}
from audit.entry
where
    (%(kind)s::text is null or kind = %(kind)s)
    and (%(subject)s::text is null or strpos(subject, %(subject)s) > 0)
order by number desc
limit %(most)s
"""  # noqa: S608
WIDEST = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command per question."""
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("verify", help="read the whole chain again; 1 where it is broken")
    head = what.add_parser("head", help="number and hash of the newest entry")
    head.add_argument("--write", action="store_true", help="write it down outside the database, too")
    show = what.add_parser("show", help="the newest entries")
    show.add_argument("--kind", help="only this kind, such as publish")
    show.add_argument("--subject", help="only subjects that hold this text")
    show.add_argument("--most", type=int, default=20, help="how many to show (20)")
    bench.add_arguments(what.add_parser("bench", help="measure adding and verifying, on a server of its own"))


def run(args: argparse.Namespace) -> int:
    """Print the answer."""
    if args.what == "verify":
        report = verify()
        print(report.text())
        return 1 if report.findings else 0
    if args.what == "head":
        number, digest = anchor.write("by hand") if args.write else anchor.head()
        print(f"{number} {digest}")
        return 0
    if args.what == "bench":
        return bench.run(args)
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(SHOW, {"kind": args.kind, "subject": args.subject, "most": args.most})
        rows = [[*row[:-1], _cut(canonical(row[-1]))] for row in cursor.fetchall()]
    print(table(["entry", "when", "kind", "subject", "by", "facts"], rows) if rows else "no such entry")
    return 0


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}…"
