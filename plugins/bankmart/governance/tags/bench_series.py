"""Tags of a synthetic bank day by day, computed from its delivered files: what the gates are measured on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bankmart.governance.tags.calendar import Day
from bankmart.governance.tags.mixes import Mix
from bankmart.sources.simulate import SimulationConfig, simulate
from bankmart.sources.simulate.calendar import Month, day_number, festival_distance, is_business_day

Array = npt.NDArray[Any]
Columns = Mapping[str, Array]
# The simulator pays salaries on the business day on or before these.
PAY_DAYS = (10, 15)


@dataclass(frozen=True)
class Bank:
    """Measures by customer (rows) and day (columns): counts and amounts of the day, the balance at its end."""

    days: tuple[date, ...]
    measures: Mapping[str, Array]

    def column(self, day: int) -> dict[str, Array]:
        """All measures of one day, to be tampered with."""
        return {name: values[:, day].copy() for name, values in self.measures.items()}


@dataclass(frozen=True)
class Judgement:
    """A tag: its values by code, and the code of each customer on a day whose own column may be another."""

    values: tuple[str, ...]
    default: int
    codes: Callable[[Bank, int, Columns], Array]


def make(customers: int, months: int, seed: int) -> Bank:
    """Simulate a bank and read its files."""
    with tempfile.TemporaryDirectory() as folder:
        config = SimulationConfig(Path(folder) / "landing", Path(folder) / "truth", customers, months, 0, seed=seed)
        simulate(config)
        return read(config.landing)


def read(landing: Path) -> Bank:
    """The measures of all customers on every day of the history that the first delivery brings."""
    account = _table(landing, "core_banking", "account").drop_duplicates("account_id", keep="last")
    owner = account.set_index("account_id")["customer_id"]
    card = _table(landing, "card", "card").drop_duplicates("card_id", keep="last").set_index("card_id")["account_id"]
    moved = _table(landing, "core_banking", "transaction")
    moved["customer_id"], moved["amount"] = moved["account_id"].map(owner), moved["amount"].astype(float)
    paid = _table(landing, "card", "card_transaction")
    paid["customer_id"] = paid["card_id"].map(card).map(owner)
    session = _table(landing, "mobile", "session")
    session["transaction_date"] = session["started_at"].str[:10]
    is_in, is_wage = moved["direction"] == "in", moved["purpose"].isin(["salary", "pension"])
    first, last = moved["transaction_date"].min(), moved["transaction_date"].max()
    days = tuple(each.date() for each in pd.date_range(first, last))
    people = sorted(owner.unique())

    def daily(rows: pd.DataFrame, measure: str | None = None) -> Array:
        grouped = rows.groupby(["customer_id", "transaction_date"])
        values = grouped.size() if measure is None else grouped[measure].sum()
        wide = values.unstack(fill_value=0).reindex(index=people, columns=[str(day) for day in days], fill_value=0)
        return wide.to_numpy(dtype=float)

    return Bank(days, {
        "transactions": daily(moved), "in": daily(moved[is_in], "amount"), "out": daily(moved[~is_in], "amount"),
        "wage": daily(moved[is_in & is_wage], "amount"), "sessions": daily(session), "payments": daily(paid),
        "balance": _balances(landing, owner, people, days),
    })  # fmt: skip


def _balances(landing: Path, owner: pd.Series, people: list[str], days: tuple[date, ...]) -> Array:
    rows = _table(landing, "core_banking", "balance").drop_duplicates(["account_id", "balance_date"], keep="last")
    rows["balance_amount"] = rows["balance_amount"].astype(float)
    wide = rows.pivot(index="account_id", columns="balance_date", values="balance_amount")
    wide = wide.reindex(columns=sorted({*wide.columns, *(str(day) for day in days)})).ffill(axis=1).fillna(0.0)
    held = wide[[str(day) for day in days]].groupby(wide.index.map(owner.to_dict())).sum()
    return held.reindex(people, fill_value=0.0).to_numpy(dtype=float)


def _table(landing: Path, system: str, table: str) -> pd.DataFrame:
    files = sorted((landing / system / table).glob("*/*.csv"))
    return pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files], ignore_index=True)


def _within(measure: str, window: int) -> Callable[[Bank, int, Columns], Array]:
    """The sum of a measure over the last days, this one's column included."""
    return lambda bank, day, today: bank.measures[measure][:, day - window + 1 : day].sum(axis=1) + today[measure]


def _banded(measure: str, window: int, limits: tuple[float, ...]) -> Callable[[Bank, int, Columns], Array]:
    """0 below the first limit, 1 from it on, …"""
    summed = _within(measure, window)
    return lambda bank, day, today: np.digitize(summed(bank, day, today), limits)


def _any_within(measure: str, windows: tuple[int, ...]) -> Callable[[Bank, int, Columns], Array]:
    """0 where the measure is 0 in the longest window, 1 where only there it isn't, … the last where it isn't in any."""
    sums = [_within(measure, window) for window in windows]
    return lambda bank, day, today: np.sum([each(bank, day, today) > 0 for each in sums], axis=0)


def _large_inflow(bank: Bank, day: int, today: Columns) -> Array:
    week, quarter = (_within("in", window)(bank, day, today) for window in (7, 90))
    return ((week >= 20_000) & (week >= 0.25 * quarter)).astype(int)


def _card_activity(bank: Bank, day: int, today: Columns) -> Array:
    month, quarter = (_within("payments", window)(bank, day, today) for window in (30, 90))
    return np.where(month >= 10, 2, np.where(quarter > 0, 1, 0))


def _cash_flow(bank: Bank, day: int, today: Columns) -> Array:
    came, went = (_within(measure, 90)(bank, day, today) for measure in ("in", "out"))
    return np.select([came + went == 0, came >= 1.2 * went, went >= 1.2 * came], [0, 1, 3], 2)


# Lookalikes of the tags of these names: the same limits on the same days' files, without dbt and the identities of
# people. aum_tier knows no wealth products, mobile_activity calls `inactive` who in truth may be `never`.
JUDGEMENTS: dict[str, Judgement] = {
    "transaction_activity": Judgement(("none", "low", "medium", "high"), 0, _banded("transactions", 30, (1, 5, 20))),
    "salary_band": Judgement(
        ("none", "low", "middle", "upper", "high"), 0, _banded("wage", 90, (0.01, 15_000, 30_000, 60_000))
    ),
    "cash_flow": Judgement(("none", "saver", "balanced", "spender"), 0, _cash_flow),
    "has_salary": Judgement(("false", "true"), 0, _banded("wage", 46, (0.01,))),
    # Days since the last one: up to 60, 33, 27 and 3, today being day 0.
    "salary_state": Judgement(("none", "late", "due", "between", "arrived"), 0, _any_within("wage", (61, 34, 28, 4))),
    "large_inflow": Judgement(("false", "true"), 0, _large_inflow),
    "mobile_activity": Judgement(("inactive", "occasional", "active"), 0, _banded("sessions", 30, (1, 8))),
    "card_activity": Judgement(("inactive", "occasional", "active"), 0, _card_activity),
    "aum_tier": Judgement(
        ("none", "basic", "silver", "gold", "platinum"), 0, _banded("balance", 1, (1_000, 50_000, 200_000, 1_000_000))
    ),
}
LONGEST = 90


def mix(day: date, codes: Array, values: tuple[str, ...]) -> Mix:
    """Counts by value; a code below 0 is a customer without one."""
    names, counts = np.unique(codes, return_counts=True)
    return Mix(day, {values[code] if code >= 0 else "(none)": int(n) for code, n in zip(names, counts, strict=True)})


def calendar(days: tuple[date, ...]) -> dict[date, Day]:
    """The simulator's own calendar, as the bank's calendar mart would tell it."""
    found = {}
    for day in days:
        number, month = day_number(day), Month.of(day.year * 12 + day.month - 1)
        holiday = "Spring Festival" if -1 <= festival_distance(number) <= 6 else None
        found[day] = Day(
            is_business_day=is_business_day(number),
            is_pay_day=number in {month.pay_day(nominal) for nominal in PAY_DAYS},
            is_month_end=(day + timedelta(days=1)).day == 1,
            holiday=holiday,
        )
    return found
