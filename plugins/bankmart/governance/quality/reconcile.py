"""Sums that have to agree to the cent: what the sender stated, what was loaded, what the mart says."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg2 import sql

from bankmart import db
from bankmart.governance.build import Build
from bankmart.governance.quality import differing
from bankmart.results import Node
from bankmart.sources import contract, tables
from bankmart.sources.contract import Table

OWNER = "data-platform"
# Facts that hold each delivered row of their date once, with its amount as it came.
MARTS = {
    "core_banking.transaction": "fct_transaction",
    "card.card_transaction": "fct_card_transaction",
    "wealth.wealth_order": "fct_wealth_order",
    "campaign.order": "fct_order",
    "campaign.cost": "fct_cost",
}
# States that hold each record as its newest version says, with its amount as it came.
STATES = {"loan.contract": "dim_loan", "core_banking.standing_order": "dim_standing_order"}
# Facts to which each delivery of a record adds what is new: with the published dates before, its amount as it came.
ADDED = {"loan.repayment": "fct_repayment"}
# Not compared here: balances and positions are by account and customer number as delivered, by person and kind of asset
# in the marts, and restated when one comes late: a test of dbt's says that what is held moves by what was delivered.
IN_MART = "select coalesce(sum({amount}), 0), count(*) from {mart} where build_id = %(build)s"
IN_STATE = """
select coalesce(sum(case when raw.is_past then raw.amount else mart.amount end), 0), count(*)
from (
    select {keys}, {amount} as amount, exists (
        select from {source} as earlier
        where {same} and earlier.business_date < %(day)s and earlier.effective_date > delivered.effective_date
    ) as is_past
    from {source} as delivered where business_date = %(day)s
) as raw
left join (select {keys}, {amount} as amount, true as is_there from {mart} where build_id = %(build)s) as mart
    using ({keys})
where raw.is_past or mart.is_there
"""
IN_SLICES = """
select coalesce(sum(amount), 0), count(*)
from (
    select sum({amount}) as amount from {mart}
    where (build_id = %(build)s or build_id in (
            select build_id from governance.publication where business_date < %(day)s))
        and ({keys}) in (select {keys} from {source} where business_date = %(day)s)
    group by {keys}
) as mart
"""
LOADS = """
select
    load_id, system, table_name, control_totals, read_count, accepted_count, rejected_count,
    (select count(*) from governance.quarantine_repair as repair where repair.load_id = load.load_id)
from governance.load
where business_date = %s and status = 'loaded'
order by system, table_name
"""
INSERT = """
insert into governance.reconciliation (
    build_id, business_date, table_name, column_name, stated_amount, loaded_amount, quarantined_count, mart,
    mart_amount, read_count, accepted_count, loaded_count, mart_count, verdict, reason
)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class Sums:
    """One control total of one table and date: amounts, and numbers of rows."""

    table: str
    column: str
    stated: Decimal
    loaded: Decimal
    quarantined: int
    read: int
    accepted: int
    loaded_rows: int
    repaired: int = 0
    mart: str | None = None
    in_mart: Decimal | None = None
    mart_rows: int | None = None

    @property
    def verdict(self) -> tuple[str, str]:
        """pass, warn (records in quarantine explain a difference) or stop, and the reason."""
        if self.read != self.accepted + self.quarantined:
            return "stop", f"{self.read} records were read, {self.accepted} + {self.quarantined} are accounted for"
        if self.accepted != self.loaded_rows:
            return "stop", f"{self.accepted} records were accepted, {self.loaded_rows} are there"
        if self.mart and (self.in_mart, self.mart_rows) != (self.loaded, self.loaded_rows):
            loaded = f"loaded were {self.loaded} in {self.loaded_rows}"
            return "stop", f"{self.mart} has {self.in_mart} in {self.mart_rows} rows, {loaded}"
        if self.loaded == self.stated:
            return "pass", f"{self.stated} stated, loaded{' and in the mart' if self.mart else ''}"
        if self.quarantined or self.repaired:
            missing = f"{self.stated - self.loaded} of {self.stated} stated is not loaded"
            return "warn", f"{missing}: {self.quarantined} records are in quarantine, {self.repaired} were repaired"
        return "stop", f"{self.stated} was stated, {self.loaded} is loaded"


def check(build: Build) -> list[Node]:
    """Compare every control total of the build's date; kept in governance.reconciliation, one check per total."""
    started = time.perf_counter()
    systems = contract.load()
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("delete from governance.reconciliation where build_id = %s", (build.build_id,))
        cursor.execute(LOADS, (build.business_date,))
        found: dict[Sums, tuple[dict[str, Any], ...]] = {}
        for load_id, system, name, stated, *counts in cursor.fetchall():
            table = systems.get(system, {}).get(name)
            if table is None:
                continue
            for column in table.totals:
                total = Decimal(stated[column])
                sums = _sums(cursor, build, load_id, table, column, total, counts)
                found[sums] = _examples(cursor, build, table, sums)
        for sums in found:
            cursor.execute(
                INSERT,
                (
                    build.build_id, build.business_date, sums.table, sums.column, sums.stated, sums.loaded,
                    sums.quarantined, sums.mart, sums.in_mart, sums.read, sums.accepted, sums.loaded_rows,
                    sums.mart_rows, *sums.verdict,
                ),
            )  # fmt: skip
    seconds = (time.perf_counter() - started) / max(len(found), 1)
    return [_node(sums, examples, seconds) for sums, examples in found.items()]


def _sums(
    cursor: Any, build: Build, load_id: int, table: Table, column: str, stated: Decimal, counts: list[int]
) -> Sums:
    # Rows of this very load: one that another load left behind would be a row too many.
    cursor.execute(
        sql.SQL(
            "select count(*), coalesce(sum({}) filter (where load_id = %s), 0) from {} where business_date = %s"
        ).format(sql.Identifier(column), tables.relation(table)),
        (load_id, build.business_date),
    )
    rows, loaded = db.one(cursor)
    read, accepted, rejected, repaired = counts
    name = f"{table.system}.{table.name}"
    mart = MARTS.get(name) or STATES.get(name) or ADDED.get(name)
    in_mart: Decimal | None = None
    mart_rows: int | None = None
    if mart:
        cursor.execute("select to_regclass(%s)", (f"marts.{mart}",))
        if db.one(cursor)[0] is None:
            mart = None
        else:
            statement = IN_STATE if name in STATES else IN_SLICES if name in ADDED else IN_MART
            cursor.execute(
                sql.SQL(statement).format(
                    amount=sql.Identifier(column),
                    mart=sql.Identifier("marts", mart),
                    source=tables.relation(table),
                    keys=sql.SQL(", ").join(map(sql.Identifier, table.key)),
                    same=sql.SQL(" and ").join(
                        sql.SQL("earlier.{0} = delivered.{0}").format(sql.Identifier(key)) for key in table.key
                    ),
                ),
                {"day": build.business_date, "build": build.build_id},
            )
            in_mart, mart_rows = db.one(cursor)
    return Sums(
        name,
        column,
        stated,
        loaded,
        rejected,
        read,
        accepted,
        rows,
        repaired,
        f"marts.{mart}" if mart else None,
        in_mart,
        mart_rows,
    )


def _examples(cursor: Any, build: Build, table: Table, sums: Sums) -> tuple[dict[str, Any], ...]:
    if sums.verdict[0] == "pass":
        return ()
    if sums.accepted != sums.loaded_rows:
        return differing.loads(cursor, table, build)
    if sums.mart and (sums.in_mart, sums.mart_rows) != (sums.loaded, sums.loaded_rows):
        # Of what isn't held row by row no single row differs.
        mart = sums.mart.removeprefix("marts.")
        return differing.between(cursor, table, build, mart, sums.column) if sums.table in MARTS else ()
    return differing.quarantined(cursor, table, build)


def _node(sums: Sums, examples: tuple[dict[str, Any], ...], seconds: float) -> Node:
    verdict, reason = sums.verdict
    return Node(
        node_id=f"reconciliation.{sums.table}.{sums.column}",
        name=f"reconcile_{sums.table.replace('.', '__')}_{sums.column}",
        resource_type="test",
        severity="warn" if verdict == "warn" else "error",
        status={"pass": "pass", "warn": "warn", "stop": "fail"}[verdict],
        rows=None,
        failures=int(verdict != "pass"),
        seconds=seconds,
        message=reason,
        compiled=None,
        owner=OWNER,
        examples=examples,
    )
