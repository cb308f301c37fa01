"""A server that is given: another major version, and an administrator who is no superuser."""

from __future__ import annotations

import os
import signal
import socket

import psycopg2
import pytest
from psycopg2 import sql

from bankmart import db, settings
from bankmart.runtime import postgres as embedded
from bankmart.runtime import provision


@pytest.fixture
def given(tmp_path, monkeypatch):
    """A PostgreSQL 16 with a role that may make databases and roles, and nothing more."""
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path / "server"))
    monkeypatch.delenv("PGPASSFILE", raising=False)
    place = embedded.place(tmp_path / "server", version="pginstall")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings.write_private(tmp_path / "server" / "ports.json", f'{{"postgres": {port}}}')
    embedded.initialise(place, settings.secret(settings.EMBEDDED_ADMIN), port)
    provision.write_passfile()
    server = embedded.popen(place, tmp_path / "postgres.log")
    try:
        root = settings.dsn(settings.EMBEDDED_ADMIN, "postgres")
        embedded.wait_until_ready(root)
        with psycopg2.connect(root) as link, link.cursor() as cursor:
            cursor.execute(
                sql.SQL("create role operator login createdb createrole password {}").format(sql.Literal("given"))
            )
        link.close()
        monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path / "checkout"))
        monkeypatch.setenv("BANKMART_DATABASE_URL", f"postgresql://operator:given@127.0.0.1:{port}/postgres")
        yield port
    finally:
        os.kill(server.pid, signal.SIGINT)
        server.wait(30)
        embedded.remove(tmp_path / "server")


def test_a_given_server_is_provisioned_without_superuser(given):
    provision.provision()
    provision.provision()
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("create table marts.probe (x integer)")
        cursor.execute("select current_setting('server_version_num')::integer / 10000")
        assert cursor.fetchone() == (16,)
    with db.connect("airflow", settings.AIRFLOW) as link, link.cursor() as cursor:
        cursor.execute("create table probe (x integer)")
    with pytest.raises(psycopg2.OperationalError), db.connect("bi_reader", settings.AIRFLOW):
        pass


def test_the_administrators_password_is_in_no_file_of_the_checkout(given, tmp_path):
    provision.provision()
    written = [path for path in (tmp_path / "checkout").rglob("*") if path.is_file()]
    assert written
    assert not any("given" in path.read_text(errors="replace") for path in written)
