"""`bankmart clear`: what masks hide of one customer's rows, for who may read it; first in the audit, then shown."""

from __future__ import annotations

import argparse
from typing import Any

from bankmart import db, dbt, settings
from bankmart.errors import BankmartError
from bankmart.governance import audit, views
from bankmart.governance.masking import data_classes
from bankmart.text import table
from bankmart.vault import keys, right, store

Node = dict[str, Any]
# Shown beside them, to tell rows apart, where their class is open.
BESIDE = ("business_date", "effective_date")


class ClearError(BankmartError):
    """Clear values can't be shown: says why and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """TABLE, --customer, --reason, --login."""
    parser.add_argument("table", help="a published table, such as dim_account")
    parser.add_argument("--customer", required=True, help="the customer number, as published tables have it")
    parser.add_argument("--reason", default="", help="why they are needed (required)")
    parser.add_argument("--login", default=settings.who(), help="your own login to the warehouse (your user name)")


def run(args: argparse.Namespace) -> int:
    """Print the rows. Raises ClearError, VaultError."""
    names, rows = show(dbt.manifest(), args.table, args.customer, args.login, args.reason)
    print(table(names, rows) if rows else f"{args.table} has no row of this customer")
    return 0


def show(manifest: Node, name: str, customer: str, login: str, reason: str) -> tuple[list[str], list[list[Any]]]:
    """The customer's rows of a published table with the masked columns that the person may read in clear.

    The person is who logs in to the warehouse by that name; the audit has it, or its refusal, before anything is read.
    Raises ClearError without a reason, the right, or such a table.
    """
    if not reason.strip():
        raise ClearError("clear values are asked for without a reason: say why they are needed, by --reason TEXT")
    node = _model(manifest, name)
    hidden = {
        column: about["config"]["meta"]["class"]
        for column, about in node["columns"].items()
        if (said := data_classes()[about["config"]["meta"]["class"]])["mask"] != "none"
        and said.get("clear")
        and not said.get("vault")
    }
    may = right.classes_of(login, set(hidden.values())) if hidden else set()
    columns = [column for column, data_class in hidden.items() if data_class in may]
    with db.connect("vault") as link, link.cursor() as cursor:
        subject = store.customer_subject(keys.unlock(cursor), customer)
        facts = {"reason": audit.Said(reason), "table": node["name"], "columns": columns}
        audit.append(link, "clear_read" if columns else "clear_refused", login, subject, facts)
    if not columns:
        raise ClearError(
            f"{login} may read nothing of {name} in clear: ask somebody with that right, a reader of `clear` of the "
            "data classes (`bankmart reader` lists them); identifiers are in the vault (`bankmart vault show`)"
        )
    names = ["customer_id", *(each for each in BESIDE if each in node["columns"] and each not in columns), *columns]
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("set transaction read only")
        cursor.execute(views.rows_of_customer(node, names), {"customer": customer})
        return names, [list(row) for row in cursor.fetchall()]


def _model(manifest: Node, name: str) -> Node:
    for node in manifest["nodes"].values():
        is_one = node["resource_type"] == "model" and node["name"] == name.removeprefix("published.")
        if is_one and node["config"]["meta"].get("published") and "customer_id" in node["columns"]:
            found: Node = node
            return found
    raise ClearError(f"there is no published table {name} with a customer in it: `bankmart catalogue` knows them")
