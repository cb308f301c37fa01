"""Who a person is: all customer numbers that are one, and the numbers of what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance.people.places import CUSTOMER, Table, kind_of, kinds
from bankmart.sources import contract, tables

LINKED = """
select distinct other.number
from marts.bridge_identity as own
inner join marts.bridge_identity as mate using (build_id, linked_customer_id)
cross join lateral (values (mate.customer_id), (mate.linked_customer_id)) as other (number)
where
    own.build_id = (select build_id from governance.publication order by business_date desc limit 1)
    and (own.customer_id = any(%(known)s) or own.linked_customer_id = any(%(known)s))
    and not exists (select from governance.tombstone where anonymous = other.number)
"""


class UnknownCustomer(BankmartError):
    """Nobody has this customer number: says so, and what may be meant."""


@dataclass(frozen=True)
class Person:
    """Customer numbers that are one person, and every number that leads to them, by kind."""

    customers: tuple[str, ...]
    numbers: dict[str, tuple[str, ...]]

    @property
    def all(self) -> list[str]:
        """Every number, whatever its kind."""
        return sorted({number for numbers in self.numbers.values() for number in numbers})


def find(cursor: Any, customer: str) -> Person:
    """The person behind a customer number, as the newest published date links numbers. Raises UnknownCustomer."""
    if not _is_delivered(cursor, customer):
        raise UnknownCustomer(f"no customer {customer} was ever delivered: check the number")
    customers = linked(cursor, [customer])
    return Person(tuple(customers), numbers(cursor, customers))


def linked(cursor: Any, customers: Sequence[str]) -> list[str]:
    """All customer numbers that are the same persons as these, these among them; what stands for an erased one is none.

    By what is known now: a link that was undone is none any more, however many older dates still show it.
    """
    known = set(customers)
    cursor.execute("select to_regclass('marts.bridge_identity') is not null")
    (is_built,) = db.one(cursor)
    while is_built:
        cursor.execute(LINKED, {"known": sorted(known)})
        found = {number for (number,) in cursor.fetchall()} - known
        if not found:
            break
        known |= found
    return sorted(known)


def numbers(cursor: Any, customers: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Kind → the numbers of these customers: their own, and those of their accounts, cards, contracts, orders.

    What names a customer belongs to that one alone: another's card on the same account stays the other's.
    """
    found: dict[str, tuple[str, ...]] = {CUSTOMER: tuple(sorted(set(customers)))}
    for kind, key in kinds().items():
        system, _, name = kind.partition(".")
        extract = contract.load()[system][name]
        held = {column.name: kind_of(extract, column)[0] for column in extract.columns if column.name != key}
        leads = [column for column, of in held.items() if of == CUSTOMER] or [
            column for column, of in held.items() if of in found
        ]
        if kind == CUSTOMER or not _exists(cursor, extract.identifier):
            continue
        owned = sql.SQL(" or ").join(
            sql.SQL("{} = any({})").format(sql.Identifier(column), sql.Literal(list(found[held[column] or ""])))
            for column in leads
        )
        cursor.execute(
            sql.SQL("select distinct {} from {} where {}").format(sql.Identifier(key), tables.relation(extract), owned)
        )
        found[kind] = tuple(sorted(number for (number,) in cursor.fetchall()))
    return found


def belongs(table: Table, numbers: Mapping[str, Sequence[str]]) -> sql.Composed:
    """The condition that a row of a table is one of the persons' who have these numbers."""
    return _any(table.owners, numbers)


def _any(columns: Iterable[Any], numbers: Mapping[str, Sequence[str]]) -> sql.Composed:
    parts = [
        sql.SQL("{} = any({}::text[])").format(
            sql.Identifier(place.name), sql.Literal(list(numbers.get(place.kind, ())))
        )
        for place in columns
    ]
    return sql.SQL("({})").format(sql.SQL(" or ").join(parts or [sql.SQL("false")]))


def names(table: Table, numbers: Mapping[str, Sequence[str]]) -> sql.Composed:
    """The condition that a row holds one of these numbers at all, be it of somebody else."""
    return _any((place for place in table.numbers if not place.is_mixed), numbers)


def _is_delivered(cursor: Any, customer: str) -> bool:
    if not _exists(cursor, "core_banking__customer"):
        return False
    cursor.execute("select exists (select from sources.core_banking__customer where customer_id = %s)", (customer,))
    return bool(db.one(cursor)[0])


def _exists(cursor: Any, identifier: str) -> bool:
    cursor.execute("select to_regclass(%s) is not null", (f"sources.{identifier}",))
    return bool(db.one(cursor)[0])
