"""Roles, databases and schemas on a Postgres server: made once, checked at every start."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import sql

from bankmart import settings
from bankmart.governance.access import readers
from bankmart.runtime import ports, postgres
from bankmart.runtime.postgres import PostgresError

OLDEST = 150000
WAREHOUSE_SQL = Path(__file__).with_name("warehouse.sql")
GOVERNANCE = Path(__file__).parents[1] / "governance"
# In this order: the rooms that have tables of their own bring their script.
SCRIPTS = (
    WAREHOUSE_SQL,
    GOVERNANCE / "audit" / "audit.sql",
    Path(__file__).parents[1] / "vault" / "vault.sql",
    GOVERNANCE / "quality" / "quality.sql",
    GOVERNANCE / "quality" / "views.sql",
    GOVERNANCE / "notices" / "notices.sql",
    GOVERNANCE / "people" / "people.sql",
)


@dataclass
class Throwaway:
    """A server of its own in the state folder, for a test or a benchmark."""

    at: postgres.Place
    state: Path
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    def stop(self) -> None:
        """Shut it down; its data directory is whole then."""
        os.kill(self.process.pid, signal.SIGINT)
        self.process.wait(30)

    def restart(self) -> None:
        """Start it again after it was killed: recovery included."""
        self.process.wait(30)
        self.process = postgres.popen(self.at, self.state / "postgres.log")
        postgres.wait_until_ready(admin_dsn())


@contextmanager
def throwaway(version: str = postgres.VERSION) -> Iterator[Throwaway]:
    """A running, empty server in BANKMART_STATE_DIR, which the caller has set; stopped and deleted at the end."""
    state = settings.state_dir()
    port = ports.free_port()
    settings.write_private(state / "ports.json", f'{{"postgres": {port}}}')
    at = postgres.place(state, version)
    postgres.initialise(at, settings.secret(settings.EMBEDDED_ADMIN), port)
    write_passfile()
    server = Throwaway(at, state, port, postgres.popen(at, state / "postgres.log"))
    try:
        postgres.wait_until_ready(settings.dsn(settings.EMBEDDED_ADMIN, "postgres"))
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
        postgres.remove(state)


def write_passfile() -> None:
    """Write libpq's password file for every role of this checkout, unless the user has brought one."""
    if settings.passfile() != settings.state_dir() / "pgpass":
        return
    at = settings.server()
    lines = [f"{at.host}:{at.port}:*:{role}:{settings.secret(role)}" for role in settings.ROLES]
    lines += [f"{at.host}:{at.port}:*:{name}:{settings.secret(settings.READER + name)}" for name in settings.logins()]
    if settings.is_embedded():
        lines.append(f"{at.host}:{at.port}:*:{at.admin}:{settings.secret(at.admin)}")
    settings.write_private(settings.passfile(), "\n".join(lines) + "\n")


def admin_dsn(database: str | None = None) -> str:
    """The administrator's connection string, for `database` or the server's own first one."""
    if settings.is_embedded():
        return settings.dsn(settings.EMBEDDED_ADMIN, database or "postgres")
    url = os.environ["BANKMART_DATABASE_URL"]
    if database is None:
        return url
    return psycopg2.extensions.make_dsn(url, dbname=database)


def provision() -> None:
    """Make roles, databases and the warehouse's schemas; safe to run again at any time.

    Raises PostgresError where the server is too old or the administrator may not make roles and databases.
    """
    write_passfile()
    with closing(psycopg2.connect(admin_dsn())) as link:
        link.autocommit = True
        if link.server_version < OLDEST:
            raise PostgresError(f"Postgres {link.server_version // 10000} is too old: Bankmart needs 15 or newer")
        with link.cursor() as cursor:
            try:
                for role in settings.ROLES:
                    _role(cursor, role)
                # Whoever erases a person writes, and searches, wherever that person may be.
                cursor.execute("grant platform, loader, scorer, airflow, mlflow to eraser")
                if settings.is_embedded():
                    # Its search reads the tables' own files, behind a checkpoint.
                    cursor.execute("grant pg_checkpoint to eraser")
                readers.make_roles(cursor)
                for database, owner in (
                    (settings.WAREHOUSE, "platform"),
                    (settings.AIRFLOW, "airflow"),
                    (settings.MLFLOW, "mlflow"),
                ):
                    _database(cursor, database, owner)
            except psycopg2.errors.InsufficientPrivilege as error:
                raise PostgresError(
                    f"the administrator of BANKMART_DATABASE_URL may not do this: {error}".strip()
                    + ". Give it CREATEROLE and CREATEDB."
                ) from error
    with closing(psycopg2.connect(admin_dsn(settings.WAREHOUSE))) as link, link, link.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('bankmart provision'))")
        make_warehouse(cursor)
        if settings.is_embedded():
            # What is left of somebody in the server's log is written over.
            cursor.execute("grant execute on function pg_switch_wal(), pg_ls_waldir() to eraser")


def make_warehouse(cursor: psycopg2.extensions.cursor) -> None:
    """Make what the warehouse has before dbt comes; safe to run again."""
    for script in SCRIPTS:
        cursor.execute(script.read_text(encoding="utf-8"))


def _role(cursor: psycopg2.extensions.cursor, role: str) -> None:
    cursor.execute("select 1 from pg_roles where rolname = %s", (role,))
    verb = sql.SQL("alter") if cursor.fetchone() else sql.SQL("create")
    statement = sql.SQL("{verb} role {role} login password {password}")
    password = sql.Literal(settings.secret(role))
    cursor.execute(statement.format(verb=verb, role=sql.Identifier(role), password=password))
    cursor.execute(
        "select rolsuper, pg_has_role(current_user, %s, 'set') from pg_roles where rolname = current_user",
        (role,),
    )
    is_superuser, may_become = cursor.fetchone() or (False, False)
    if not is_superuser and not may_become:
        cursor.execute(sql.SQL("grant {role} to current_user").format(role=sql.Identifier(role)))


def _database(cursor: psycopg2.extensions.cursor, database: str, owner: str) -> None:
    cursor.execute("select 1 from pg_database where datname = %s", (database,))
    if not cursor.fetchone():
        statement = sql.SQL("create database {name} owner {owner} encoding 'UTF8' template template0")
        cursor.execute(statement.format(name=sql.Identifier(database), owner=sql.Identifier(owner)))
    statement = sql.SQL("revoke all on database {name} from public")
    cursor.execute(statement.format(name=sql.Identifier(database)))
    if database == settings.WAREHOUSE:
        for role in ("platform", "loader", "scorer", "eraser", "vault", *(reader.name for reader in readers.readers())):
            statement = sql.SQL("grant connect on database {name} to {role}")
            cursor.execute(statement.format(name=sql.Identifier(database), role=sql.Identifier(role)))
        statement = sql.SQL("grant temporary on database {name} to platform, loader, scorer")
        cursor.execute(statement.format(name=sql.Identifier(database)))
