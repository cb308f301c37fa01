"""The bank as it stands, and the month that is being lived through."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bankmart.sources.simulate.calendar import NEVER, Array, Month
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.life.ledger import Flows
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.world.accounts import Accounts
from bankmart.sources.simulate.world.habits import IRREGULAR, Habits
from bankmart.sources.simulate.world.people import People
from bankmart.sources.simulate.world.places import Places
from bankmart.sources.simulate.write import Outbox

KEPT_MONTHS = 8


class Memory:
    """What could be observed of each customer in the latest months: one column per month."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: dict[str, Array] = {}

    def put(self, name: str, month: Month, values: Array) -> None:
        """Note this month's values (of the customers that count in it)."""
        kept = self._kept.setdefault(name, np.zeros((KEPT_MONTHS, self.size)))
        kept[month.serial % KEPT_MONTHS] = 0
        kept[month.serial % KEPT_MONTHS, : len(values)] = values

    def total(self, name: str, serial: int, months: int) -> Array:
        """Sum over `months` months, the last of which is `serial`; nothing noted counts as 0."""
        if name not in self._kept:
            return np.zeros(self.size)
        rows = [(serial - back) % KEPT_MONTHS for back in range(months)]
        total: Array = self._kept[name][rows].sum(axis=0)
        return total


class Bank:
    """Everything that lasts from month to month; arrays are by customer index, `NEVER` is no day."""

    def __init__(self, config: SimulationConfig, outbox: Outbox) -> None:
        self.config, self.outbox = config, outbox
        self.places = Places(config)
        self.people = People(config, self.places)
        self.habits = Habits(config, self.people)
        self.accounts = Accounts(config, self.people, outbox)
        size = len(self.people)
        self.memory = Memory(size)
        self.mood = self.habits.mood_mean.copy()
        self.salary_gone = np.zeros(size, bool)
        self.leave_day = np.full(size, NEVER)
        self.left_serial = np.full(size, -NEVER)
        self.farewell_day = np.full(size, NEVER)
        self.windfall_day = np.full(size, NEVER)
        self.last_nps = np.full(size, -1.0)
        self.last_nps_serial = np.full(size, -NEVER)
        self.aum = np.zeros(size, np.int64)


@dataclass
class Purchase:
    """Wishes to buy: product indices, days and cents; carried out as far as the money goes."""

    customer: Array
    product: Array
    day: Array
    cents: Array


@dataclass
class Frame:
    """One month of the bank: who counts in it, what money moves, what each may still spend (cents).

    `purchases` are wishes that campaigns raised, `plans` the month's regular ones, `sales` what was bought without.
    """

    bank: Bank
    month: Month
    count: int
    flows: Flows = field(default_factory=Flows)
    room: Array = field(default_factory=lambda: np.empty((0, 0)))
    purse: Array = field(default_factory=lambda: np.empty(0))
    spent: Array = field(default_factory=lambda: np.empty(0))
    purchases: list[Purchase] = field(default_factory=list)
    plans: Purchase | None = None
    sales: list[Purchase] = field(default_factory=list)
    holding_changes: list[tuple[Array, Array, Array]] = field(default_factory=list)

    def rng(self, concern: str) -> np.random.Generator:
        """Random numbers of this concern and month."""
        return self.bank.config.rng(concern, self.month.serial)

    @property
    def limit_day(self) -> Array:
        """The last day on which each customer still behaves as usual."""
        bank = self.bank
        day: Array = np.minimum(bank.leave_day[: self.count], bank.farewell_day[: self.count])
        return np.minimum(day, self.month.last)

    @property
    def is_present(self) -> Array:
        """Whether each customer has joined before this month and not closed."""
        people = self.bank.people
        joined = people.open_day[: self.count] < self.month.first
        return joined & (people.closed_day[: self.count] > self.month.last)

    def is_lost(self) -> Array:
        """Whether each customer took the money away in an earlier month."""
        lost: Array = self.bank.left_serial[: self.count] > 0
        return lost

    def measure_room(self) -> None:
        """What may be spent this month: no balance falls below zero, nobody falls poor by accident.

        Payments stay within 85 % of what each account holds at the start (`room`); regular ones also within
        the customer's usual income and a small part of the assets (`purse`).
        """
        accounts = self.bank.accounts
        lines = (shelf.CURRENT, shelf.SAVINGS)
        held = [accounts.balance_of(line, self.count) for line in lines]
        self.room = (np.maximum(np.array(held), 0) * 0.85).astype(np.int64)
        habits, n = self.bank.habits, self.count
        usual = habits.inflow[:n] * 100 * np.where(habits.kind[:n] == IRREGULAR, 0.5, 0.9)
        usual = np.where(self.bank.salary_gone[:n] | self.is_lost(), 0, usual)
        self.purse = (usual + 0.05 * self.bank.aum[:n]).astype(np.int64)
        self.spent = np.zeros(n, np.int64)

    def take(self, line: int, customer: Array, cents: Array) -> Array:
        """Reserve money on current or savings accounts; returns which of these distinct customers have it."""
        cents = cents.astype(np.int64)
        has: Array = (self.room[line, customer] >= cents) & (cents > 0)
        self.room[line, customer[has]] -= cents[has]
        return has

    def spend(self, customer: Array, cents: Array) -> Array:
        """Reserve regular payments from current accounts, in the order given; customers may come twice.

        Returns the indices of those that there is money for.
        """
        order = np.argsort(customer, kind="stable")
        who, cents = customer[order], cents[order].astype(np.int64)
        sums = np.cumsum(cents)
        starts = np.flatnonzero(np.r_[True, np.diff(who) != 0]) if len(who) else np.empty(0, int)
        before = np.repeat(sums[starts] - cents[starts], np.diff(np.r_[starts, len(who)]))
        limit = np.minimum(self.room[0, who], self.purse[who] - self.spent[who])
        fits = (sums - before <= limit) & (cents > 0)
        np.subtract.at(self.room[0], who[fits], cents[fits])
        np.add.at(self.spent, who[fits], cents[fits])
        return np.sort(order[fits])
