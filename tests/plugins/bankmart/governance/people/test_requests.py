"""Requests to be forgotten that come with a delivery."""

from __future__ import annotations

from datetime import date

from bankmart.governance import daily
from bankmart.governance.audit.verify import verify
from bankmart.governance.people import hold
from bankmart.governance.people.erasure import requests
from bankmart.governance.people.erasure import run as erasure

DAY = date(2026, 1, 31)


def test_a_delivered_request_opens_one_and_a_person_approves(bank):
    """The event says that somebody asks; nobody is erased by it. Again it opens nothing, an erased one's neither."""
    for event, customer in (("R1", "X901"), ("R2", "X901"), ("R3", "X902")):
        bank.raw("consent.erasure_request", request_id=event, customer_id=customer, requested_at="2026-01-30 10:00+00")
    held = hold.add("customer", "X902", "case 17", "zhao", DAY)
    said = daily.erasure_requests(DAY)
    assert said.splitlines()[0] == "requests 1 wait for an approval"
    assert "event R2 waits: the customer is asked for already: request 1 is requested" in said
    assert "event R3 waits: the customer can't be erased: legal hold 1" in said
    assert "X901" not in said
    assert bank.rows("select state, requested_by, event from governance.erasure") == [
        ("requested", "delivered event", "R1")
    ]
    assert bank.rows("select subject from governance.notice") == [("1 people ask to be forgotten",)]
    assert erasure.run("ops").erasures == []
    requests.decide([1], "wang", approve=True)
    assert erasure.run("ops").erasures == [1]
    hold.end(held, "zhao")
    assert daily.erasure_requests(DAY) == "requests 2 wait for an approval"
    requests.decide([2], "wang", approve=False)
    assert daily.erasure_requests(DAY) == "nobody new asks to be forgotten"
    assert not verify().findings
