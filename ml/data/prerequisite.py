"""What a model needs of the bank's data and what is there; has the bank ever delivered what its question is about?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from bankmart import db
from ml.errors import DataPrerequisite
from ml.spec import Spec


def report(
    spec: Spec,
    tables_missing: Collection[Sequence[str]] = (),
    dates: Sequence[date] = (),
    history_days_needed: int | None = None,
    horizon_days: int | None = None,
    positives: int | None = 0,
    **more: Any,
) -> dict[str, Any]:
    """For DataPrerequisite: which tables, how long a history and how many positives are needed and there.

    `dates` are the as-of dates that can be learnt from; their history lasts until the horizon after the last one is
    over. `positives` is None where the question has none. What is None or not given is twice the horizon, the spec's.
    """
    horizon = spec.horizon_days if horizon_days is None else horizon_days
    return {
        "model": spec.name,
        "tables_needed": [".".join(table) for table in spec.tables],
        "tables_missing": [".".join(table) for table in tables_missing],
        "sources_needed": list(spec.sources),
        "as_of_dates": [day.isoformat() for day in dates],
        "history_days_needed": 2 * horizon if history_days_needed is None else history_days_needed,
        "history_days": (max(dates) - min(dates)).days + horizon if dates else 0,
        "positives_needed": None if positives is None else spec.needs.train_positives,
        "positives": positives,
        **more,
    }


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
    found = report(spec)
    found |= {
        "sources": {
            table: {"rows": delivered[table][0], "since": delivered[table][1]} if table in delivered else None
            for table in spec.sources
        },
        "tables_missing": absent,
    }
    raise DataPrerequisite(
        f"{spec.name} is skipped: the bank has not delivered {', '.join(absent)} up to {as_of}{never}.", found
    )
