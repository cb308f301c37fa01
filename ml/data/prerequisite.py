"""Has the bank ever delivered what the model's question is about?"""

from __future__ import annotations

from datetime import date
from typing import Any

from bankmart import db
from ml.errors import DataPrerequisite
from ml.spec import Spec


def require_sources(spec: Spec, as_of: date) -> None:
    """Raise DataPrerequisite where a source table of the spec has brought no row up to the date."""
    if not spec.sources:
        return
    with db.connect("scorer") as link, link.cursor() as cursor:
        cursor.execute(
            "select system || '.' || table_name, sum(accepted_count)::bigint, min(business_date)::text"
            " from governance.load where status = 'loaded' and business_date <= %s group by 1",
            (as_of,),
        )
        delivered = {table: (rows, since) for table, rows, since in cursor.fetchall() if rows}
    absent = [table for table in spec.sources if table not in delivered]
    if not absent:
        return
    known = {table.partition(".")[0] for table in delivered}
    systems = sorted({table.partition(".")[0] for table in absent} - known)
    never = f" (nothing at all came from {', '.join(systems)})" if systems else ""
    report: dict[str, Any] = {
        "model": spec.name,
        "sources": {
            table: {"rows": delivered[table][0], "since": delivered[table][1]} if table in delivered else None
            for table in spec.sources
        },
        "tables_needed": [".".join(table) for table in spec.tables],
        "tables_missing": absent,
        "history_days_needed": 2 * spec.horizon_days,
        "history_days": 0,
        "positives_needed": spec.needs.train_positives,
        "positives": 0,
    }
    raise DataPrerequisite(
        f"{spec.name} is skipped: the bank has not delivered {', '.join(absent)} up to {as_of}{never}.", report
    )
