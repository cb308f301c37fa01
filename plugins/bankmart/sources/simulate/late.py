"""What comes late: rows that a system hands over days after their date, and versions that restate the past."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from bankmart.sources.simulate.calendar import Array, to_date
from bankmart.sources.simulate.config import SimulationConfig

LATE_TABLES = ("core_banking__transaction", "core_banking__balance")
LATE_SHARE = 0.004
MOST_DAYS_LATE = 9
CUSTOMER = "core_banking__customer"
RESTATED_A_DAY = 0.0006
CORRECTED = ("education", "marital_status")


def delivery_days(config: SimulationConfig, name: str, day: Array) -> Array:
    """The business date on which each row is handed over: its own, or 1 to 9 days later for a few.

    A row is never late within the history before go-live, which comes in one extract.
    """
    if not config.late or name not in LATE_TABLES or not len(day) or day.max() + MOST_DAYS_LATE <= config.go_live_day:
        return day
    rng = config.rng(f"late {name}", int(day.min()))
    delay = np.where(rng.random(len(day)) < LATE_SHARE, rng.integers(1, MOST_DAYS_LATE + 1, len(day)), 0)
    delivered: Array = np.where(day + delay > config.go_live_day, day + delay, day)
    return delivered


def restated(config: SimulationConfig, rows: pa.Table, days: Array, day: int) -> pa.Table:
    """Versions of customers that the bank learns of on `day` though a later version is known already.

    Each lies between two versions and takes the older one's values, but for one that was wrong.
    `days` says from when each of `rows` is true.
    """
    customer = rows["customer_id"].to_numpy()
    known = np.flatnonzero(days < day)
    order = known[np.lexsort((known, days[known], customer[known]))]
    follows = np.flatnonzero((customer[order][1:] == customer[order][:-1]) & (np.diff(days[order]) > 1))
    busy = customer[days == day]
    older, newer = order[follows], order[follows + 1]
    free = ~np.isin(customer[older], busy)
    older, newer = older[free], newer[free]
    rng = config.rng("restated", day)
    wanted = min(len(older), max(1, round(config.customers * RESTATED_A_DAY)))
    chosen = np.sort(rng.choice(len(older), wanted, replace=False)) if wanted else np.empty(0, int)
    _, first = np.unique(customer[older[chosen]], return_index=True)
    chosen = chosen[first]
    since = days[older[chosen]] + rng.integers(1, days[newer[chosen]] - days[older[chosen]])
    found = rows.take(pa.array(older[chosen])).to_pylist()
    for row, effective in zip(found, since, strict=True):
        row["effective_date"] = to_date(int(effective))
        column = CORRECTED[int(rng.integers(len(CORRECTED)))]
        row[column] = rows[column][int(rng.choice(known))].as_py()
    return pa.Table.from_pylist(found, rows.schema)
