"""What is left of a person: every table of every database, and every file of the state folder, is read for it."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
from psycopg2 import sql

from bankmart import db, settings
from bankmart.governance.people.erasure.landing_files import alternatives, machine

BLOCK = 4 << 20
# Rows come one by one: so many are looked at together, and a large piece by itself.
PIECES, LARGE = 512, 64 << 10
# What the erasure itself needs until it is done, and what is destroyed with it.
NOT_TABLES = [("governance", "erasure"), ("governance", "erasure_work")]
NOT_SCHEMAS = ["vault", "pg_catalog", "information_schema"]
# The server's own files are read as tables. The environment and the simulator's answers are no data of a bank.
NOT_FOLDERS = ("postgres", "venv", "truth", "bin", "certificates")
# Columns in which a number or a text can stand: no dates, flags, fractions or amounts. Reading them took two thirds of
# the server's time, and an amount that happens to be somebody's number is no trace of anybody.
TABLES = """
select nspname, relname, array_agg(attname order by attnum)
from pg_class
join pg_namespace on relnamespace = pg_namespace.oid
join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
where
    relkind in ('r', 'm') and nspname !~ '^pg_toast' and not nspname = any(%s)
    and not atttypid = any('{boolean,date,time,timestamp,timestamptz,interval,real,double precision,uuid}'::regtype[])
    and not (atttypid = 'numeric'::regtype and atttypmod <> -1 and (atttypmod - 4) & 2047 > 0)
group by 1, 2 order by 1, 2
"""
DATABASES = (settings.WAREHOUSE, settings.AIRFLOW, settings.MLFLOW)


@dataclass(frozen=True)
class Found:
    """Where something is left: a table, or a file (`path`), never what."""

    place: str
    path: Path | None = None


class Search:
    """Looks for numbers and values as wholes: `C1`, but not in `C10`."""

    def __init__(self, known: Sequence[str]) -> None:
        """`known`: at least one."""
        texts = sorted((each.encode() for each in known), key=len, reverse=True)
        words = b"|".join(map(re.escape, texts))
        # The end of a line that stands as \n in a text of JSON is no letter n.
        self.pattern = re.compile(rb"(?:(?<![\w-])|(?<=\\[nrt]))(?:" + words + rb")(?![\w-])")
        # The same, with what stands before and behind it: a piece of a stream begins and ends anywhere.
        self.between = machine(rf"(?:[^\w-]|\\[nrt])(?:{alternatives(texts)})[^\w-]")
        self.overlap = len(texts[0]) + 3

    def hits(self, data: bytes) -> bool:
        """Whether it is in there."""
        return self.between(b"\n" + data + b"\n", ())[0]


def databases(search: Search) -> Iterator[Found]:
    """Tables of the warehouse, of Airflow and of MLflow: each row is read, as a dump would."""
    for database in DATABASES:
        with db.connect("eraser", database) as link, link.cursor() as cursor:
            cursor.execute(TABLES, (NOT_SCHEMAS,))
            for *name, columns in cursor.fetchall():
                if tuple(name) not in NOT_TABLES and _is_in_table(cursor, name, columns, search):
                    yield Found(f"database {database}, table {name[0]}.{name[1]}")


def files(search: Search) -> Iterator[Found]:
    """Files of the state folder and the landing folder."""
    roots = dict.fromkeys([settings.state_dir(), settings.landing_dir()])
    for root in roots:
        for folder, names, found in os.walk(root):
            if Path(folder) == settings.state_dir():
                names[:] = [name for name in names if name not in NOT_FOLDERS]
            if Path(folder) != root and Path(folder) in roots:
                names[:], found = [], []
            for name in sorted(found):
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink() and _is_in_file(path, search):
                    yield Found(f"file {path.relative_to(root)}", path)


def redact(path: Path, search: Search) -> bool:
    """Overwrite what is found in a text file, byte for byte, so that who writes to it can go on; False if it is none.

    What was a number becomes as many x.
    """
    with path.open("r+b") as file:
        data = file.read()
        if b"\0" in data[:8192] or path.suffix == ".parquet":
            return False
        for match in search.pattern.finditer(data):
            file.seek(match.start())
            file.write(b"x" * (match.end() - match.start()))
    return True


def _is_in_table(cursor: Any, name: Sequence[str], columns: Sequence[str], search: Search) -> bool:
    sink = _Sink(search)
    read = sql.SQL("copy (select {} from {}) to stdout (format csv)").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*name)
    )
    cursor.copy_expert(read, cast(Any, sink), BLOCK)
    return sink.found()


def _is_in_file(path: Path, search: Search) -> bool:
    if path.suffix == ".parquet":
        return _is_in_parquet(path, search)
    sink = _Sink(search)
    with path.open("rb") as file:
        while not sink.has_hit and (block := file.read(BLOCK)):
            sink.write(block)
    return sink.found()


def _is_in_parquet(path: Path, search: Search) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=65_536):
                text = io.StringIO()
                for column in batch.columns:
                    text.write("\n".join(str(value) for value in column.unique().to_pylist()))
                    text.write("\n")
                if search.hits(text.getvalue().encode()):
                    return True
    except (OSError, ValueError):
        return search.hits(path.read_bytes())
    return False


class _Sink:
    """Takes a stream in pieces."""

    def __init__(self, search: Search) -> None:
        self.search, self.has_hit = search, False
        self._waiting: list[bytes] = [b"\n"]

    def write(self, data: bytes) -> int:
        """Keep a piece until there is enough to search."""
        self._waiting.append(data)
        if len(self._waiting) > PIECES or len(data) > LARGE:
            self._look()
        return len(data)

    def found(self) -> bool:
        """Whether it was in there."""
        self._waiting.append(b"\n")
        self._look()
        return self.has_hit

    def _look(self) -> None:
        whole = b"".join(self._waiting)
        self.has_hit = self.has_hit or self.search.between(whole, ())[0]
        # What is cut by the end of a piece is whole in the next.
        self._waiting = [whole[-self.search.overlap :]]
