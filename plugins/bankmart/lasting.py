"""Whether staging's views still say what the project says: mostly they do, and dbt needn't look at each every day."""

from __future__ import annotations

from psycopg2 import sql

from bankmart import db

SCHEMA = "staging"
SAID = """
select
    obj_description(%(schema)s::regnamespace, 'pg_namespace'),
    md5(string_agg(relname || pg_get_viewdef(oid), '' order by relname))
from pg_class
where relnamespace = %(schema)s::regnamespace and relkind = 'v'
"""


def stand(mark: str) -> bool:
    """Whether all views were made from the project as it is (`mark`: its hash), and nobody has changed any since."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(SAID, {"schema": SCHEMA})
        known, views = db.one(cursor)
    return bool(known == _said(mark, views))


def remember(mark: str) -> None:
    """Note at the schema that its views were made from the project as it is."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(SAID, {"schema": SCHEMA})
        _, views = db.one(cursor)
        cursor.execute(
            sql.SQL("comment on schema {} is {}").format(sql.Identifier(SCHEMA), sql.Literal(_said(mark, views)))
        )


def _said(mark: str, views: str | None) -> str:
    return f"views {views} of project {mark}"
