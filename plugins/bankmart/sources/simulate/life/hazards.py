"""The chance to leave, or to bring in money, as a function of nothing but what could be observed."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array
from bankmart.sources.simulate.life.state import Bank, Frame
from bankmart.sources.simulate.life.wealth import Holdings
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.world.habits import DORMANT

POPULATION_CENTS = 100_000
# Weights of the observed signs in the monthly log-odds of leaving.
LEAVE = {
    "level": -5.3,
    "fewer_transactions": 2.5,
    "fewer_sessions": 1.8,
    "complaints": 1.3,
    "unresolved": 0.8,
    "pay_stopped": 2.0,
    "paid": -0.9,
    "sent_away": 0.9,
    "detractor": 1.1,
    "promoter": -0.9,
    "lines_held": -0.5,
    "new": 0.5,
    "young": 0.6,
    "asleep": -0.9,
}
# From one month's hazard to 90 days' probability, fitted on simulated banks: log-odds = a + b × log-odds.
LEAVE_90 = (0.59, 0.8)
RISE = {"level": -5.2, "wealth_views": 0.75, "more_sessions": 0.8, "paid": 0.5, "young": 0.4}
RISE_90 = (0.65, 0.868)


def three_months(hazard: Array, line: tuple[float, float]) -> Array:
    """The probability over 90 days from the hazard of the first month (log-odds a + b × log-odds)."""
    safe = np.clip(hazard, 1e-6, 1 - 1e-6)
    odds = line[0] + line[1] * np.log(safe / (1 - safe))
    probability: Array = np.where(hazard > 0, 1 / (1 + np.exp(-odds)), 0.0)
    return probability


def leave_log_odds(bank: Bank, frame: Frame, holdings: Holdings) -> Array:
    """Monthly log-odds of leaving, from signs of the latest three months against the three before."""
    memory, serial, n = bank.memory, frame.month.serial, frame.count
    months = serial - bank.config.first_month.serial + 1
    tenure = (frame.month.last - bank.people.open_day[:n]) / 30.4

    def fewer(name: str) -> Array:
        now, before = memory.total(name, serial, 3)[:n], memory.total(name, serial - 3, 3)[:n]
        ratio = np.clip(np.log((before + 2) / (now + 2)), -0.7, 1.6)
        seen = (tenure > 6) & (months >= 6)
        return np.where(seen, ratio, 0.0)

    paid_before = sum((memory.total("paid", serial - back, 1)[:n] > 0).astype(int) for back in (1, 2, 3))
    stopped = (memory.total("paid", serial, 1)[:n] == 0) & (paid_before >= 2)
    stopped |= (memory.total("paid", serial, 2)[:n] == 0) & (memory.total("paid", serial - 2, 3)[:n] >= 2)
    share = memory.total("sent_away", serial, 3)[:n] / np.maximum(bank.aum[:n], POPULATION_CENTS)
    fresh = bank.last_nps_serial[:n] > serial - 6
    lines = holdings.lines_held(n) | (bank.accounts.main[:, :n].T >= 0)
    signs = {
        "level": np.ones(n),
        "fewer_transactions": fewer("transactions"),
        "fewer_sessions": fewer("sessions"),
        "complaints": np.minimum(memory.total("complaints", serial, 3)[:n], 3),
        "unresolved": np.minimum(memory.total("unresolved", serial, 3)[:n], 3),
        "pay_stopped": stopped.astype(float),
        "paid": (memory.total("paid", serial, 2)[:n] > 0).astype(float),
        "sent_away": np.log1p(30 * np.clip(share, 0, 1)),
        "detractor": (fresh & (bank.last_nps[:n] <= 6)).astype(float),
        "promoter": (fresh & (bank.last_nps[:n] >= 9)).astype(float),
        "lines_held": lines.sum(axis=1) - 2.0,
        "new": (tenure < 12).astype(float),
        "young": (bank.people.age(frame.month.last, n) < 30).astype(float),
        "asleep": (bank.habits.stage[:n] == DORMANT).astype(float),
    }
    odds: Array = sum(LEAVE[name] * sign for name, sign in signs.items())
    return odds


def rise_log_odds(bank: Bank, frame: Frame) -> Array:
    """Monthly log-odds of bringing in money."""
    memory, serial, n = bank.memory, frame.month.serial, frame.count
    now, before = memory.total("sessions", serial, 3)[:n], memory.total("sessions", serial - 3, 3)[:n]
    views = sum(memory.total(f"views_{line}", serial, 3)[:n] for line in (shelf.WEALTH, shelf.FUND))
    signs = {
        "level": np.ones(n),
        "wealth_views": np.log1p(views),
        "more_sessions": np.clip(np.log((now + 2) / (before + 2)), -1, 1) * (before > 0),
        "paid": (memory.total("paid", serial, 3)[:n] >= 2).astype(float),
        "young": (bank.people.age(frame.month.last, n) < 45).astype(float),
    }
    odds: Array = sum(RISE[name] * sign for name, sign in signs.items())
    return odds
