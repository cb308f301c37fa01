"""Who leaves and who brings money in: hazards that follow from what could be observed, and the going."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bankmart.sources.simulate.calendar import NEVER, Array
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.life.hazards import (
    LEAVE_90,
    POPULATION_CENTS,
    RISE_90,
    leave_log_odds,
    rise_log_odds,
    three_months,
)
from bankmart.sources.simulate.life.ledger import BRANCH, MOBILE, Flows
from bankmart.sources.simulate.life.state import Bank, Frame
from bankmart.sources.simulate.life.wealth import Holdings
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.write import dates

HORIZON_DAYS = 90


class Turns:
    """Decides at each month end who leaves, and keeps the truth of it."""

    def __init__(self) -> None:
        self._ends: list[dict[str, Array]] = []
        self._after: dict[int, Array] = {}

    def decide(self, frame: Frame, holdings: Holdings) -> None:
        """At the month's end: each customer's chance to leave, and to bring money, in the next one."""
        bank, month, n = frame.bank, frame.month, frame.count
        rng = frame.rng("turns")
        eta = leave_log_odds(bank, frame, holdings)
        hazard = 1 / (1 + np.exp(-eta))
        rise = 1 / (1 + np.exp(-rise_log_odds(bank, frame)))
        present = bank.people.closed_day[:n] > month.last
        can_leave = present & ~(bank.left_serial[:n] > 0) & (bank.people.open_day[:n] <= month.last)
        hazard, rise = hazard * can_leave, rise * can_leave
        draw, day = rng.random((2, n)), rng.integers(3, 28, (2, n))
        next_first = month.last + 1
        bank.leave_day[:n] = np.where(draw[0] < hazard, next_first + day[0] - 1, NEVER)
        stays = bank.leave_day[:n] == NEVER
        bank.windfall_day[:n] = np.where(stays & (draw[1] < rise), next_first + day[1] - 1, NEVER)
        long_gone = present & (bank.left_serial[:n] > 0) & (bank.left_serial[:n] <= month.serial - 1)
        farewell = long_gone & (rng.random(n) < 0.12) & (bank.aum[:n] < POPULATION_CENTS)
        bank.farewell_day[:n] = np.where(farewell, next_first + rng.integers(3, 28, n) - 1, NEVER)
        counts = np.flatnonzero((bank.aum[:n] >= POPULATION_CENTS) & (bank.people.open_day[:n] <= month.last))
        self._ends.append(
            {
                "customer": counts,
                "as_of": np.full(len(counts), month.last),
                "aum": bank.aum[counts],
                "hazard": hazard[counts],
                "rise": rise[counts],
                "event_day": np.full(len(counts), NEVER),
                "rise_day": np.full(len(counts), NEVER),
            }
        )
        self._note_events(bank)

    def check_days(self, frame: Frame) -> list[int]:
        """The days of this month that lie 90 days after a month end."""
        ends = {int(end["as_of"][0]) + HORIZON_DAYS for end in self._ends if len(end["as_of"])}
        return sorted(day for day in ends if frame.month.first <= day <= frame.month.last)

    def note_assets(self, day: int, cents: Array) -> None:
        """AUM per customer at the end of a check day."""
        self._after[day] = cents

    def write_truth(self, config: SimulationConfig, bank: Bank) -> None:
        """`churn.parquet` and `value_up.parquet`: hazards, 90-day probabilities, what came of it."""
        # A month is lived to its end, but only what is delivered counts.
        month_ends = [end for end in self._ends if len(end["as_of"]) and end["as_of"][0] <= config.last_day]
        month_ends = month_ends or self._ends[:1]
        columns = {name: np.concatenate([end[name] for end in month_ends]) for name in month_ends[0]}
        after = np.concatenate([self._assets_after(end) for end in month_ends])
        known = (after >= 0) & (columns["as_of"] + HORIZON_DAYS <= config.last_day)
        ends = columns["as_of"]
        left = columns["event_day"] <= ends + HORIZON_DAYS
        base = {
            "customer_id": pa.array(bank.people.ids(columns["customer"]).astype(str)),
            "as_of_date": dates(ends),
            "aum_amount": columns["aum"] / 100,
        }
        result = {
            "aum_after_90d_amount": pa.array(after / 100, mask=~known),
            "is_aum_halved_90d": pa.array(after * 2 <= columns["aum"], mask=~known),
        }
        leaving = {
            "hazard_30d": columns["hazard"],
            "p90": three_months(columns["hazard"], LEAVE_90),
            "event_date": dates(columns["event_day"], left),
        }
        pq.write_table(pa.table(base | leaving | result), config.truth / "churn.parquet")
        rose = columns["rise_day"] <= ends + HORIZON_DAYS
        rising = {
            "hazard_30d": columns["rise"],
            "p90": three_months(columns["rise"], RISE_90),
            "event_date": dates(columns["rise_day"], rose),
        }
        after_only = {"aum_after_90d_amount": result["aum_after_90d_amount"]}
        pq.write_table(pa.table(base | rising | after_only), config.truth / "value_up.parquet")

    def _assets_after(self, end: dict[str, Array]) -> Array:
        day = int(end["as_of"][0]) + HORIZON_DAYS if len(end["as_of"]) else 0
        if day not in self._after:
            return np.full(len(end["customer"]), -1)
        return self._after[day][end["customer"]]

    def _note_events(self, bank: Bank) -> None:
        """A month end looks three months ahead."""
        for end in self._ends[-3:]:
            for name, days in (("event_day", bank.leave_day), ("rise_day", bank.windfall_day)):
                end[name] = np.minimum(end[name], days[end["customer"]])


def take_all_away(frame: Frame, rows: dict[str, Array]) -> dict[str, Array]:
    """Add the last transfers of those who leave this month, and of those who close for good."""
    bank, n, rng = frame.bank, frame.count, frame.rng("leaving")
    accounts, flows = bank.accounts, Flows()
    day = frame.limit_day
    closes = bank.farewell_day[:n] <= frame.month.last
    who = np.flatnonzero(((bank.leave_day[:n] <= frame.month.last) | closes) & frame.is_present)
    who = who[accounts.main[shelf.CURRENT, who] >= 0]
    share = np.where(closes[who], 1.0, rng.uniform(0.7, 0.98, len(who)))
    # What arrives on the last day may come after the last transfer: only what is surely there is moved.
    sure = (rows["day"] < day[accounts.customer[rows["account"]]]) | (rows["cents"] < 0) | (rows["second"] < 60_000)
    sure &= rows["day"] <= day[accounts.customer[rows["account"]]]
    there = accounts.balance + np.rint(
        np.bincount(rows["account"][sure], rows["cents"][sure].astype(float), len(accounts))
    ).astype(np.int64)
    evening = 76_000 + rng.integers(0, 3600, len(who))
    current = accounts.main[shelf.CURRENT, who]
    pot = there[current].copy()
    owner = np.full(n, -1)
    owner[who] = np.arange(len(who))
    slot = np.where(accounts.customer < n, owner[np.minimum(accounts.customer, n - 1)], -1)
    slot = np.where((accounts.line == shelf.TERM_DEPOSIT) & (accounts.closed == NEVER), slot, -1)
    terms = np.flatnonzero((slot >= 0) & (there > 0))
    holder = slot[terms]
    flows.add(
        terms,
        day[who[holder]],
        evening[holder],
        -there[terms],
        BRANCH,
        "deposit",
        bank=0,
        other=accounts.ids(current[holder]),
    )
    flows.add(
        current[holder],
        day[who[holder]],
        evening[holder],
        there[terms],
        BRANCH,
        "deposit",
        bank=0,
        other=accounts.ids(terms),
    )
    pot += np.rint(np.bincount(holder, there[terms].astype(float), len(who))).astype(np.int64)
    accounts.close(terms, day[who[holder]])
    savings = accounts.main[shelf.SAVINGS, who]
    saved = np.where(savings >= 0, there[savings], 0)
    moved = np.where(closes[who], saved, np.floor(saved * share)).astype(np.int64)
    has = moved > 0
    elsewhere = 6_230_000_000_000_000 + who * 31
    bank_code = 1 + who % 12
    flows.add(
        savings[has],
        day[who[has]],
        evening[has] + 600,
        -moved[has],
        MOBILE,
        "transfer",
        bank=bank_code[has],
        other=elsewhere[has],
    )
    total = np.where(closes[who], pot, np.floor(pot * share)).astype(np.int64)
    parts = np.where(closes[who] | (rng.random(len(who)) < 0.5), 1.0, 0.8)
    first = np.floor(total * parts).astype(np.int64)
    for cents, later in ((first, 0), (total - first, 1)):
        pays = cents > 0
        at = np.minimum(day[who] + later, frame.month.last)
        flows.add(current[pays], at[pays], evening[pays] + 1200 + later, -cents[pays], MOBILE, "transfer",
                  bank=bank_code[pays], other=elsewhere[pays])  # fmt: skip
    bank.left_serial[who] = np.maximum(bank.left_serial[who], frame.month.serial)
    _close_for_good(frame, who[closes[who]])
    more = flows.collect()
    return {name: np.concatenate([rows[name], more[name]]) for name in rows}


def _close_for_good(frame: Frame, who: Array) -> None:
    bank, accounts = frame.bank, frame.bank.accounts
    bank.people.closed_day[who] = bank.farewell_day[who]
    bank.people.hand_over(bank.outbox, who, bank.farewell_day[who])
    open_ones = np.isin(accounts.customer, who) & (accounts.closed == NEVER)
    index = np.flatnonzero(open_ones & (accounts.line != shelf.CREDIT_CARD))
    accounts.close(index, bank.farewell_day[accounts.customer[index]])
