"""Values that are one person's alone: what is left of somebody is searched for by them, as by the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg2 import sql

from bankmart import db, vault
from bankmart.governance.people import person
from bankmart.governance.people.erasure.work import Numbers
from bankmart.governance.people.places import Place, Table, places
from bankmart.sources import contract, tables

# Names are many people's, and free text is nobody's value.
CLASSES = ("identity.id_number", "contact.mobile", "contact.email", "contact.address", "account.card_number")
SHORTEST = 6

# Data class and value.
Value = tuple[str, str]


def of_rows(cursor: Any, numbers: Numbers) -> list[Value]:
    """The values that stand in raw tables, tokens as a rule, before they are emptied."""
    found: set[Value] = set()
    old = {kind: tuple(known) for kind, known in numbers.items()}
    for extract, place in _columns():
        table = Table("sources", extract.identifier, extract.identifier, tuple(places(extract)))
        cursor.execute("select to_regclass(%s) is not null", (f"sources.{extract.identifier}",))
        if db.one(cursor)[0]:
            cursor.execute(
                sql.SQL("select distinct {column} from {} where {} and {column} is not null").format(
                    tables.relation(extract), person.belongs(table, old), column=sql.Identifier(place.name)
                )
            )
            found |= {(place.data_class, value) for (value,) in cursor.fetchall()}
    return sorted(found)


def clear(customers: Sequence[str], by: str, reason: str) -> list[Value]:
    """The values that the vault keeps of customers, in clear; who asks is in the audit chain before."""
    classes = {(f"{extract.system}.{extract.name}", place.name): place.data_class for extract, place in _columns()}
    found: set[Value] = set()
    for customer in customers:
        with db.connect("vault") as link:
            for each in vault.clear(link, customer, by, reason):
                if data_class := classes.get((each["table"], each["column"])):
                    found.add((data_class, each["value"]))
    return sorted(found)


def alone(values: Iterable[Value]) -> list[str]:
    """Those of the values that nobody else has, after they were emptied of the person."""
    with db.connect("eraser") as link, link.cursor() as cursor:
        return sorted({value for _, value in alone_in(cursor, values)})


def alone_in(cursor: Any, values: Iterable[Value]) -> list[Value]:
    """`alone`, in a transaction that has emptied them."""
    # One character again and again is a filler, and nobody's.
    left = {each for each in values if len(each[1]) >= SHORTEST and len(set(each[1])) > 1}
    for extract, place in _columns():
        mine = sorted(value for data_class, value in left if data_class == place.data_class)
        cursor.execute("select to_regclass(%s) is not null", (f"sources.{extract.identifier}",))
        if not mine or not db.one(cursor)[0]:
            continue
        # What stands in clear in the vault stands as a token in the row.
        written = dict(zip(vault.tokens(place.data_class, list(mine)), mine, strict=True)) | {
            each: each for each in mine
        }
        cursor.execute(
            sql.SQL("select distinct {column} from {} where {column} = any(%s)").format(
                tables.relation(extract), column=sql.Identifier(place.name)
            ),
            (list(written),),
        )
        left -= {(place.data_class, written[value]) for (value,) in cursor.fetchall()}
    return sorted(left)


def _columns() -> list[tuple[contract.Table, Place]]:
    return [
        (extract, place)
        for extracts in contract.load().values()
        for extract in extracts.values()
        for place in places(extract)
        if place.data_class in CLASSES
    ]
