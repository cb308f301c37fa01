"""Fixtures shared by all tests: a real Postgres of the tests' own, started and stopped by them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from bankmart import settings
from bankmart.governance.audit import anchor
from bankmart.runtime import provision


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder of the tests' own: no test sees or touches the checkout's."""
    folder = tmp_path_factory.mktemp("state")
    patch = pytest.MonkeyPatch()
    patch.setenv("BANKMART_STATE_DIR", str(folder))
    ours = ("BANKMART_DATABASE_URL", "BANKMART_LANDING_DIR", "BANKMART_AUDIT_DIR")
    for name in (*ours, "PGPASSFILE", "PGHOST", "PGPORT", "PGUSER"):
        patch.delenv(name, raising=False)
    yield folder
    patch.undo()


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """What a test has made libraries read from the environment ends with it."""
    yield
    settings.forget_environment()
    # What a patch put back would lead the next server of this process to the wrong passwords.
    assert "PGPASSFILE" not in os.environ


@pytest.fixture(scope="session")
def postgres(state: Path) -> Iterator[str]:
    """A running, provisioned server; yields the administrator's connection string."""
    with provision.throwaway():
        provision.provision()
        yield provision.admin_dsn()


@pytest.fixture
def warehouse(postgres: str) -> str:
    """A clean warehouse: no raw table, no load, no build. Yields the administrator's connection string for it."""
    dsn = provision.admin_dsn(settings.WAREHOUSE)
    with closing(psycopg2.connect(dsn)) as link, link, link.cursor() as cursor:
        cursor.execute(
            "select nspname from pg_namespace"
            " where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')"
        )
        for (schema,) in cursor.fetchall():
            cursor.execute(psycopg2.sql.SQL("drop schema {} cascade").format(psycopg2.sql.Identifier(schema)))
        provision.make_warehouse(cursor)
    # Heads of a chain that is gone.
    anchor.path().unlink(missing_ok=True)
    return dsn
