"""`bankmart vault`: clear values for a person with the right; the keys: check them, change them, measure them."""

from __future__ import annotations

import argparse
from typing import Any

from bankmart import db, settings
from bankmart.governance import audit
from bankmart.governance.masking import data_classes
from bankmart.sources import contract
from bankmart.text import table
from bankmart.vault import bench, check, keys, loading, right, rotate, store, tokens
from bankmart.vault.keys import VaultError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command per task."""
    what = parser.add_subparsers(dest="what", required=True)
    show = what.add_parser("show", help="a customer's clear values; entered in the audit chain before they are shown")
    show.add_argument("customer", help="the customer number of the core system")
    show.add_argument("--reason", default="", help="why they are needed (required)")
    show.add_argument("--login", default=settings.who(), help="your own login to the warehouse (your user name)")
    token = what.add_parser("token", help="the token of a customer number, as the audit chain names a customer")
    token.add_argument("customer", help="the customer number of the core system")
    change = what.add_parser("rotate", help="wrap every key anew under the newest master key that is given")
    change.add_argument(
        "--new-key", action="store_true", help="make that key first (where it lies in the state folder)"
    )
    change.add_argument("--by", default=settings.who(), help="who changes it (you)")
    opening = what.add_parser("check", help="open what is sealed; 1 where something can't be opened")
    opening.add_argument(
        "--all", action="store_true", help="everything, and not only what is new and the part that is due"
    )
    bench.add_arguments(what.add_parser("bench", help="measure tokens and sealing beside the library's own speed"))


def run(args: argparse.Namespace) -> int:
    """Do it. Raises VaultError."""
    if args.what == "bench":
        return bench.run(args)
    if args.what == "check":
        return _check(args.all)
    if args.what == "rotate":
        return _rotate(args.new_key, args.by)
    if args.what == "token":
        print(tokens(store.CUSTOMER, [args.customer])[0])
        return 0
    found = show(args.customer, args.login, args.reason)
    rows = [[each[name] for name in ("table", "business_date", "row_key", "column", "value")] for each in found]
    print(
        table(["table", "date", "row", "column", "value"], rows) if rows else "the vault has nothing of this customer"
    )
    return 0


def show(customer: str, login: str, reason: str) -> list[dict[str, Any]]:
    """The clear values of a customer that the person of a login may read, by `clear` of their classes.

    The person is who logs in to the warehouse by that name. A refusal is in the audit chain, too.
    Raises VaultError without a reason, the right or the login.
    """
    if not reason.strip():
        raise VaultError("clear values are asked for without a reason", "say why they are needed: --reason TEXT.")
    may = right.classes_of(login, {name for name, about in data_classes().items() if about.get("vault")})
    with db.connect("vault") as link:
        if not may:
            with link.cursor() as cursor:
                subject = store.customer_subject(keys.unlock(cursor), customer)
            audit.append(link, "vault_refused", login, subject, {"reason": audit.Said(reason)})
            link.commit()
            raise VaultError(
                f"{login} may not read clear values",
                "ask somebody with that right: a reader of `clear` of the data classes (`bankmart reader` lists them).",
            )
        return [each for each in store.clear(link, customer, login, reason) if _class_of(each) in may]


def _class_of(value: dict[str, Any]) -> str | None:
    system, _, name = value["table"].partition(".")
    found = contract.load().get(system, {}).get(name)
    classes = {column.name: column.data_class for column in loading.vaulted(found)} if found else {}
    return classes.get(value["column"])


def _rotate(makes: bool, actor: str) -> int:
    if makes:
        keys.make_new()
    done = rotate.rotate(actor)
    if done.now == done.before and not done.wrapped:
        print(f"nothing to do: the newest key that is given, {done.now}, is the one in use")
        return 0
    print(f"the vault is locked with master key {done.now}; {done.wrapped:,} keys were wrapped anew.")
    print("Tokens stay as they are. Keep the key before for as long as backups from before this moment are kept.")
    return 0


def _check(everything: bool) -> int:
    counts, found = check.check(everything)
    print(", ".join(f"{count:,} {what}" for what, count in counts.items()) or "nothing to open")
    opens = "everything opens" if everything else "everything that was due opens"
    print("\n".join(found) if found else f"{opens}, and no raw table has an identifier in clear")
    return 1 if found else 0
