"""Whose right it is to read which classes in clear: who logs in to the warehouse by that name, and by no other way."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Collection
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2

from bankmart import settings
from bankmart.governance.masking import data_classes
from bankmart.vault.keys import VaultError

if TYPE_CHECKING:
    from psycopg2.extensions import connection


def classes_of(login: str, classes: Collection[str]) -> set[str]:
    """Those of the classes whose values the person may read in clear, by `clear` of each. Raises VaultError."""
    known = {name: data_classes()[name].get("clear", ()) for name in classes}
    with closing(_log_in(login)) as link, link.cursor() as cursor:
        cursor.execute(
            "select rolname from pg_roles where pg_has_role(session_user, oid, 'member') and rolname = any(%s)"
            " and not exists (select from pg_roles where rolname = session_user and rolsuper)",
            (sorted({role for roles in known.values() for role in roles}),),
        )
        roles = {role for (role,) in cursor.fetchall()}
    return {name for name, readers in known.items() if roles & set(readers)}


def _log_in(login: str) -> connection:
    try:
        return psycopg2.connect(settings.dsn(login))
    except psycopg2.OperationalError:
        pass
    try:
        if sys.stdin.isatty():
            return psycopg2.connect(settings.dsn(login), password=getpass.getpass(f"password of {login}: "))
    except psycopg2.OperationalError:
        pass
    raise VaultError(
        f"{login} can't log in to the warehouse, so nobody knows who asks",
        "give your own --login, made by `bankmart reader`, and its password where it is asked for.",
    )
