"""A person of a whole bank is erased while readers look: totals stay, nothing is left, nothing comes back."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from psycopg2 import sql

from bankmart import db, dbt, settings
from bankmart.bench import erase as bench
from bankmart.bench.faults.erase import totals
from bankmart.governance import build as builds
from bankmart.governance import gate, publication
from bankmart.governance.audit.verify import verify
from bankmart.governance.commands.hash import hashes
from bankmart.governance.people import access_request, person
from bankmart.governance.people.erasure import requests, scrub
from bankmart.governance.people.erasure import run as erasure
from bankmart.runtime import postgres
from bankmart.sources.landing import folder

# What is one person's alone.
VALUES = ("id_number", "mobile", "email", "address")


def ask(statement, *bound, role="eraser"):
    with db.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, bound)
        return cursor.fetchall()


def places_with(*texts):
    """Tables and files that hold one of the texts anywhere, asked in the plainest way."""
    found = []
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute(
            "select nspname, relname from pg_class join pg_namespace on relnamespace = pg_namespace.oid"
            " where relkind = 'r' and nspname !~ '^(pg_|information_schema)' and nspname <> 'vault'"
        )
        pattern = rf"(?<![\w-])({'|'.join(map(re.escape, texts))})(?![\w-])"
        for name in cursor.fetchall():
            cursor.execute(
                sql.SQL("select 1 from {} as t where t::text ~ %s limit 1").format(sql.Identifier(*name)), (pattern,)
            )
            found += [".".join(name)] if cursor.fetchone() else []
    for root in (settings.state_dir() / "landing", settings.state_dir() / "logs"):
        found += [str(path) for path in root.rglob("*") if path.is_file() and re.search(
            pattern.encode(), path.read_bytes())]  # fmt: skip
    return found


def folders_with(*texts):
    """Folders of the server's own files in which one of the texts stands as bytes, whoever sees it."""
    data, found = postgres.place(settings.state_dir()).data, set()
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, texts))})(?![\d_-])".encode())
    for path in data.rglob("*"):
        # The server throws files away meanwhile.
        with suppress(FileNotFoundError):
            if path.is_file() and pattern.search(path.read_bytes()):
                found.add(path.relative_to(data).parts[0])
    return found


class Reader(threading.Thread):
    """Looks again and again, in one snapshot each time, at what is shown of a person."""

    def __init__(self, customer):
        super().__init__(daemon=True)
        self.customer, self.seen, self.errors, self.is_over = customer, [], [], False

    def run(self):
        tables = ("dim_customer", "fct_transaction", "customer_360", "fct_balance_daily", "dim_account")
        statement = " union all ".join(f"select count(*) from published.{t} where customer_id = %s" for t in tables)
        while not self.is_over:
            try:
                counts = tuple(count for (count,) in ask(statement, *[self.customer] * len(tables), role="bi_reader"))
                if not self.seen or self.seen[-1] != counts:
                    self.seen.append(counts)
            except Exception as error:  # noqa: BLE001 - none is expected, whichever it is
                self.errors.append(error)


@pytest.fixture
def chosen(line):
    """A person with two numbers, and the values that are nobody else's."""
    ((customer, other),) = ask("select customer_id, linked_customer_id from marts.bridge_identity"
                               " where build_id in (select build_id from governance.publication) limit 1")  # fmt: skip
    with db.connect("platform") as link, link.cursor() as cursor:
        whole = person.find(cursor, customer)
    assert set(whole.customers) == {customer, other}
    with (folder(settings.landing_dir(), "core_banking", "customer", line.dates[0]) / "customer.csv").open() as file:
        rows = list(csv.DictReader(file))
    (record,) = [row for row in rows if row["customer_id"] == other]
    theirs = {name: {row[name] for row in rows if row["customer_id"] not in whole.customers} for name in VALUES}
    return other, whole, [record[name] for name in VALUES if record[name] and record[name] not in theirs[name]]


@pytest.mark.timeout(1800)
def test_a_person_is_erased_and_a_bank_goes_on(line, chosen, tmp_path):
    customer, whole, values = chosen
    assert values
    paths = access_request.answer(customer, "test", tmp_path / "answer", "dpo")
    for path in paths:
        assert all(value in path.read_text(encoding="utf-8") for value in (customer, *whole.customers, *values))
    before, old = totals(), tmp_path / "landing"
    shutil.copytree(settings.landing_dir(), old)
    (number,) = requests.request([(customer, "asks")], "li")
    requests.decide([number], "wang", approve=True)

    reader = Reader(customer)
    reader.start()
    _kill_half_way()
    assert ask("select state from governance.erasure") == [("running",)]
    report = erasure.run("ops")
    time.sleep(0.5)
    reader.is_over = True
    reader.join()
    assert report.erasures == [number]
    assert not reader.errors
    # All of it, then nothing of it; never a part.
    assert len(reader.seen) == 2
    assert min(reader.seen[0]) > 0
    assert set(reader.seen[1]) == {0}

    assert totals() == before
    assert places_with(*whole.all, *values) == []
    assert ask("select count(*) from vault.data_key where customer_id = any(%s)", whole.all) == [(0,)]
    assert not verify().findings
    assert folders_with(*whole.all) == {"base", "pg_wal"}
    assert scrub.run("ops").erasures == [number]
    assert folders_with(*whole.all) == set()
    assert totals() == before

    _old_files_again(line, old, whole)
    _next_day(line)
    assert places_with(*whole.all, *values) == []


def _kill_half_way():
    environment = os.environ | {
        "PYTHONPATH": f"{settings.ROOT / 'plugins'}:{settings.ROOT}",
        "BANKMART_FAULT": "erase.file:kill:3",
    }
    command = [sys.executable, "-m", "bankmart", "erase", "run"]
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def _old_files_again(line, old, whole):
    day = line.dates[0]
    rows = ask("select count(*), sum(amount) from sources.core_banking__transaction where business_date = %s", day)
    for table in ("customer", "account", "transaction"):
        shutil.copytree(old / "core_banking" / table / day.isoformat(),
                        folder(settings.landing_dir(), "core_banking", table, day), dirs_exist_ok=True)  # fmt: skip
    line.ingest(day)
    assert (
        ask("select count(*), sum(amount) from sources.core_banking__transaction where business_date = %s", day) == rows
    )
    assert places_with(*whole.all) == []


def _next_day(line):
    """The next date goes on from the states that were changed, and from the deliveries alone: the same bytes."""
    day = line.dates[2]
    line.ingest(day)
    publication.publish(line.build(day), actor="test")
    gone_on = hashes(day)
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute("select nspname, relname from pg_class join pg_namespace on relnamespace = pg_namespace.oid"
                       " where relispartition and relkind = 'r' and relname ~ '__b[0-9]+$'")  # fmt: skip
        for name in cursor.fetchall():
            cursor.execute(sql.SQL("comment on table {} is 'of another definition'").format(sql.Identifier(*name)))
    again = builds.open_build(day, "again")
    layers = builds.LAYERS[: builds.LAYERS.index("tags") + 1]
    for layer in layers:
        dbt.build_layer(layer, again)
        gate.judge(layer, again)
    whole = hashes(build_id=again.build_id)
    # tag_change is written with the profile, into schema tags.
    tables = [name for name in whole if name.startswith(layers[1:]) and name != "tags.tag_change"]
    assert len(tables) > 50
    assert {name: whole[name] for name in tables} == {name: gone_on[name] for name in tables}


def test_the_benchmark_forgets_somebody_and_prints_a_line_a_part(line):
    """`bankmart bench erase` on this bank; speed is not asserted."""
    head, _, _, *parts = bench.forget().splitlines()
    assert " rows of " in head
    assert [part.split("  ")[0] for part in parts] == [
        "warehouse",
        "landing files",
        "search for what is left",
        "all, with the certificate",
    ]
