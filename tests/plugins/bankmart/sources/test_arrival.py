"""What the waiting task finds: arrived, waited for, late with the file's name, or absent with the reason."""

from __future__ import annotations

from datetime import date

import pytest

from bankmart import db
from bankmart.sources import arrival, landing

DAY = date(2026, 3, 2)
REQUIRED = ("customer", "product", "account", "balance", "transaction")


@pytest.fixture
def folder(warehouse, tmp_path, monkeypatch):
    monkeypatch.setenv("BANKMART_LANDING_DIR", str(tmp_path))
    return tmp_path


def deliver(folder, system, *tables):
    """Only that the manifests are there: what stands in them is the loader's to judge."""
    for table in tables:
        place = landing.folder(folder, system, table, DAY)
        place.mkdir(parents=True)
        (place / landing.MANIFEST).write_text("{}")


def has_delivered_before(system):
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute(
            "insert into governance.load (system, table_name, business_date, file_name, status)"
            " values (%s, 'any', '2026-03-01', 'any.csv', 'loaded')",
            (system,),
        )


def test_a_required_file_is_waited_for_by_name(folder):
    deliver(folder, "core_banking", *REQUIRED[:-1])
    found = arrival.look("core_banking", DAY)
    assert (found.arrived, found.absent, found.late) == (False, False, False)
    assert "core_banking/transaction/2026-03-02/_manifest.json" in found.reason
    assert "core_banking/customer" not in found.reason


def test_a_required_file_that_is_late_is_named(folder):
    deliver(folder, "core_banking", *REQUIRED[1:])
    found = arrival.look("core_banking", DAY, overdue=True)
    assert found.late
    assert "core_banking/customer/2026-03-02/_manifest.json" in found.reason
    assert "Ask the sender, then clear this task" in found.reason


def test_required_files_that_are_there_have_arrived(folder):
    deliver(folder, "core_banking", *REQUIRED)
    assert arrival.look("core_banking", DAY).arrived


def test_before_the_first_delivery_a_scheduled_run_waits_for_nothing(folder):
    assert arrival.look("core_banking", DAY, scheduled=True).absent
    assert not arrival.look("core_banking", DAY).absent, "a run started by hand means that files are coming"
    has_delivered_before("core_banking")
    assert not arrival.look("core_banking", DAY, scheduled=True).absent


def test_an_optional_system_that_never_delivered_is_absent(folder):
    found = arrival.look("mobile", DAY)
    assert found.absent
    assert "mobile has never delivered" in found.reason


def test_an_optional_system_that_delivers_is_waited_for_and_then_absent(folder):
    has_delivered_before("mobile")
    assert not arrival.look("mobile", DAY).absent
    found = arrival.look("mobile", DAY, overdue=True)
    assert found.absent
    assert not found.late
    assert "did not deliver for 2026-03-02" in found.reason
