"""`bankmart hash`: one hash per table of a published date. The same date built again must give the same ones."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

from psycopg2 import sql

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.text import table

SCHEMAS = ["intermediate", "marts", "tags", "features", "profile"]
# Which build and which load wrote a row is not what it says; nor does the order of rows count.
NOT_CONTENT = ("build_id", "load_id")
CHANGED = """
select build_id, erasures, changed_at
from governance.build_change
where build_id = coalesce(%(build)s, (
    select build_id from governance.publication where coalesce(business_date = %(day)s, true)
    order by business_date desc limit 1
))
order by changed_at
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--date or --build."""
    parser.add_argument("--date", type=date.fromisoformat, help="a published business date (default: the newest)")
    parser.add_argument("--build", type=int, help="a build, published or not")


def run(args: argparse.Namespace) -> int:
    """Print rows and hash per table."""
    rows = [[name, count, digest] for name, (count, digest) in hashes(args.date, args.build).items()]
    print(table(["table", "rows", "hash"], rows))
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(CHANGED, {"build": args.build, "day": args.date})
        for build, erasures, at in cursor.fetchall():
            print(f"build {build} has other rows since {at:%Y-%m-%d %H:%M}: erasure {', '.join(map(str, erasures))}")
    return 0


def hashes(day: date | None = None, build_id: int | None = None) -> dict[str, tuple[int, str]]:
    """Table → (rows, hash) of a build: by its id, by its published date, or the newest published one.

    Raises BankmartError where the date is not published.
    """
    found: dict[str, tuple[int, str]] = {}
    with db.connect("platform") as link, link.cursor() as cursor:
        if build_id is None:
            cursor.execute(
                "select build_id from governance.publication where coalesce(business_date = %s, true)"
                " order by business_date desc limit 1",
                (day,),
            )
            row = cursor.fetchone()
            if row is None:
                raise BankmartError(f"{day or 'nothing yet'} is not published: `bankmart builds` lists what is")
            (build_id,) = row
        for name, columns in content_columns(cursor):
            listed = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
            cursor.execute(
                sql.SQL(
                    "select count(*), md5(coalesce(sum(hashtextextended(row({columns})::text, 0)), 0)::text)"
                    " from {name} where build_id = %s"
                ).format(columns=listed, name=sql.Identifier(*name)),
                (build_id,),
            )
            count, digest = db.one(cursor)
            found[".".join(name)] = count, digest
    return found


def content_columns(cursor: Any) -> list[tuple[tuple[str, str], list[str]]]:
    """Each table with a build's rows, as (schema, name), and the columns that say something of the bank."""
    # A state's parts are read through the table that they belong to. What moved depends on what was there before:
    # ind_all, which it leads to, does not.
    cursor.execute(
        "select nspname, relname, array_agg(attname::text order by attname)"
        " from pg_class join pg_namespace on relnamespace = pg_namespace.oid"
        " join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped"
        " where nspname = any(%s) and relkind in ('r', 'p') and not relispartition and relname !~ '^move_'"
        " group by nspname, relname order by nspname, relname",
        (SCHEMAS,),
    )
    return [
        ((schema, name), [column for column in columns if column not in NOT_CONTENT])
        for schema, name, columns in cursor.fetchall()
        if "build_id" in columns
    ]
