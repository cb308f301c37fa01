"""`bankmart tag-diff KEY`: how many customers a changed tag moves on the last published date, before it is seen."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import psycopg2
from psycopg2 import sql

from bankmart import db, dbt
from bankmart.governance.tags import registry, trial
from bankmart.governance.tags.registry import Tag
from bankmart.governance.tags.trial import TrialError
from bankmart.text import table

NONE = "(none)"
Moves = list[tuple[str, str, int]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """KEY."""
    parser.add_argument("key", help="the tag's key (its newest version is compared), or a column such as aum_tier_v2")


def run(args: argparse.Namespace) -> int:
    """Print the cross table: published values down, values of the working tree across."""
    tag = newest(args.key, registry.tags(dbt.manifest()))
    build = trial.newest_build()
    published, moved = moves(tag, trial.compile_model(tag.model, build), build.build_id)
    print(f"{tag.column} (version {tag.version}) of the working tree against {published}, {build.business_date}\n")
    print(cross_table(moved, tag.known_values))
    whole, left = sum(number for *_, number in moved), sum(number for old, new, number in moved if old != new)
    print(f"\n{left} of {whole} customers move ({left / whole:.1%})" if whole else "\nno customer")
    return 0


def newest(key: str, tags: Sequence[Tag]) -> Tag:
    """The newest version of a key, or the version in a column. Raises TrialError for an unknown one."""
    found = [tag for tag in tags if key in (tag.key, tag.column)]
    if not found:
        near = ", ".join(sorted({tag.key for tag in tags if key[:4] in tag.key})) or "`bankmart tags` lists them"
        raise TrialError(f"there is no tag {key}: {near}")
    return next((tag for tag in found if tag.column == key and tag.column != tag.key), found[-1])


def moves(tag: Tag, compiled: str, build_id: int) -> tuple[str, Moves]:
    """What it was compared with, and (published value, new value, customers).

    A new version is compared with the one before where it isn't published itself; a wholly new tag with nothing.
    Raises TrialError with the database's words where the select fails.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("set transaction read only")
        before = _published_column(cursor, tag)
        schema, _, name = tag.relation.partition(".")
        there: sql.Composable = sql.SQL("select customer_id, {}::text as value from {} where build_id = {}").format(
            sql.Identifier(before) if before else sql.SQL("null"), sql.Identifier(schema, name), sql.Literal(build_id)
        )
        if before is None and not _exists(cursor, tag.relation):
            there = sql.SQL("select null::text as customer_id, null::text as value where false")
        try:
            cursor.execute(
                sql.SQL(
                    "select coalesce(published.value, {none}), coalesce(tried.value, {none}), count(*)"
                    " from ({there}) as published full join"
                    " (select customer_id, {column}::text as value from ({compiled}) as model) as tried"
                    " on published.customer_id = tried.customer_id group by 1, 2 order by 1, 2"
                ).format(
                    none=sql.Literal(NONE), there=there, column=sql.Identifier(tag.column), compiled=sql.SQL(compiled)
                )
            )
        except psycopg2.Error as error:
            raise TrialError(f"{tag.sql_file} can't be computed: {str(error).strip()}") from error
        found: Moves = cursor.fetchall()
    return f"the published {before}" if before else "nothing (it is new)", found


def cross_table(moved: Moves, order: Sequence[str]) -> str:
    """Published values down, new ones across, in the tag's order; what stays stands on the diagonal."""
    counts = {(old, new): number for old, new, number in moved}
    rank = {value: place for place, value in enumerate(order)}
    olds, news = (
        sorted(found, key=lambda value: (rank.get(value, len(rank)), value))
        for found in ({old for old, _ in counts}, {new for _, new in counts})
    )
    rows = [[old, *(counts.get((old, new), 0) or "" for new in news)] for old in olds]
    return table(["published \\ new", *news], rows)


def _published_column(cursor: psycopg2.extensions.cursor, tag: Tag) -> str | None:
    wanted = [tag.column, f"{tag.key}_v{tag.version - 1}", tag.key]
    schema, _, name = tag.relation.partition(".")
    cursor.execute(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s", (schema, name)
    )
    there = {column for (column,) in cursor.fetchall()}
    return next((column for column in wanted if column in there), None)


def _exists(cursor: psycopg2.extensions.cursor, relation: str) -> bool:
    cursor.execute("select to_regclass(%s)", (relation,))
    row = cursor.fetchone()
    return bool(row and row[0])
