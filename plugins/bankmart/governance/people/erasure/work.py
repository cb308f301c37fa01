"""What is under way: the numbers of who is being erased, and what is still to be done for them outside the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bankmart import db
from bankmart.governance.people.erasure.requests import ErasureError
from bankmart.governance.people.places import CUSTOMER

RUNNING = "select erasure_id from governance.erasure where erasure_id = any(%s) and state = 'running' for update"
NUMBERS, VALUES, LANDING, REMOVED = "numbers", "values", "landing", "removed"

Numbers = Mapping[str, Mapping[str, str]]  # kind → old → new


@dataclass(frozen=True)
class Work:
    """By erasure its numbers; values of rows by class, by which to search; rows changed by table."""

    erasures: Mapping[int, Numbers]
    values: list[tuple[str, str]]
    rows: dict[str, int]

    @property
    def numbers(self) -> Numbers:
        """Kind → old → new, of all of them."""
        return merged(self.erasures.values())

    @property
    def all(self) -> list[str]:
        """Every old number."""
        return sorted({old for known in self.numbers.values() for old in known})

    def stay(self, cursor: Any) -> None:
        """Keep them under way until the end of the transaction.

        Raises ErasureError where another run has ended one: who has lost the connection that kept others away may come
        late, and what another has certified is done.
        """
        cursor.execute(RUNNING, (list(self.erasures),))
        if len(cursor.fetchall()) < len(self.erasures):
            numbers = ", ".join(map(str, sorted(self.erasures)))
            raise ErasureError(f"another run has ended erasure {numbers} meanwhile: nothing is left to do here")

    @property
    def customers(self) -> list[str]:
        """The old customer numbers."""
        return sorted(self.numbers.get(CUSTOMER, {}))


def merged(several: Iterable[Numbers]) -> dict[str, dict[str, str]]:
    """Kind → old → new, of several persons."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for of_one in several:
        for kind, known in of_one.items():
            found[kind] |= known
    return dict(found)


def read() -> Work | None:
    """The work of all running erasures together; None where there is none."""
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute(
            "select erasure_id, work.detail from governance.erasure inner join governance.erasure_work as work"
            " on work.step = %s and work.target = erasure_id::text where erasure.state = 'running' order by 1",
            (NUMBERS,),
        )
        running = dict(cursor.fetchall())
        if not running:
            return None
        cursor.execute("select detail from governance.erasure_work where step = %s", (VALUES,))
        found = [detail for (detail,) in cursor.fetchall()]
    values = [(data_class, value) for each in found for data_class, value in each["values"]]
    rows: Counter[str] = Counter()
    for each in found:
        rows.update(each["rows"])
    return Work(running, values, dict(rows))
