"""`bankmart compare`: what a build would change for readers: rows and columns against the build that they see now."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from psycopg2 import sql

from bankmart import db
from bankmart.governance import build as builds
from bankmart.governance.build import Build
from bankmart.governance.commands.hash import content_columns, hashes
from bankmart.text import table

SHOWN = 8
KEY = """
select array_agg(attname::text) from pg_constraint
join pg_attribute on attrelid = conrelid and attnum = any(conkey)
where conrelid = %s::regclass and contype = 'p' and attname <> 'build_id'
"""


@dataclass(frozen=True)
class Change:
    """One table: rows that are new, gone, and changed, and the changed rows by column."""

    table: str
    new: int
    gone: int
    changed: int = 0
    columns: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """A build beside the one that readers see; `against` is None where the date was never published."""

    build_id: int
    against: int | None
    changes: tuple[Change, ...] = ()

    @property
    def needs_approval(self) -> bool:
        """Whether readers of a published date would see something else."""
        return self.against is not None and bool(self.changes)

    def text(self) -> str:
        """For the log, the terminal and the question."""
        if self.against is None:
            return f"build {self.build_id}: its date is not published, there is nothing to compare it with"
        if not self.changes:
            return f"build {self.build_id} is the same as build {self.against}, which readers see"
        rows = [[each.table, each.new, each.gone, each.changed, _columns(each.columns)] for each in self.changes]
        head = ["table", "new", "gone", "changed", "changed rows by column"]
        return f"build {self.build_id} against build {self.against}, which readers see\n\n{table(head, rows)}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """BUILD."""
    parser.add_argument("build", type=int, help="the build; `bankmart builds` lists them")


def run(args: argparse.Namespace) -> int:
    """Print it."""
    print(compare(builds.get(args.build)).text())
    return 0


def compare(build: Build) -> Comparison:
    """Compare a daily build with the published one of its date, table by table.

    Only tables whose sums differ are looked at row by row: a build that changes nothing costs one reading of both.
    """
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select build_id from governance.publication where business_date = %s", (build.business_date,))
        (against,) = cursor.fetchone() or (None,)
        if against is None or against == build.build_id:
            return Comparison(build.build_id, against)
        now, before = hashes(build_id=build.build_id), hashes(build_id=against)
        differing = {name for name in now if now[name] != before.get(name)}
        return Comparison(build.build_id, against, tuple(_changes(cursor, differing, build.build_id, against)))


def _changes(cursor: Any, differing: set[str], new: int, old: int) -> Iterator[Change]:
    for name, columns in content_columns(cursor):
        label = ".".join(name)
        if label in differing:
            relation = sql.Identifier(*name)
            cursor.execute(KEY, (relation.as_string(cursor),))
            (key,) = db.one(cursor)
            yield (_by_key if key else _as_wholes)(cursor, label, relation, columns, key or [], new, old)


def _by_key(
    cursor: Any, label: str, relation: sql.Identifier, columns: list[str], key: list[str], new: int, old: int
) -> Change:
    rest = [column for column in columns if column not in key]
    differs = [sql.SQL("new.{0} is distinct from old.{0}").format(sql.Identifier(column)) for column in rest]
    counts = [
        sql.SQL("count(*) filter (where {0} and {1} and {2})").format(_there("new", key), _there("old", key), each)
        for each in [sql.SQL("(") + sql.SQL(" or ").join(differs or [sql.SQL("false")]) + sql.SQL(")"), *differs]
    ]
    cursor.execute(
        sql.SQL(
            "select count(*) filter (where not {old}), count(*) filter (where not {new}), {counts}"
            " from (select * from {relation} where build_id = %s) as new"
            " full join (select * from {relation} where build_id = %s) as old on ({on})"
        ).format(
            old=_there("old", key), new=_there("new", key), counts=sql.SQL(", ").join(counts), relation=relation,
            on=sql.SQL(" and ").join(sql.SQL("new.{0} = old.{0}").format(sql.Identifier(name)) for name in key),
        ),
        (new, old),
    )  # fmt: skip
    added, gone, changed, *by_column = db.one(cursor)
    return Change(label, added, gone, changed, {name: n for name, n in zip(rest, by_column, strict=True) if n})


def _there(side: str, key: list[str]) -> sql.Composed:
    # A key's columns are never null.
    return sql.SQL("({} is not null)").format(sql.Identifier(side, key[0]))


def _as_wholes(
    cursor: Any, label: str, relation: sql.Identifier, columns: list[str], key: list[str], new: int, old: int
) -> Change:
    """A table without a key: a changed row is a new one and one that is gone."""
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    counted = []
    for one, other in ((new, old), (old, new)):
        cursor.execute(
            sql.SQL(
                "select count(*) from (select {columns} from {relation} where build_id = %s"
                " except all select {columns} from {relation} where build_id = %s) as only_there"
            ).format(columns=listed, relation=relation),
            (one, other),
        )
        counted.append(int(db.one(cursor)[0]))
    return Change(label, counted[0], counted[1])


def _columns(found: dict[str, int]) -> str:
    most = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    more = f" and {len(most) - SHOWN} more" if len(most) > SHOWN else ""
    return ", ".join(f"{name} {count}" for name, count in most[:SHOWN]) + more
