"""`python -m bankmart quarantine`: the records that broke the contract, by table and rule, masked."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date

from bankmart import db


@dataclass(frozen=True)
class Finding:
    """One rule that records of one file broke: how many, and the first of them."""

    system: str
    table: str
    business_date: date
    status: str
    column: str | None
    rule: str
    count: int
    line: int
    reason: str


def summary(system: str | None = None, business_date: date | None = None) -> list[Finding]:
    """What lies in quarantine from each file's latest load, by rule; reasons show no person's data."""
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute(
            """
            with latest as (
                select distinct on (system, table_name, business_date) load_id, status
                from governance.load
                where (%(system)s is null or system = %(system)s)
                    and (%(date)s::date is null or business_date = %(date)s)
                order by system, table_name, business_date, load_id desc
            )
            select
                system, table_name, business_date, status, column_name, rule, count(*), min(line_number),
                (array_agg(reason order by line_number))[1]
            from governance.quarantine
            join latest using (load_id)
            where not exists (
                select from governance.quarantine_repair as repair
                where repair.load_id = quarantine.load_id and repair.line_number = quarantine.line_number
            )
            group by system, table_name, business_date, status, column_name, rule
            order by business_date, system, table_name, count(*) desc, rule, column_name
            """,
            {"system": system, "date": business_date},
        )
        return [Finding(*row) for row in cursor.fetchall()]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--system", help="only this system")
    parser.add_argument("--date", type=date.fromisoformat, help="only this business date, YYYY-MM-DD")


def run(args: argparse.Namespace) -> int:
    """Print a line per table and rule with the first record's line and reason."""
    found = summary(args.system, args.date)
    if not found:
        print("Nothing is in quarantine.")
        return 0
    print(f"{'date':<12}{'table':<34}{'load':<9}{'rule':<14}{'column':<24}{'records':>9}  first")
    for each in found:
        name = f"{each.system}.{each.table}"
        first = f"line {each.line}: {each.reason}"
        print(
            f"{each.business_date!s:<12}{name:<34}{each.status:<9}{each.rule:<14}{each.column or '-':<24}"
            f"{each.count:>9,}  {first}"
        )
    return 0
