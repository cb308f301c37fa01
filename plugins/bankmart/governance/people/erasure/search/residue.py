"""What is left of a person: every table of every database, and every file of the platform's folders, is read for it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import psycopg2
import pyarrow.parquet as pq
from psycopg2 import sql

from bankmart import db, settings
from bankmart.governance.people.erasure.search import folders, heap_files, packed
from bankmart.governance.people.erasure.search.finder import Finder, Stream, Wholes
from bankmart.governance.people.erasure.search.folders import Folder, Walk
from bankmart.governance.people.erasure.search.heap_files import Row

BLOCK = 4 << 20
# How many tables and files are read at once: while the server gives out one, another is searched.
WORKERS = 2
# Of smaller tables the files are not worth a look.
SMALL = 1 << 20
# What the erasure itself needs until it is done, and what is destroyed with it.
NOT_TABLES = [("governance", "erasure"), ("governance", "erasure_work")]
NOT_SCHEMAS = ["vault", "pg_catalog", "information_schema"]
# Columns in which a number or a text can stand: no dates, flags, fractions or amounts. Reading them took two thirds of
# the server's time, and an amount that happens to be somebody's number is no trace of anybody.
TABLES = """
select nspname, relname, array_agg(attname order by attnum),
    coalesce(array_agg(attname order by attnum) filter (where atttypid <> all('{integer,bigint}'::regtype[])), '{}'),
    pg_relation_size(pg_class.oid),
    pg_relation_filepath(pg_class.oid),
    bool_and(atttypid = any('{text,varchar,bpchar,name,integer,bigint}'::regtype[]))
        and coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0) = 0
from pg_class
join pg_namespace on relnamespace = pg_namespace.oid
join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
where
    relkind in ('r', 'm') and nspname !~ '^pg_toast' and not nspname = any(%s)
    and not atttypid = any('{boolean,date,time,timestamp,timestamptz,interval,real,double precision,uuid}'::regtype[])
    and not (atttypid = 'numeric'::regtype and atttypmod <> -1 and (atttypmod - 4) & 2047 > 0)
group by pg_class.oid, 1, 2 order by 4 desc
"""
DATABASES = (settings.WAREHOUSE, settings.AIRFLOW, settings.MLFLOW)


@dataclass(frozen=True)
class Found:
    """Where something is left: a table, or a file (`path`), never what."""

    place: str
    path: Path | None = None


@dataclass(frozen=True)
class Table:
    """A table, the columns to be searched, and those of them that are no numbers.

    `is_plain`: its files have them as they are, or it shows that they haven't.
    """

    schema: str
    name: str
    columns: list[str]
    texts: list[str]
    size: int
    path: str
    is_plain: bool


class Search:
    """What is looked for: numbers and values, as wholes, and in a table's files as the server writes them."""

    def __init__(self, known: Sequence[str]) -> None:
        """`known`: at least one."""
        self.wholes = Wholes(known)
        numbers = [int(text) for text in known if text.isascii() and text.isdigit() and text == str(int(text))]
        # The lower half of a bigint, or an integer. A larger number is in no column of these types.
        words = [number.to_bytes(8, "little")[:4] for number in numbers if number < 1 << 63]
        self.stored = Finder([text.encode() for text in known], words)


def databases(search: Search, walk: Walk | None = None) -> Iterator[Found]:
    """Tables of the warehouse, of Airflow and of MLflow: each row is searched, as a dump would have it."""
    walk = walk or Walk()
    for database in DATABASES:
        with db.connect("eraser", database) as link, link.cursor() as cursor:
            cursor.execute(TABLES, (NOT_SCHEMAS,))
            found = [Table(*row) for row in cursor.fetchall()]
        if heap_files.are_here() and any(table.size >= SMALL for table in found):
            _write_out(database)
        those = [table for table in found if (table.schema, table.name) not in NOT_TABLES]
        walk.tables[database], left = len(those), iter(those)
        for names in _at_once(partial(_in_tables, database, left, search)):
            yield from (Found(f"database {database}, table {name}") for name in sorted(names))


def files(search: Search, walk: Walk | None = None) -> Iterator[Found]:
    """Files of every folder that the settings name; of what can't be read `walk` says so."""
    walk = walk or Walk()
    left = iter(sorted(folders.files(walk), key=lambda each: -_size(each[1])))
    for found in _at_once(partial(_in_files, left, search, walk)):
        yield from sorted(found, key=lambda each: each.place)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _at_once(work: Callable[[], list[Any]]) -> Iterator[list[Any]]:
    """What each of the workers finds, who take from one list together."""
    with ThreadPoolExecutor(WORKERS) as pool:
        for each in [pool.submit(work) for _ in range(WORKERS)]:
            yield each.result()


def _write_out(database: str) -> None:
    """What the server has changed and not yet written to its files."""
    with closing(psycopg2.connect(settings.dsn("eraser", database))) as link, link.cursor() as cursor:
        link.autocommit = True
        cursor.execute("checkpoint")


def _in_tables(database: str, left: Iterator[Table], search: Search) -> list[str]:
    with db.connect("eraser", database) as link, link.cursor() as cursor:
        return [f"{table.schema}.{table.name}" for table in left if _is_in_table(cursor, table, search)]


def _in_files(left: Iterator[tuple[Folder, Path]], search: Search, walk: Walk) -> list[Found]:
    found = []
    for folder, path in left:
        inside = path.relative_to(folder.path)
        place = str(inside) if folder.name in ("state", "landing") else f"{folder.name}/{inside}"
        try:
            if _is_in_file(path, search):
                found.append(Found(f"file {place}", path))
        except FileNotFoundError:
            continue  # put aside or thrown away since it was listed
        except OSError as error:
            walk.unread.append(f"file {place} ({path}): {error.strerror or error}")
    return found


def redact(path: Path, search: Search) -> bool:
    """Overwrite what is found in a text file, byte for byte, so that who writes to it can go on; False if it is none.

    What was a number becomes as many x.
    """
    if path.suffix == ".parquet" or packed.is_packed(path):
        return False
    with path.open("r+b") as file:
        data = file.read()
        if b"\0" in data[:8192]:
            return False
        for start, end in search.wholes.matches(data):
            file.seek(start)
            file.write(b"x" * (end - start))
    return True


def _is_in_table(cursor: Any, table: Table, search: Search) -> bool:
    if table.is_plain and table.size >= SMALL and (paths := heap_files.files(table.path)):
        # Among these rows are some that nobody sees any more: the server knows.
        rows = heap_files.rows(paths, search.stored)
        asked = [(table.columns, rows.sought), (table.texts, rows.packed)]
    else:
        asked = [(table.columns, None)]
    return any(_is_in_rows(cursor, table, columns, places, search) for columns, places in asked)


def _is_in_rows(cursor: Any, table: Table, columns: list[str], rows: list[Row] | None, search: Search) -> bool:
    """Whether it is in these columns of some rows; None: of all."""
    if not columns or rows == []:
        return False
    condition: sql.Composable = sql.SQL("")
    if rows:
        places = [f"({page},{line})" for page, line in rows]
        condition = sql.SQL(" where ctid = any({}::tid[])").format(sql.Literal(places))
    stream = Stream(search.wholes)
    read = sql.SQL("copy (select {} from {}{}) to stdout (format csv)").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table.schema, table.name), condition
    )
    cursor.copy_expert(read, cast(Any, stream), BLOCK)
    return stream.found()


def _is_in_file(path: Path, search: Search) -> bool:
    if path.suffix == ".parquet":
        return _is_in_parquet(path, search)
    if packed.is_packed(path):
        try:
            if any(_is_in_stream(opened, search) for opened in packed.contents(path)):
                return True
        except (OSError, *packed.UNREADABLE):
            pass  # no whole one, or locked: then as it is
    with path.open("rb") as file:
        return _is_in_stream(file, search)


def _is_in_stream(file: IO[bytes], search: Search) -> bool:
    stream = Stream(search.wholes)
    while not stream.has_hit and (block := file.read(BLOCK)):
        stream.write(block)
    return stream.found()


def _is_in_parquet(path: Path, search: Search) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=65_536):
                text = io.StringIO()
                for column in batch.columns:
                    text.write("\n".join(str(value) for value in column.unique().to_pylist()))
                    text.write("\n")
                if search.wholes.are_in(text.getvalue().encode()):
                    return True
    except (OSError, ValueError):
        # No whole Parquet file. One that can't be read at all says so here.
        return search.wholes.are_in(path.read_bytes())
    return False
