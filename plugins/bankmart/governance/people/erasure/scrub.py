"""Old versions of an erased person's rows, which the server keeps in its files until it needs the place: written over.

Every table in which somebody can have stood is written anew, with its indexes, then the server's statistics, then its
log (WAL) is gone through. No number of anybody is needed for it, so none is kept. governance.erasure_scrub has the file
of each table as it was when nobody could see the old versions any more: a table with another file is done. Killed
anywhere, `run` again goes on.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql

from bankmart import db, dbt, settings
from bankmart.governance import audit
from bankmart.governance.people.erasure.requests import ErasureError
from bankmart.governance.people.places import Table, tables

if TYPE_CHECKING:
    from bankmart.governance.policy import Node

# Who waits for a table lets others wait behind: not for long, and again later.
LOCK_PATIENCE, ROUNDS, PAUSE = "2s", 10, 30.0
# How long to wait for transactions that still see the old versions: a reader's ends after ten minutes.
PATIENCE, LOOK = 900.0, 2.0
# Whatever table of these schemas. Of the others those that hold something of persons.
WHOLE = ("governance", "vault")
SYSTEM = "pg_catalog"
# Nobody but the vault reads its own, so nobody else knows which of their columns are counted.
COUNTED_WHOLE = (("vault", "data_key"), ("vault", "sealed"), ("audit", "said"))
MARK = "select pg_logical_emit_message(false, 'bankmart', 'scrub')"
NO_LOG = (
    "the server's log (WAL) is not this platform's: its administrator runs `checkpoint; select pg_switch_wal(); "
    "checkpoint`; archived log, standbys and backups are the bank's own, and keep the old versions for as long as the "
    "bank keeps them"
)
DUE = """
select erasure_id, scrub_listed_at is not null from governance.erasure
where state = 'done' and scrubbed_at is null order by 1
"""
# Transactions that the server keeps old versions for: any that began before another one, and can still read.
OLDER = """
select format('%%s (process %%s)', coalesce(nullif(application_name, ''), usename, backend_type), pid)
from pg_stat_activity
where
    pid <> pg_backend_pid() and (datname = current_database() or backend_type = 'walsender')
    and greatest(age(backend_xid), age(backend_xmin)) > age(%(one)s::xid)
union all
select format('replication slot %%s', slot_name) from pg_replication_slots where age(xmin) > age(%(one)s::xid)
"""
LIST = """
insert into governance.erasure_scrub (schema_name, table_name, filenode, size)
select space.nspname, relation.relname, pg_relation_filenode(relation.oid), pg_total_relation_size(relation.oid)
from pg_class as relation
inner join pg_namespace as space on space.oid = relation.relnamespace
where
    relation.relkind in ('r', 'm') and pg_relation_filenode(relation.oid) is not null
    and (
        space.nspname = any(%(whole)s)
        or relation.oid in ('pg_catalog.pg_statistic'::regclass, 'audit.said'::regclass)
        or (space.nspname::text, relation.relname::text) in (
            select * from unnest(%(schemas)s::text[], %(names)s::text[])
        )
    )
"""
# The small ones first: most are done soon.
LEFT = """
select listed.schema_name, listed.table_name
from governance.erasure_scrub as listed
inner join pg_namespace as space on space.nspname = listed.schema_name
inner join pg_class as relation on relation.relnamespace = space.oid and relation.relname = listed.table_name
where pg_relation_filenode(relation.oid) = listed.filenode
order by listed.size, 1, 2
"""
# Columns of which the server keeps common values and bounds: numbers of customers, too.
COUNTED = """
select schemaname, tablename, array_agg(distinct attname::text) from pg_stats
where schemaname = any(%s::name[]) group by 1, 2
"""


@dataclass
class Report:
    """What was written anew, after which erasures; `log`: how far the server's log is gone through, if it may be."""

    erasures: list[int] = field(default_factory=list)
    tables: int = 0
    size: int = 0
    log: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """For the log and the terminal."""
        if not self.erasures:
            return "nothing to scrub: no erasure has left old versions of rows"
        log = f"the log before {self.log['before']} is gone" if self.log else NO_LOG
        return (
            f"scrubbed after request {', '.join(map(str, self.erasures))}: {self.tables} tables that had"
            f" {self.size / 1e6:,.0f} MB are written anew; {log}"
        )


def run(by: str, manifest: Node | None = None) -> Report:
    """Scrub after every erasure that has its certificate, all together.

    Raises ErasureError, saying what to do, where a table is in use, may not be written anew, or is seen as it was.
    """
    # In its transaction nothing may be read: it would hold on to what is to be written anew.
    with db.connect("eraser") as guard, guard.cursor() as lock:
        lock.execute("select pg_try_advisory_lock(hashtext('bankmart erase'))")
        if not db.one(lock)[0]:
            raise ErasureError("an erasure or a scrub is running already: wait for its end (`bankmart erase list`)")
        with db.connect("eraser") as link, link.cursor() as cursor:
            cursor.execute(DUE)
            due = dict(cursor.fetchall())
            found = tables(cursor, manifest or dbt.manifest()) if due else []
        if not due:
            return Report()
        with closing(psycopg2.connect(settings.dsn("eraser"), application_name="bankmart eraser")) as link:
            link.autocommit = True
            with link.cursor() as cursor:
                cursor.execute("select set_config('lock_timeout', %s, false)", (LOCK_PATIENCE,))
                if not all(due.values()):
                    _wait(cursor)
                    _list(list(due), found)
                _write_anew(cursor, is_system=False)
                _each(cursor, _counting(cursor, found))
                _write_anew(cursor, is_system=True)
                log = _go_through_log(cursor)
        return _end(by, list(due), log)


def waiting() -> list[str]:
    """What is due, in a sentence."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(DUE)
        numbers = ", ".join(str(number) for number, _ in cursor.fetchall())
    if not numbers:
        return []
    return [f"of erasure {numbers} old versions of rows are still in the server's files and log: governance_daily (task"
            " scrub) writes these anew, or `bankmart erase scrub` now"]  # fmt: skip


def _wait(cursor: Any) -> None:
    """Until nobody sees what was before: a table that is written anew keeps what somebody sees."""
    cursor.execute("select pg_current_xact_id()::xid::text")
    (one,) = db.one(cursor)
    until = time.monotonic() + PATIENCE
    while True:
        cursor.execute(OLDER, {"one": one})
        if not (older := [who for (who,) in cursor.fetchall()]):
            return
        if time.monotonic() >= until:
            raise ErasureError(
                f"a transaction that began before still sees the old versions of rows: {', '.join(older)}. Nothing was"
                " written anew. End it, or wait for its end; then `bankmart erase scrub` again."
            )
        time.sleep(LOOK)


def _list(numbers: Sequence[int], found: Sequence[Table]) -> None:
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute("delete from governance.erasure_scrub")
        names = {"schemas": [table.schema for table in found], "names": [table.name for table in found]}
        cursor.execute(LIST, {"whole": list(WHOLE), **names})
        cursor.execute(
            "update governance.erasure set scrub_listed_at = clock_timestamp() where erasure_id = any(%s)",
            (list(numbers),),
        )


def _left(cursor: Any, is_system: bool) -> dict[str, sql.Composable]:
    cursor.execute(LEFT)
    return {
        f"{schema}.{name}": sql.SQL("vacuum (full) {}").format(sql.Identifier(schema, name))
        for schema, name in cursor.fetchall()
        if (schema == SYSTEM) is is_system
    }


def _write_anew(cursor: Any, is_system: bool) -> None:
    _each(cursor, _left(cursor, is_system))
    # Without the right to it the server only warns.
    if refused := sorted(_left(cursor, is_system)):
        raise ErasureError(
            f"role eraser may not write {len(refused)} tables anew: {', '.join(refused)}. The others are done. The"
            f" server's administrator either makes role platform the owner of database {settings.WAREHOUSE}, or runs"
            " `vacuum (full)` on each of them; then `bankmart erase scrub` again."
        )


def _each(cursor: Any, work: Mapping[str, sql.Composable]) -> None:
    """Run a statement for each table; of those in use, again later."""
    left = dict(work)
    for turn in range(ROUNDS):
        time.sleep(PAUSE if turn else 0)
        for name, statement in list(left.items()):
            try:
                cursor.execute(statement)
            except psycopg2.errors.LockNotAvailable:
                continue
            except psycopg2.errors.UndefinedTable:
                pass  # dropped since, and its file with it
            del left[name]
        if not left:
            return
    raise ErasureError(
        f"{len(left)} tables are in use and are not written anew yet: {', '.join(sorted(left))}. The others are done."
        " Run `bankmart erase scrub` again when nothing is built or read: it goes on with these."
    )


def _counting(cursor: Any, found: Sequence[Table]) -> dict[str, sql.Composable]:
    """The statements by which the server forgets values that it knows columns by."""
    persons: dict[tuple[str, str], set[str]] = defaultdict(set)
    for table in found:
        for name in (table.name, table.model):
            persons[table.schema, name] |= {place.name for place in table.columns if place.kind or place.fate != "stay"}
    cursor.execute(COUNTED, (sorted({*WHOLE, *(table.schema for table in found)}),))
    work: dict[str, sql.Composable] = {}
    for schema, name, counted in cursor.fetchall():
        if columns := [each for each in counted if schema in WHOLE or each in persons[schema, name]]:
            work[f"{schema}.{name}"] = sql.SQL("analyze {} ({})").format(
                sql.Identifier(schema, name), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
    for place in COUNTED_WHOLE:
        work[".".join(place)] = sql.SQL("analyze {}").format(sql.Identifier(*place))
    return work


def _go_through_log(cursor: Any) -> dict[str, Any]:
    """Leave the log's segments behind, then write over those that the server keeps for later with what they had.

    To leave one the server fills it up. What is behind the last checkpoint is removed, or kept under a name to come.
    """
    try:
        cursor.execute(MARK)
        cursor.execute("select pg_switch_wal()")
        cursor.execute("checkpoint")
        cursor.execute("select max(name) from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$'")
        last, count, full = str(db.one(cursor)[0]), 0, ""
        while full < last:
            cursor.execute(MARK)
            cursor.execute("select pg_walfile_name(pg_switch_wal())")
            (full,) = db.one(cursor)
            count += 1
        cursor.execute("select pg_current_wal_insert_lsn()::text")
    except psycopg2.errors.InsufficientPrivilege:
        return {}
    return {"before": db.one(cursor)[0], "segments": count}


def _end(by: str, numbers: Sequence[int], log: Mapping[str, Any]) -> Report:
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute(
            "update governance.erasure set scrubbed_at = clock_timestamp()"
            " where erasure_id = any(%s) and scrubbed_at is null returning erasure_id",
            (list(numbers),),
        )
        ended = sorted(number for (number,) in cursor.fetchall())
        cursor.execute("select count(*), coalesce(sum(size), 0)::bigint from governance.erasure_scrub")
        count, size = db.one(cursor)
        report = Report(ended, count, size, dict(log))
        cursor.execute(
            "delete from governance.erasure_scrub where not exists"
            " (select from governance.erasure where state = 'done' and scrubbed_at is null)"
        )
        facts = {"tables": report.tables, "bytes": report.size, "log": report.log or NO_LOG}
        for number in ended:
            audit.append(link, "erasure_scrub", by, f"erasure {number}", facts)
    return report
