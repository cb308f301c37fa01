"""A server process killed in the middle of a load leaves nothing behind, and the next try loads."""

from __future__ import annotations

import os
import resource
import signal
import time
from contextlib import ExitStack

import psycopg2
import pytest

from bankmart import db, settings
from bankmart.runtime import postgres, provision
from bankmart.sources import load
from bankmart.sources.reading import csv_file

PAYMENT = "card.card_transaction"


def _wait_for_the_crash(bank):
    # The server ends all its connections when it finds one of them dead, which takes it a moment.
    for _ in range(600):
        try:
            bank.query("select 1")
        except psycopg2.OperationalError:
            return
        time.sleep(0.05)
    raise AssertionError("the server went on as if nothing had happened")


@pytest.mark.parametrize("how", ["kill -9", "terminate"])
def test_a_killed_backend(bank, monkeypatch, how):
    monkeypatch.setattr(csv_file, "BLOCK", 100_000)
    bank.send(PAYMENT, bank.payments(20_000, amount="7.00"), row_count=20_000)
    bank.load()
    before = bank.state()
    bank.send(PAYMENT, bank.payments(20_000, amount="8.00"))
    encode, calls = load.encode, []

    def killing(*args):
        calls.append(args)
        if len(calls) == 8:
            backend = "from pg_stat_activity where application_name = 'bankmart loader' and query like 'copy %'"
            if how == "terminate":
                assert bank.query(f"select pg_terminate_backend(pid) {backend}") == [(True,)]  # noqa: S608
            else:
                ((pid,),) = bank.query(f"select pid {backend}")  # noqa: S608
                os.kill(pid, signal.SIGKILL)
        return encode(*args)

    monkeypatch.setattr(load, "encode", killing)
    with pytest.raises(psycopg2.Error):
        bank.load()
    assert 8 <= len(calls) < 30
    monkeypatch.setattr(load, "encode", encode)
    if how == "kill -9":
        _wait_for_the_crash(bank)
    bank.close()
    postgres.wait_until_ready(provision.admin_dsn())
    assert bank.state() == before
    assert bank.refused() == []
    assert bank.quarantine() == []
    (done,) = [each for each in bank.load().tables if each.status != "absent"]
    assert (done.status, done.accepted) == ("loaded", 20_000)
    assert set(bank.column(PAYMENT, "amount")) == {8}


def test_a_statement_that_takes_too_long_is_said_by_role(bank, monkeypatch):
    """Somebody holds on to the table; the server ends what waits by its statement_timeout (57014)."""
    bank.send(PAYMENT, bank.payments())
    bank.load()
    before = bank.state()
    bank.send(PAYMENT, bank.payments(amount="8.00"))
    with ExitStack() as stack:
        holder = stack.enter_context(db.connect("loader"))
        holder.cursor().execute("lock table sources.card__card_transaction in share mode")
        impatient = stack.enter_context(monkeypatch.context())
        impatient.setenv("PGOPTIONS", "-c statement_timeout=300ms")
        with pytest.raises(db.StatementEnded, match="of role loader .* Nothing of its transaction is kept") as ended:
            bank.load()
        assert ended.value.__cause__.pgcode == "57014"
    assert bank.state() == before
    bank.load()
    assert set(bank.column(PAYMENT, "amount")) == {8}


def test_a_checking_thread_that_fails_stops_the_load(bank, monkeypatch):
    def failing(*args):
        raise MemoryError("no more")

    bank.send(PAYMENT, bank.payments())
    monkeypatch.setattr(load, "encode", failing)
    with pytest.raises(MemoryError):
        bank.load()
    assert bank.column(PAYMENT, "amount") == []
    monkeypatch.undo()
    bank.load()
    assert len(bank.column(PAYMENT, "amount")) == 200


def test_a_full_disk(bank, monkeypatch, tmp_path):
    """A limit on the size of the server's files stands for it: a load that needs more is undone, then repeated."""
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        # A segment of the write-ahead log still fits.
        resource.setrlimit(resource.RLIMIT_FSIZE, (16 << 20, hard))
        with ExitStack() as stack:
            server = stack.enter_context(provision.throwaway())
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            provision.provision()
            full = type(bank)(tmp_path / "landing", provision.admin_dsn(settings.WAREHOUSE))
            full.send(PAYMENT, full.payments(100))
            full.load()
            before = full.state()
            full.send(PAYMENT, full.payments(200_000))
            with pytest.raises(db.NoRoom, match="for role loader: could not extend file .* Nothing of its transaction"):
                full.load()
            assert full.state() == before
            full.close()
            os.kill(server.process.pid, signal.SIGINT)
            server.restart()
            assert [each.accepted for each in full.load().tables if each.status == "loaded"] == [200_000]
            full.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
