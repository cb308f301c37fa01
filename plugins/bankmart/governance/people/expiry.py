"""Retention carried out: rows and landing files whose class's time is up go, unless a legal hold keeps them."""

from __future__ import annotations

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

QUARANTINE = "governance.quarantine"


@dataclass
class Expired:
    """What is past its time: rows per table, folders of landing files, and what holds keep."""

    day: date
    rows: dict[str, int] = field(default_factory=dict)
    before: dict[str, date] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def text(self, done: bool = True) -> str:
        """For the log and the terminal."""
        verb = "removed" if done else "would be removed"
        lines = [f"{name}: {count} rows from before {self.before[name]} {verb}" for name, count in self.rows.items()]
        if self.folders:
            lines.append(f"landing files: {len(self.folders)} folders {verb}")
        return "\n".join([*(lines or [f"nothing is past its time on {self.day}"]), *self.kept])


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
        if not dry and (expired.rows or expired.folders):
            facts = {"rows": expired.rows, "before": expired.before, "landing_folders": len(expired.folders)}
            audit.attempt("eraser", "retention", "retention", str(expired.day), facts)
            audit.append(link, "retention", "retention", str(expired.day), facts | {"holds": len(holds)})
            faults.point("expire.deleted")
    if not dry:
        for folder in expired.folders:
            faults.point("expire.folder")
            shutil.rmtree(folder, ignore_errors=True)
    return expired


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
