"""Consent as it is delivered: of nobody known, withdrawn before it was given, from a clock that is wrong."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from psycopg2 import sql

from bankmart import db
from bankmart.governance.access import scope
from bankmart.sources import contract, load
from bankmart.sources.landing import write_extract

DAY = date(2026, 1, 31)
CHINA = timezone(timedelta(hours=8))


@pytest.fixture
def deliver(bank, tmp_path):
    """Loads consent events (customer, action, moment) and says who may be told of offers by SMS."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "create table marts.bridge_identity (customer_id text, linked_customer_id text, build_id bigint)"
        )

    def run(*events, day=DAY):
        spec = contract.load()["consent"]["consent_event"]
        rows = [(f"{day}-{n}", who, "marketing", "sms", what, str(at)) for n, (who, what, at) in enumerate(events)]
        names = [column.name for column in spec.columns]
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        write_extract(tmp_path / "landing", spec, day, pa.table(columns))
        loaded = {each.table: each for each in load.load_system("consent", day).tables}["consent_event"]
        may = sql.SQL("select customer_id from sources.core_banking__customer as base where {} order by 1").format(
            scope.consented(sql.SQL("base.customer_id"), "marketing", "sms")
        )
        return [number for (number,) in bank.rows(may)], loaded

    return run


def test_consent_of_nobody_known_is_quarantined(deliver, bank):
    # Whose keys have never come, nobody refers to wrongly.
    bank.insert("governance", "load", system="core_banking", table_name="customer", business_date=DAY, file_name="f",
                status="loaded")  # fmt: skip
    good = [("X901", "granted", "2026-01-30T10:00:00+08:00")] * 120
    may, loaded = deliver(*good, ("X909", "granted", "2026-01-30T10:00:00+08:00"))
    assert (may, loaded.accepted, loaded.rejected) == (["X901"], 120, 1)
    assert bank.rows("select rule, column_name from governance.quarantine") == [("orphan", "customer_id")]


def test_what_was_said_last_counts_whatever_came_first(deliver):
    early, late = "2026-01-30T10:00:00+08:00", "2026-01-30T11:00:00+08:00"
    # A withdrawal of what was never granted is no consent, and one before a grant doesn't take that back.
    assert deliver(("X901", "withdrawn", early), ("X902", "withdrawn", early), ("X902", "granted", late))[0] == ["X902"]
    # Delivered a day later, but said between the two.
    assert deliver(("X901", "granted", late), ("X902", "withdrawn", "2026-01-30T10:30:00+08:00"),
                   day=date(2026, 2, 1))[0] == ["X901", "X902"]  # fmt: skip


def test_a_clock_that_is_wrong_gives_no_consent_and_takes_none(deliver, bank):
    soon = datetime.now(CHINA) + timedelta(hours=1)
    today = soon.date()
    # Loaded for a business date after the moment: a grant of the next hour doesn't count yet, a withdrawal does.
    assert deliver(("X901", "granted", "2026-01-30T10:00:00+08:00"), ("X902", "granted", soon.isoformat()),
                   day=min(today, date.today()))[0] == ["X901"]  # fmt: skip
    with pytest.raises(load.LoadRefused, match="is after the business date"):
        deliver(("X901", "withdrawn", "2027-06-01T10:00:00+08:00"), day=DAY)
    with pytest.raises(load.LoadRefused, match="the business date is in the future"):
        deliver(("X901", "withdrawn", "2026-01-30T10:00:00+08:00"), day=date.today() + timedelta(days=1))
