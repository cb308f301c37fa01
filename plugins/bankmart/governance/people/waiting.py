"""What lies in quarantine of a person: records that were delivered and not loaded are held about them all the same."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from bankmart import db
from bankmart.governance import audit
from bankmart.governance.people.erasure.search.finder import Wholes
from bankmart.governance.people.person import Person
from bankmart.governance.people.places import owners, places
from bankmart.sources import contract, repair
from bankmart.sources.contract import Table
from bankmart.sources.refusal import LoadRefused
from bankmart.vault import store
from bankmart.vault.keys import unlock

# In quarantine (one that was repaired is in its table since), by load.
WAITING = """
select load_id, system, table_name, business_date, line_number, rule, reason, raw_text
from governance.quarantine
where not exists (
    select from governance.quarantine_repair as repaired
    where repaired.load_id = quarantine.load_id and repaired.line_number = quarantine.line_number
)
order by load_id, line_number
"""


def of(one: Person, by: str, why: str) -> list[dict[str, Any]]:
    """The records that are the person's, in clear; that they were read the audit chain says beforehand.

    A record's own columns say whose it is; one that can't be read in columns is the person's where it names one of
    the customer numbers.
    """
    with db.connect("vault") as link, link.cursor() as cursor:
        keys = unlock(cursor)
    found, named = [], Wholes(one.customers)
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute(WAITING)
        loads = defaultdict(list)
        for load_id, *record in cursor.fetchall():
            loads[load_id].append(record)
        if not loads:
            return []
        facts = {"reason": audit.Said(why), "records": sum(map(len, loads.values()))}
        audit.append(link, "vault_read", by, "quarantine, to find a person", facts)
        link.commit()
        for load_id, records in loads.items():
            system, name, day = records[0][:3]
            table = contract.load().get(system, {}).get(name)
            raws = store.open_lines(cursor, keys, load_id, [(record[3], record[-1]) for record in records])
            written = _written(table, day)
            for (*_, line, rule, reason, _), raw in zip(records, raws, strict=True):
                fields = repair.fields(raw, *written) if written else {}
                is_theirs = (
                    _is_of(one, table, fields) if table and fields else named.are_in(raw.encode(errors="surrogatepass"))
                )
                if is_theirs:
                    found.append({
                        "table": f"{system}.{name}", "business_date": day, "line_number": line, "rule": rule,
                        "reason": reason, "record": raw,
                    })  # fmt: skip
    return found


def _written(table: Table | None, day: date) -> tuple[list[str], str] | None:
    try:
        return repair.format_of(table, day) if table else None
    except LoadRefused:
        return None


def _is_of(one: Person, table: Table, fields: dict[str, str | None]) -> bool:
    return any(
        (fields.get(place.name) or "").strip() in one.numbers.get(place.kind or "", ())
        for place in owners(places(table))
    )
