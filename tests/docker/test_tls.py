"""TLS to Postgres, as the page says to switch it on: its own commands, on a real server that can speak it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest

from bankmart import db, settings
from bankmart.runtime import environment
from bankmart.runtime import postgres as embedded

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/run-on-servers.md").read_text(encoding="utf-8")
# The servers of the embedded package are built without it.
INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


def test_the_servers_of_this_checkout_are_told_what_libpq_is_to_check(monkeypatch):
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/bank/ca.crt")
    told = environment.environment()
    assert (told["PGSSLMODE"], told["PGSSLROOTCERT"]) == ("verify-full", "/etc/bank/ca.crt")


def certificate(folder):
    """Made by the page's own command."""
    folder.mkdir()
    (command,) = re.findall(r"^ *(openssl req .*)$", PAGE, re.MULTILINE)
    subprocess.run(["sh", "-ec", command], cwd=folder, check=True, capture_output=True)
    return folder / "server.crt", folder / "server.key"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A Postgres that the page's statements have switched to TLS; nobody gets in without it."""
    if not INSTALLED:
        pytest.skip("no Postgres with TLS is installed here (the embedded one has none)")
    at = embedded.place(tmp_path / "server")
    at = embedded.Place(INSTALLED[-1].parent, at.data, at.user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    embedded.initialise(at, "an-administrators-password", port)
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:*:an-administrators-password\n")
    passfile.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    monkeypatch.setenv("BANKMART_DATABASE_URL", f"postgresql://bankmart_admin@127.0.0.1:{port}/postgres")
    crt, key = certificate(tmp_path / "made")
    for path in (crt, key):
        target = at.data / path.name
        target.write_bytes(path.read_bytes())
        target.chmod(0o600)
        os.chown(target, *(getattr(at.data.stat(), name) for name in ("st_uid", "st_gid")))
    process = embedded.popen(at, tmp_path / "log")
    try:
        for _ in range(300):
            with suppress(psycopg2.OperationalError), closing(psycopg2.connect(dsn())) as link, link.cursor() as cursor:
                link.autocommit = True
                for statement in re.findall(
                    r"^ *(alter system set ssl = on|select pg_reload_conf\(\));", PAGE, re.MULTILINE
                ):
                    cursor.execute(statement)
                break
            time.sleep(0.1)
        # The page's own words on the rules, which leave alone how the container asks itself.
        (script,) = re.findall(r"sed -i -E '(.*)' docker/pg_hba\.conf", PAGE)
        words = ["sed", "-E", script, str(ROOT / "docker/pg_hba.conf")]
        sealed = subprocess.run(words, text=True, check=True, capture_output=True).stdout
        (own,) = re.findall(r"^host +all +all +127\.0\.0\.1/32.*$", sealed, re.MULTILINE)
        sealed = sealed.replace(own, "").replace("172.28.240.0/24", "127.0.0.1/32")
        assert sealed.count("hostssl") == 3
        (at.data / "pg_hba.conf").write_text(sealed)
        process.send_signal(signal.SIGHUP)
        time.sleep(1)
        yield crt
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        embedded.remove(tmp_path / "server")


def dsn():
    return settings.dsn("bankmart_admin", "postgres")


def test_who_checks_gets_in_and_who_comes_without_does_not(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(server))
    with db.connect("bankmart_admin", "postgres") as link, link.cursor() as cursor:
        cursor.execute("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()")
        is_sealed, version = db.one(cursor)
    assert is_sealed
    assert version in ("TLSv1.2", "TLSv1.3")
    other, _ = certificate(tmp_path / "another")
    monkeypatch.setenv("PGSSLROOTCERT", str(other))
    with pytest.raises(psycopg2.OperationalError, match="certificate verify failed"):
        psycopg2.connect(dsn())
    monkeypatch.setenv("PGSSLMODE", "disable")
    with pytest.raises(psycopg2.OperationalError, match="no encryption|pg_hba.conf rejects"):
        psycopg2.connect(dsn())
