"""Requests to be forgotten that were delivered as events: each opens one, which a person still has to approve."""

from __future__ import annotations

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance import audit
from bankmart.governance.people.erasure.requests import LOCK, open_one

# Asked for by nobody of the platform: who approves is always somebody else.
BY = "delivered event"
# What an erasure has left of an event is nobody's any more.
NEW = """
select said.request_id, min(said.customer_id)
from sources.consent__erasure_request as said
where
    not exists (select from governance.erasure where event = said.request_id)
    and not exists (select from governance.tombstone where anonymous = said.customer_id)
group by said.request_id
order by min(said.requested_at), said.request_id
"""


def open_requests() -> tuple[list[int], list[str]]:
    """Open a request for each event that has none; returns their numbers, and why others can't be opened.

    An event of somebody who is held, or asked for already, is tried again with the next run.
    """
    made: list[int] = []
    waiting: list[str] = []
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select to_regclass('sources.consent__erasure_request') is not null")
        if not db.one(cursor)[0]:
            return made, waiting
        cursor.execute(LOCK)
        cursor.execute(NEW)
        for event, customer in cursor.fetchall():
            try:
                number = open_one(cursor, customer, f"the person asks for it: event {event}", BY, event)
            except BankmartError as error:
                # Logs are kept for longer than the request: they name the event, not the person.
                waiting.append(f"event {event} waits: {str(error).replace(customer, 'the customer')}")
                continue
            audit.append(link, "erasure_request", BY, f"erasure {number}", {"event": event})
            made.append(number)
    return made, waiting
