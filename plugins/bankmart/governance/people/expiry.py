"""Retention carried out: rows and landing files whose class's time is up go, unless a legal hold keeps them."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from bankmart import db, dbt, faults, settings
from bankmart.governance import audit
from bankmart.governance.people import hold, person
from bankmart.governance.people.erasure import fence
from bankmart.governance.people.hold import Hold
from bankmart.governance.people.places import Table, tables
from bankmart.governance.people.rules import Rule, of_extract, rules
from bankmart.sources import contract

if TYPE_CHECKING:
    from bankmart.governance.policy import Node

log = logging.getLogger("bankmart")

QUARANTINE = "governance.quarantine"
SHOWN = 5


@dataclass
class Expired:
    """What is past its time: rows per table, folders of landing files, and what holds keep.

    `stuck`: folders that can't be removed, and why.
    """

    day: date
    rows: dict[str, int] = field(default_factory=dict)
    before: dict[str, date] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    stuck: dict[str, str] = field(default_factory=dict)

    def text(self, done: bool = True) -> str:
        """For the log and the terminal."""
        verb = "removed" if done else "would be removed"
        lines = [f"{name}: {count} rows from before {self.before[name]} {verb}" for name, count in self.rows.items()]
        if self.folders:
            lines.append(f"landing files: {len(self.folders)} folders {verb}")
        lines = lines or ([] if self.stuck else [f"nothing is past its time on {self.day}"])
        return "\n".join([*lines, *([self.left()] if self.stuck else []), *self.kept])

    def left(self) -> str:
        """What couldn't be removed, what it means and what to do."""
        names = [f"{name} ({why})" for name, why in sorted(self.stuck.items())]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return (
            f"landing files: {len(names)} folders are past their time and can't be removed: {', '.join(names[:SHOWN])}"
            f"{more}. They are not counted. Run `bankmart retention` where the landing folder can be written:"
            " docs/how-to/hold-and-retention.md"
        )


def run(day: date, *, dry: bool = False, manifest: Node | None = None) -> Expired:
    """Remove what is past its time on a business date, all or nothing in the database, then the files; again: no more.

    The date is believed only as far as the newest published date and the clock go: a date that is wrong by a century
    must not empty the bank.
    """
    found = manifest or dbt.manifest()
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('bankmart retention'))")
        fence.copying(cursor)
        cursor.execute("select max(business_date) from governance.publication")
        (published,) = db.one(cursor)
        expired = Expired(min(day, published or day, date.today()))
        if published is None:
            return expired
        holds = hold.active(cursor)
        held = _held_numbers(cursor, holds)
        places = {(table.schema, table.name): table for table in tables(cursor, found)}
        cursor.execute("select nspname || '.' || relname from pg_class join pg_namespace on relnamespace ="
                       " pg_namespace.oid where relkind = 'r'")  # fmt: skip
        there = {name for (name,) in cursor.fetchall()}
        for rule in (each for each in rules(found) if each.name in there):
            if stop := _on_table(rule, holds):
                expired.kept.append(f"{rule.name}: nothing is removed: {stop}")
                continue
            _rows(cursor, rule, expired, places.get((rule.schema, rule.table)), held, dry)
        whose = next((each for each in holds if each.kind == "customer"), None)
        _files(cursor, expired, holds, whose, dry)
        if whose:
            expired.kept.append(f"landing files and quarantine may hold what is kept by {whose}: none is removed")
        new = 0 if dry else _list(cursor, expired.folders)
        if not dry and (expired.rows or new):
            facts = {"rows": expired.rows, "before": expired.before}
            audit.attempt("eraser", "retention", "retention", str(expired.day), facts | {"landing_folders": new})
            if expired.rows:
                audit.append(link, "retention", "retention", str(expired.day), facts | {"holds": len(holds)})
            faults.point("expire.deleted")
    if not dry:
        _remove(expired)
    return expired


def _list(cursor: Any, folders: list[Path]) -> int:
    """Note which folders are to be gone, so that each is counted once, whatever happens; how many are new."""
    names = [str(each.relative_to(settings.landing_dir())) for each in folders]
    cursor.execute("insert into governance.expired_folder select unnest(%s::text[]) on conflict do nothing", (names,))
    return int(cursor.rowcount)


def _remove(expired: Expired) -> None:
    """Remove the folders; those that are gone, now or in a run that was killed, are counted in the audit, and left."""
    root = settings.landing_dir()
    for folder in expired.folders:
        faults.point("expire.folder")
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if folder.exists():
                expired.stuck[str(folder.relative_to(root))] = error.strerror or str(error)
    with db.connect("eraser") as link, link.cursor() as cursor:
        cursor.execute("select folder from governance.expired_folder order by 1 for update")
        # Where the folder above isn't there, either, the place is away and tells nothing.
        gone = [name for (name,) in cursor if (root / name).parent.is_dir() and not (root / name).exists()]
        if gone:
            cursor.execute("delete from governance.expired_folder where folder = any(%s)", (gone,))
            audit.append(link, "retention", "retention", str(expired.day), {"landing_folders": len(gone)})
    expired.folders = [root / name for name in gone]
    if expired.stuck:
        log.warning("%s", expired.left())


def _rows(cursor: Any, rule: Rule, expired: Expired, table: Table | None, held: Any, dry: bool) -> None:
    condition = rule.expired(expired.day)
    if table and table.owners and held:
        # A row whose owner is nobody known is nobody's that is held.
        whose = person.belongs(table, held)
        condition = sql.SQL("{} and ({}) is not true").format(condition, whose)
    relation = sql.Identifier(rule.schema, rule.table)
    cursor.execute(
        sql.SQL("select count(*) from {} as base where {}").format(relation, condition)
        if dry
        else _removal(rule, relation, condition)
    )
    count = int(db.one(cursor)[0])
    if count:
        expired.rows[rule.name], expired.before[rule.name] = count, rule.cutoff(expired.day)
        if not dry:
            cursor.execute(
                "insert into governance.retention values (%s, %s, %s, %s) on conflict (schema_name, table_name)"
                " do update set removed_before = greatest(retention.removed_before, excluded.removed_before),"
                " removed_count = retention.removed_count + excluded.removed_count, removed_at = clock_timestamp()",
                (rule.schema, rule.table, rule.cutoff(expired.day), count),
            )


def _removal(rule: Rule, relation: sql.Identifier, condition: sql.Composable) -> sql.Composed:
    if rule.extract is None:
        removal = "with gone as (delete from {} as base where {} returning 1) select count(*) from gone"
        return sql.SQL(removal).format(relation, condition)
    # What the vault keeps of a delivered row goes with it.
    system, _, name = rule.extract.partition(".")
    key = sql.SQL(", ").join(
        sql.SQL("base.{}::text").format(sql.Identifier(each)) for each in contract.load()[system][name].key
    )
    return sql.SQL(
        "with gone as (delete from {} as base where {}"
        " returning base.business_date, concat_ws(chr(31), {}) as row_key),"
        " unsealed as (delete from vault.sealed using gone where sealed.source = {}"
        " and sealed.business_date = gone.business_date and sealed.row_key = gone.row_key)"
        " select count(*) from gone"
    ).format(relation, condition, key, sql.Literal(rule.extract))


def _files(cursor: Any, expired: Expired, holds: list[Hold], whose: Hold | None, dry: bool) -> None:
    """Landing folders, and what lies in quarantine: of everybody, so that one held customer keeps them all."""
    for table in (table for tables_ in contract.load().values() for table in tables_.values()):
        rule = of_extract(table)
        if whose or _on_table(rule, holds):
            continue
        before = rule.cutoff(expired.day)
        place = settings.landing_dir() / table.system / table.name
        expired.folders += [each for each in sorted(place.glob("????-??-??")) if each.name < before.isoformat()]
        verb = "select count(*)" if dry else "delete"
        cursor.execute(
            f"{verb} from governance.quarantine"  # noqa: S608
            " where system = %s and table_name = %s and business_date < %s",
            (table.system, table.name, before),
        )
        count = int(db.one(cursor)[0]) if dry else cursor.rowcount
        if count:
            expired.rows[QUARANTINE] = expired.rows.get(QUARANTINE, 0) + count
            expired.before[QUARANTINE] = max(before, expired.before.get(QUARANTINE, before))


def _held_numbers(cursor: Any, holds: list[Hold]) -> dict[str, tuple[str, ...]]:
    customers = [each.scope for each in holds if each.kind == "customer"]
    return person.numbers(cursor, person.linked(cursor, customers)) if customers else {}


def _on_table(rule: Rule, holds: list[Hold]) -> Hold | None:
    return next((each for each in holds if each.kind == "table" and hold.table_name(each.scope) == rule.table), None)
