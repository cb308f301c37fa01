"""Quarantined records are repaired and loaded, each exactly once, whatever happens on the way."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import psycopg2
import pytest

from bankmart import settings
from bankmart.governance.audit.verify import verify
from bankmart.sources import contract, repair
from bankmart.sources.quarantine_command import summary
from bankmart.sources.repair import RepairRefused

PAYMENT = "card.card_transaction"


@pytest.fixture
def table():
    return contract.load()["card"]["card_transaction"]


@pytest.fixture
def quarantined(bank, monkeypatch):
    """Three of 400 records have a wrong value; the sender's columns stand in another order than the contract's."""
    monkeypatch.setenv("BANKMART_LANDING_DIR", str(bank.root))
    rows = bank.payments(400)
    rows[5]["is_online"] = "perhaps"
    rows[6]["merchant_category_code"] = ""
    rows[6]["merchant_name"] = '"商户; eins"'
    rows[7]["transaction_date"] = "2027-01-31"
    names = list(reversed(rows[0]))
    data = "\n".join([";".join(names), *(";".join(row[name] for name in names) for row in rows), ""])
    bank.send(PAYMENT, data, delimiter=";", control_totals={"amount": "500.00"})
    bank.load()
    assert counts(bank) == (400, 397, 3, 397)
    return bank


def counts(bank):
    ledger = bank.query(
        "select read_count, accepted_count, rejected_count from governance.load where status = 'loaded'"
    )
    return (*ledger[0], bank.query("select count(*) from sources.card__card_transaction")[0][0])


def repaired(table, bank, tmp_path, **changes):
    """The taken-out file with its wrong values put right."""
    file = tmp_path / "out.csv"
    repair.take_out(table, bank.day, file)
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    right = {"is_online": "true", "merchant_category_code": "5411", "transaction_date": "2026-01-31"} | changes
    for row in rows:
        row[row["at_column"]] = right[row["at_column"]]
    write(file, rows)
    return file


def write(file, rows):
    with file.open("w", newline="") as text:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_records_go_out_with_their_values_and_the_reason(quarantined, table, tmp_path):
    file = tmp_path / "out.csv"
    assert repair.take_out(table, quarantined.day, file, "Wang Li") == 3
    said = quarantined.query("select kind, actor, subject from audit.entry order by number desc limit 1")
    assert said == [("quarantine_read", "Wang Li", f"quarantine of {table.system}.{table.name} of {quarantined.day}")]
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open(newline="") as text:
        first, second, third = csv.DictReader(text)
    assert (first["line_number"], first["rule"], first["at_column"]) == ("7", "type", "is_online")
    assert (first["card_transaction_id"], first["is_online"], first["amount"]) == ("P00005", "perhaps", "1.25")
    assert (second["merchant_name"], second["rule"]) == ("商户; eins", "null")
    assert third["rule"] == "future"


def test_repaired_records_are_loaded_once(quarantined, table, tmp_path):
    file = repaired(table, quarantined, tmp_path)
    done = repair.put_back(table, quarantined.day, file, "Wang Li", "asked the sender")
    assert (done.repaired, done.before, done.waiting) == (3, 0, 0)
    assert counts(quarantined) == (400, 400, 0, 400)
    assert summary() == []
    again = repair.put_back(table, quarantined.day, file, "Wang Li", "asked the sender")
    assert (again.repaired, again.before, again.waiting) == (0, 3, 0)
    assert counts(quarantined) == (400, 400, 0, 400)
    with pytest.raises(RepairRefused, match="nothing to repair"):
        repair.take_out(table, quarantined.day, file)
    entries = quarantined.query("select actor, subject, facts from audit.entry where kind = 'quarantine_repair'")
    assert [(actor, subject, facts["lines"]) for actor, subject, facts in entries] == [
        ("Wang Li", "card.card_transaction of 2026-01-31", [7, 8, 9])
    ]
    assert verify().findings == ()
    # The same file again changes nothing: what was repaired stays.
    assert [each.status for each in quarantined.load().tables if each.table == "card_transaction"] == ["unchanged"]
    assert counts(quarantined) == (400, 400, 0, 400)


def test_a_part_can_be_repaired_and_the_rest_later(quarantined, table, tmp_path):
    file = repaired(table, quarantined, tmp_path)
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    write(file, rows[:1])
    assert repair.put_back(table, quarantined.day, file, "a", "b").waiting == 2
    assert [(each.rule, each.count) for each in summary()] == [("future", 1), ("null", 1)]
    write(file, rows)
    done = repair.put_back(table, quarantined.day, file, "a", "b")
    assert (done.repaired, done.before, done.waiting) == (2, 1, 0)
    assert counts(quarantined) == (400, 400, 0, 400)


def test_what_is_still_wrong_changes_nothing(quarantined, table, tmp_path):
    before = quarantined.state()
    cases = {
        "is no boolean": repaired(table, quarantined, tmp_path, is_online="never"),
    }
    for message, file in cases.items():
        with pytest.raises(RepairRefused, match=message):
            repair.put_back(table, quarantined.day, file, "a", "b")
    file = repaired(table, quarantined, tmp_path)
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    write(file, [{**rows[0], "card_transaction_id": "P00010"}])
    with pytest.raises(RepairRefused, match="its key may be loaded already"):
        repair.put_back(table, quarantined.day, file, "a", "b")
    write(file, [{**rows[0], "line_number": "4711"}])
    with pytest.raises(RepairRefused, match="line 4711 is not in quarantine"):
        repair.put_back(table, quarantined.day, file, "a", "b")
    write(file, [rows[0], rows[0]])
    with pytest.raises(RepairRefused, match="there twice"):
        repair.put_back(table, quarantined.day, file, "a", "b")
    write(file, [{"line_number": "7", "amount": "1"}])
    with pytest.raises(RepairRefused, match="lacks columns: card_id"):
        repair.put_back(table, quarantined.day, file, "a", "b")
    assert quarantined.state() == before
    assert quarantined.query("select count(*) from governance.quarantine_repair") == [(0,)]
    said = {kind for (kind,) in quarantined.query("select kind from audit.entry")}
    assert said == {"load_begun", "load", "quarantine_read", "quarantine_repair_begun"}


def test_a_date_that_is_not_loaded_cannot_be_repaired(bank, table, tmp_path):
    with pytest.raises(RepairRefused, match="is not loaded"):
        repair.take_out(table, bank.day, tmp_path / "out.csv")


KILLED = """
import sys
from datetime import date
from pathlib import Path
from bankmart.sources import contract, repair
repair.put_back(
    contract.load()["card"]["card_transaction"], date.fromisoformat(sys.argv[1]), Path(sys.argv[2]), "a", "b"
)
"""


def test_killed_half_way_and_run_again(quarantined, table, tmp_path):
    file = repaired(table, quarantined, tmp_path)
    before = quarantined.state()
    command = [sys.executable, "-c", KILLED, quarantined.day.isoformat(), str(file)]
    with closing(psycopg2.connect(quarantined.dsn)) as holder, holder.cursor() as cursor:
        # It stands between the mark "repaired" and the rows.
        cursor.execute("lock table sources.card__card_transaction in share mode")
        environment = os.environ | {"PYTHONPATH": str(settings.ROOT / "plugins")}
        process = subprocess.Popen(command, env=environment)
        waiting = (
            "select count(*) from pg_locks where not granted and relation::regclass::text like '%card_transaction'"
        )
        for _ in range(1200):
            if quarantined.query(waiting) == [(1,)]:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("it never came to the rows")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert quarantined.state() == before
    assert repair.put_back(table, quarantined.day, file, "a", "b").repaired == 3
    assert repair.put_back(table, quarantined.day, file, "a", "b").repaired == 0
    assert counts(quarantined) == (400, 400, 0, 400)


def test_two_at_once_load_each_record_once(quarantined, table, tmp_path):
    file = repaired(table, quarantined, tmp_path)
    done = []
    work = [
        threading.Thread(target=lambda: done.append(repair.put_back(table, quarantined.day, file, "a", "b").repaired))
        for _ in range(3)
    ]
    for each in work:
        each.start()
    for each in work:
        each.join()
    assert sorted(done) == [0, 0, 3]
    assert counts(quarantined) == (400, 400, 0, 400)
