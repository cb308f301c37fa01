"""A server that is given: another major version, and an administrator who is no superuser."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest
from psycopg2 import sql

from bankmart import db, settings
from bankmart.runtime import provision


@pytest.fixture
def given(tmp_path, monkeypatch):
    """A PostgreSQL 16 with a role that may make databases and roles, and nothing more."""
    monkeypatch.setenv("BANKMART_STATE_DIR", str(tmp_path / "server"))
    monkeypatch.delenv("PGPASSFILE", raising=False)
    with provision.throwaway(version="pginstall") as server:
        with (
            closing(psycopg2.connect(settings.dsn(settings.EMBEDDED_ADMIN, "postgres"))) as link,
            link.cursor() as cursor,
        ):
            cursor.execute(
                sql.SQL("create role operator login createdb createrole password {}").format(sql.Literal("given"))
            )
            link.commit()
        with monkeypatch.context() as patch:
            patch.setenv("BANKMART_STATE_DIR", str(tmp_path / "checkout"))
            patch.setenv("BANKMART_DATABASE_URL", f"postgresql://operator:given@127.0.0.1:{server.port}/postgres")
            yield server.port


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
