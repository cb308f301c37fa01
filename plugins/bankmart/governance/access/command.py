"""`bankmart reader`: a person's login, as a member of a kind of reader, with the branches or managers that are hers."""

from __future__ import annotations

import argparse
from contextlib import closing

import psycopg2
from psycopg2 import sql

from bankmart import db, settings
from bankmart.errors import BankmartError
from bankmart.governance import audit
from bankmart.governance.access.readers import NAME, limit_statements, readers
from bankmart.runtime import provision
from bankmart.text import table


class ReaderError(BankmartError):
    """A login can't be made or changed: says why and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """NAME, --role, --branch, --manager, --remove; without a name: list."""
    parser.add_argument("name", nargs="?", help="the person's login; without it, all are listed")
    parser.add_argument("--role", help="the kind of reader: see vars.readers in dbt_project.yml")
    parser.add_argument("--branch", action="append", default=[], help="a branch whose customers the person sees")
    parser.add_argument("--manager", action="append", default=[], help="a manager whose customers the person sees")
    parser.add_argument("--remove", action="store_true", help="take the login away")


def run(args: argparse.Namespace) -> int:
    """Make, change, remove or list logins. Raises ReaderError."""
    if args.name is None:
        print(table(["login", "reads as", "of"], [list(row) for row in listed()]))
    elif args.remove:
        remove(args.name)
        print(f"{args.name} can't log in any more")
    else:
        if not args.role:
            raise ReaderError(f"say what {args.name} is: --role {' or '.join(reader.name for reader in readers())}")
        grant(args.name, args.role, {"branch": args.branch, "manager": args.manager})
        print(f"{args.name} reads as {args.role}; the password is in {settings.passfile()}, give it in private")
    return 0


def grant(name: str, role: str, scopes: dict[str, list[str]]) -> None:
    """Make or change a person's login: member of one kind of reader, with these scopes and no others.

    Raises ReaderError for a name or role that won't do.
    """
    kinds = {reader.name: reader for reader in readers()}
    if role not in kinds:
        raise ReaderError(f"there is no reader {role}: vars.readers in dbt_project.yml has {', '.join(kinds)}")
    if not NAME.fullmatch(name) or name.startswith("pg_") or name in {*kinds, *settings.ROLES}:
        raise ReaderError(f"{name!r} can't be a login: use lower-case letters, digits and _, and no role's name")
    own = kinds[role].rows == "own"
    if own != any(scopes.values()):
        raise ReaderError(f"{role} {'needs' if own else 'has no'} --branch or --manager")
    with closing(psycopg2.connect(provision.admin_dsn())) as link, link, link.cursor() as cursor:
        login = sql.Identifier(name)
        verb = sql.SQL("alter" if _is_there(cursor, name) else "create")
        password = sql.Literal(settings.secret(_secret(name)))
        cursor.execute(sql.SQL("{} role {} login password {}").format(verb, login, password))
        for kind in kinds:
            cursor.execute(sql.SQL("revoke {} from {}").format(sql.Identifier(kind), login))
        cursor.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), login))
        limit_statements(cursor, name)
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("delete from governance.user_scope where user_name = %s", (name,))
        for kind, identifiers in scopes.items():
            for identifier in identifiers:
                cursor.execute(
                    "insert into governance.user_scope (user_name, kind, scope_id) values (%s, %s, %s)",
                    (name, kind, identifier),
                )
        audit.append(link, "reader", settings.who(), name, {"role": role} | scopes)
    provision.write_passfile()


def remove(name: str) -> None:
    """Take a person's login away. Raises ReaderError where it is none."""
    if name not in {row[0] for row in listed()}:
        raise ReaderError(f"{name} is no login of a reader: `bankmart reader` lists them")
    with closing(psycopg2.connect(provision.admin_dsn())) as link, link, link.cursor() as cursor:
        cursor.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("delete from governance.user_scope where user_name = %s", (name,))
        audit.append(link, "reader", settings.who(), name, {"removed": True})


def listed() -> list[tuple[str, str, str]]:
    """Every login that is a member of a kind of reader: name, kind, scopes."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select person.rolname, kind.rolname, coalesce((select string_agg(kind || ' ' || scope_id, ', ' order by"
            " kind, scope_id) from governance.user_scope where user_name = person.rolname), '')"
            " from pg_auth_members as member join pg_roles as person on person.oid = member.member"
            " join pg_roles as kind on kind.oid = member.roleid"
            " where kind.rolname = any(%s) and person.rolcanlogin and not person.rolsuper and not person.rolcreaterole"
            " order by 1",
            ([reader.name for reader in readers()],),
        )
        return list(cursor.fetchall())


def _is_there(cursor: psycopg2.extensions.cursor, name: str) -> bool:
    cursor.execute("select 1 from pg_roles where rolname = %s", (name,))
    return cursor.fetchone() is not None


def _secret(name: str) -> str:
    return f"{settings.READER}{name}"
