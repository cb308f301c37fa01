"""Accounts, who may use them, and their cards."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import NEVER, Array
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.world.names import luhn
from bankmart.sources.simulate.world.people import People
from bankmart.sources.simulate.write import Outbox, dates, money, numbers, words

FIRST_ACCOUNT = 6_217_000_010_000_001
FIRST_CARD = 800_000_001
STATUS = ("active", "dormant", "closed")
ACTIVE, DORMANT, CLOSED = range(3)
CARD_STATUS = ("active", "blocked", "closed")
CARD_ACTIVE, CARD_BLOCKED, CARD_CLOSED = range(3)
LEVELS = ("junior", "classic", "gold", "platinum")
GROWING_COLUMNS = (
    "customer",
    "product",
    "branch",
    "opened",
    "closed",
    "matures",
    "status",
    "balance",
    "card",
)


class Accounts:
    """All accounts by number; balances in cents. `main[line, customer]` is an account or −1."""

    def __init__(self, config: SimulationConfig, people: People, outbox: Outbox) -> None:
        self.config, self.people, self.outbox = config, people, outbox
        self.customer, self.product, self.branch, self.opened = (np.empty(0, np.int64) for _ in range(4))
        self.closed, self.matures, self.status, self.balance = (np.empty(0, np.int64) for _ in range(4))
        self.card = np.empty(0, np.int64)
        self.main = np.full((len(shelf.LINES), len(people)), -1, np.int64)
        self.card_account, self.card_level, self.card_limit, self.card_issued = (
            np.empty(0, np.int64) for _ in range(4)
        )

    def __len__(self) -> int:
        """All accounts, closed ones too."""
        return len(self.customer)

    @property
    def line(self) -> Array:
        """Product line of each account."""
        return shelf.LINE[self.product]

    def ids(self, index: Array) -> Array:
        """Account numbers."""
        return FIRST_ACCOUNT + np.asarray(index, np.int64) * 7

    def balance_of(self, line: int, count: int) -> Array:
        """Balance in cents of each customer's main account of a line, 0 for none."""
        index = self.main[line, :count]
        return np.where(index >= 0, self.balance[index] if len(self) else 0, 0)

    def open(
        self,
        customer: Array,
        product: Array,
        opened: Array,
        rng: np.random.Generator,
        months: Array | None = None,
    ) -> Array:
        """Open accounts with balance 0; returns their indices. `months` is the term of term deposits."""
        count, start = len(customer), len(self)
        index = np.arange(start, start + count)
        matures = np.full(count, NEVER) if months is None else opened + np.rint(months * 30.4375).astype(int)
        new = (customer, product, self.people.branch[customer], opened, np.full(count, NEVER), matures,
               np.zeros(count), np.zeros(count), np.full(count, -1))  # fmt: skip
        for name, values in zip(GROWING_COLUMNS, new, strict=True):
            setattr(self, name, np.concatenate([getattr(self, name), np.asarray(values, np.int64)]))
        line = self.line[index]
        self.main[line, customer] = index
        self.hand_over(index, opened)
        self._hold(index, rng)
        with_card = index[(line == shelf.CREDIT_CARD) | ((line == shelf.CURRENT) & (rng.random(count) < 0.92))]
        self.issue_cards(with_card, opened[np.searchsorted(index, with_card)], rng)
        return index

    def close(self, index: Array, day: Array) -> None:
        """Close accounts: a new version, true from that day."""
        self.closed[index], self.status[index] = day, CLOSED
        account = self.main[self.line[index], self.customer[index]]
        gone = account == index
        self.main[self.line[index][gone], self.customer[index][gone]] = -1
        self.hand_over(index, day)
        with_card = self.card[index] >= 0
        self.hand_over_cards(self.card[index[with_card]], CARD_CLOSED, np.asarray(day)[with_card])

    def hand_over(self, index: Array, effective: Array) -> None:
        """Versions of these accounts, true from the given days."""
        rows = {
            "account_id": self.ids(index),
            "customer_id": self.people.ids(self.customer[index]),
            "product_id": words(shelf.IDS, self.product[index]),
            "branch_id": words(self.people.places.ids, self.branch[index]),
            "currency": words(["CNY"], np.zeros(len(index), int)),
            "open_date": dates(self.opened[index]),
            "close_date": dates(self.closed[index], self.closed[index] < NEVER),
            "maturity_date": dates(self.matures[index], self.matures[index] < NEVER),
            "status": words(STATUS, self.status[index]),
            "effective_date": dates(effective),
        }
        self.outbox.versions("core_banking__account", rows, effective)

    def _hold(self, index: Array, rng: np.random.Generator) -> None:
        """The owner may use an account; for a few current accounts an older customer may too."""
        owner, day = self.customer[index], self.opened[index]
        shared = np.flatnonzero((self.line[index] == shelf.CURRENT) & (rng.random(len(index)) < 0.03) & (owner > 0))
        # Customers are sorted by the day they joined, so an earlier one is known by then.
        second = (owner[shared] * rng.random(len(shared))).astype(np.int64)
        holder = np.concatenate([owner, second])
        account, since = np.concatenate([index, index[shared]]), np.concatenate([day, day[shared]])
        role = np.repeat([0, 1], [len(index), len(shared)])
        rows = {
            "account_id": self.ids(account),
            "customer_id": self.people.ids(holder),
            "holder_role": words(["owner", "authorised"], role),
            "effective_date": dates(since),
        }
        self.outbox.versions("core_banking__account_holder", rows, since)

    def issue_cards(self, index: Array, day: Array, rng: np.random.Generator) -> None:
        """Issue a card for each of these accounts, in place of the one it has."""
        count = len(index)
        card = np.arange(len(self.card_account), len(self.card_account) + count)
        self.card[index] = card
        income = self.people.income[self.customer[index]]
        level = np.clip(np.digitize(income, [30_000, 130_000, 280_000]), 0, 3)
        limit = np.clip(income / 12 * rng.uniform(1.0, 3.0, count) // 1000 * 1000, 3000, 300_000)
        for name, values in (("account", index), ("level", level), ("limit", limit * 100), ("issued", day)):
            kept = getattr(self, f"card_{name}")
            setattr(self, f"card_{name}", np.concatenate([kept, np.asarray(values, np.int64)]))
        self.hand_over_cards(card, CARD_ACTIVE, day)

    def hand_over_cards(self, card: Array, status: int, effective: Array) -> None:
        """Versions of these cards, all in this state, true from the given days."""
        account = self.card_account[card]
        is_credit = self.line[account] == shelf.CREDIT_CARD
        start = np.where(is_credit, 622_588_000_000_000, 621_700_000_000_000)
        rows = {
            "card_id": FIRST_CARD + card,
            "account_id": self.ids(account),
            "customer_id": self.people.ids(self.customer[account]),
            "card_number": numbers(luhn(start + card * 13 + 1_000_003)),
            "card_type": words(["debit", "credit"], is_credit.astype(int)),
            "card_level": words(LEVELS, self.card_level[card]),
            "issued_date": dates(self.card_issued[card]),
            "credit_limit_amount": money(self.card_limit[card], is_credit),
            "status": words(CARD_STATUS, np.full(len(card), status)),
            "effective_date": dates(effective),
        }
        self.outbox.versions("card__card", rows, effective)
