"""Unusual behaviour, planted: night transfers, cash in slices below the report limit, card bursts abroad."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bankmart.sources.simulate.calendar import Array, draw_seconds
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.life.ledger import BRANCH, CARD, MOBILE
from bankmart.sources.simulate.life.money import accounts_elsewhere
from bankmart.sources.simulate.life.state import Frame
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.world.habits import DORMANT
from bankmart.sources.simulate.write import dates, words

KINDS = ("", "night_transfers", "structuring", "abroad_burst")
NIGHT, STRUCTURING, ABROAD_BURST = 1, 2, 3
RATE = 0.002 / 12


class Anomalies:
    """Plants them, and keeps the truth: which transactions, whose, when."""

    def __init__(self) -> None:
        self._truth: list[dict[str, Array]] = []

    def plant(self, frame: Frame) -> None:
        """This month's unusual movements, for about one customer in five hundred a year."""
        rng, bank, n = frame.rng("anomalies"), frame.bank, frame.count
        current = bank.accounts.main[shelf.CURRENT, :n]
        may = frame.is_present & ~frame.is_lost() & (bank.habits.stage[:n] != DORMANT)
        may &= (current >= 0) & (frame.limit_day == frame.month.last) & (frame.room[0] > 300_000)
        who = np.flatnonzero(may & (rng.random(n) < RATE * 1.4))
        kind = rng.integers(1, 4, len(who))
        kind = np.where((kind == ABROAD_BURST) & (bank.accounts.card[current[who]] < 0), NIGHT, kind)
        start = rng.integers(frame.month.on(4), frame.month.on(24), len(who))
        for customer, code, day in zip(who, kind, start, strict=True):
            one = np.array([current[customer]])
            if code == STRUCTURING:
                count = int(rng.integers(4, 9))
                cents = rng.integers(420, 499, count) * 10_000
                days, seconds = day + rng.integers(0, 4, count), draw_seconds(rng, "office", count)
                frame.flows.add(one.repeat(count), days, seconds, cents, BRANCH, "cash", mark=STRUCTURING)
                continue
            count = int(rng.integers(5, 12) if code == NIGHT else rng.integers(8, 21))
            part = rng.dirichlet(np.ones(count)) * rng.uniform(0.35, 0.6) * frame.room[0, customer]
            cents = np.maximum(part // 100 * 100, 100).astype(np.int64)
            frame.room[0, customer] -= cents.sum()
            if code == NIGHT:
                seconds = draw_seconds(rng, "night", count)
                seconds = np.where(seconds > 80_000, seconds - 79_200, seconds)
                frame.flows.add(
                    one.repeat(count), int(day), seconds, -cents, MOBILE, "transfer",
                    bank=rng.integers(1, 13, count), other=accounts_elsewhere(rng, count), mark=NIGHT,
                )  # fmt: skip
            else:
                seconds = int(rng.integers(0, 75_000)) + np.sort(rng.integers(0, 7200, count))
                frame.flows.add(one.repeat(count), int(day), seconds, -cents, CARD, "shopping", mark=ABROAD_BURST)

    def note(self, booked: dict[str, Array]) -> None:
        """Keep the numbers that the planted transactions were booked under."""
        marked = booked["mark"] > 0
        self._truth.append({name: booked[name][marked] for name in ("transaction_id", "customer", "day", "mark")})

    def write_truth(self, config: SimulationConfig, frame: Frame) -> None:
        """`anomaly.parquet`: one row per planted transaction."""
        columns = {name: np.concatenate([part[name] for part in self._truth]) for name in self._truth[0]}
        delivered = columns["day"] <= config.last_day
        columns = {name: values[delivered] for name, values in columns.items()}
        table = pa.table(
            {
                "transaction_id": pa.array(columns["transaction_id"].astype(str)),
                "customer_id": pa.array(frame.bank.people.ids(columns["customer"]).astype(str)),
                "transaction_date": dates(columns["day"]),
                "kind": words(KINDS, columns["mark"]),
            }
        )
        pq.write_table(table, config.truth / "anomaly.parquet")
