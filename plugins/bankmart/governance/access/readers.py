"""The kinds of readers, as `vars.readers` of dbt_project.yml declares them: roles of the server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from bankmart import settings
from bankmart.governance import project

# rows → the schema whose views such a reader reads.
SCHEMAS = {"all": "published", "own": "own", "consented": "marketing", "none": None}
NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
# A question that nobody waits for any more holds memory and a core, and what it reads can't be published anew.
STATEMENT_TIMEOUT = "10min"


@dataclass(frozen=True)
class Reader:
    """A kind of reader: which rows, and up to which grade."""

    name: str
    zh: str
    rows: str
    grade: int

    @property
    def schema(self) -> str | None:
        """The schema in which its customers are."""
        return SCHEMAS[self.rows]


def readers() -> list[Reader]:
    """All of them."""
    said: dict[str, dict[str, Any]] = project.variables()["readers"]
    return [Reader(name, about["zh"], about["rows"], int(about["grade"])) for name, about in said.items()]


def findings() -> list[str]:
    """What is wrong with `vars.readers`, in sentences."""
    found = []
    for name, about in project.variables()["readers"].items():
        lacks = [] if NAME.fullmatch(name) and not name.startswith("pg_") else ["a name of lower-case letters and _"]
        lacks += [] if about.get("rows") in SCHEMAS else [f"rows ({', '.join(SCHEMAS)})"]
        lacks += [] if about.get("grade") in range(1, 6) else ["a grade from 1 to 5"]
        lacks += [] if about.get("zh") else ["a Chinese name (zh)"]
        if name in set(settings.ROLES) - {"bi_reader"}:
            lacks.append("another name: a program of the platform has this one")
        if lacks:
            found.append(f"dbt_project/dbt_project.yml: reader {name}: give it {' and '.join(lacks)}")
    return found


def limit_statements(cursor: Any, login: str) -> None:
    """A reader's statement ends after STATEMENT_TIMEOUT, but where somebody has set another time for the login."""
    cursor.execute(
        "select from pg_db_role_setting, unnest(setconfig) as setting"
        " where setrole = to_regrole(%s) and setting like 'statement_timeout=%%'",
        (login,),
    )
    if cursor.fetchone() is None:
        cursor.execute(
            sql.SQL("alter role {} set statement_timeout = {}").format(
                sql.Identifier(login), sql.Literal(STATEMENT_TIMEOUT)
            )
        )


def make_roles(cursor: Any) -> None:
    """Make the roles that are missing, as groups without a login: people log in as members of them."""
    for reader in readers():
        cursor.execute("select 1 from pg_roles where rolname = %s", (reader.name,))
        if not cursor.fetchone():
            cursor.execute(sql.SQL("create role {} nologin").format(sql.Identifier(reader.name)))
        # bi_reader logs in itself; a group's own setting reaches none of its members.
        if reader.name in settings.ROLES:
            limit_statements(cursor, reader.name)
