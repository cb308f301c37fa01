"""Everyday money: pay and pension, bills and rent, shopping, cash, transfers, interest, fees."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import NEVER, Array, draw_days, draw_seconds, season
from bankmart.sources.simulate.life.ledger import (
    ATM,
    BRANCH,
    CARD,
    FREE,
    INFLOW,
    MOBILE,
    OWN_BANK,
    POS,
    PURPOSE,
    STANDING_ORDER,
    SYSTEM,
    TRANSFER,
    WEB,
)
from bankmart.sources.simulate.life.state import Frame, Purchase
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.world.habits import DORMANT, IRREGULAR, PENSION, SALARY
from bankmart.sources.simulate.write import dates, money, numbers, words

# what a planned payment is: channel, purpose, amount relative to the mean, hours; shares with and without app
KINDS = (
    (MOBILE, "shopping", 0.45, "day"),
    (POS, "shopping", 1.1, "day"),
    (CARD, "shopping", 1.2, "evening"),
    (ATM, "cash", 3.5, "day"),
    (MOBILE, "transfer", 3.6, "evening"),
    (BRANCH, "transfer", 6.0, "office"),
    (MOBILE, "household", 0.9, "evening"),
    (WEB, "other", 1.4, "day"),
)
SHARES = np.array([[0.45, 0.13, 0.13, 0.06, 0.11, 0.0, 0.08, 0.04], [0.06, 0.46, 0.02, 0.25, 0.0, 0.08, 0.1, 0.03]])
STANDING = ("account", "customer", "cents", "purpose", "day", "since", "until")
# standing orders: what for, of the month's pay, and how many have one
BILLS = (
    ("household", 0.05, 0.5), ("household", 0.03, 0.3), ("lease", 0.26, 0.16), ("insurance", 0.05, 0.18),
    ("transfer", 0.08, 0.12), ("deposit", 0.05, 0.09), ("wealth", 0.04, 0.07), ("loan_repayment", 0.12, 0.03),
    ("other", 0.02, 0.06),
)  # fmt: skip
DEPOSIT, PLAN = 5, 6
FUND_PLANS = np.array([shelf.number(name) for name in ("FD01", "FD02", "FD03", "FD04")])


def accounts_elsewhere(rng: np.random.Generator, count: int) -> Array:
    """Account numbers at other banks."""
    return rng.integers(6_210_000_000_000_000, 6_290_000_000_000_000, count)


def receive(frame: Frame) -> Array:
    """Pay, pension, transfers and cash in; returns cents received per customer."""
    rng, habits, month, n = frame.rng("inflow"), frame.bank.habits, frame.month, frame.count
    current, lost, gone = (
        frame.bank.accounts.main[shelf.CURRENT, :n],
        frame.is_lost(),
        frame.bank.salary_gone[:n],
    )
    usual, kind = habits.inflow[:n] * 100, habits.kind[:n]
    there = frame.is_present & (current >= 0) & ~lost
    received = np.zeros(n)
    wobble, bonus = rng.lognormal(0, 0.025, n), rng.random(n)
    pay = np.where(there & (kind == SALARY) & ~gone, usual * wobble, 0)
    if month.number == 1:
        pay *= np.where(bonus < 0.45, 1.8 + bonus * 3, 1)
    pay += np.where(there & (kind == PENSION), usual, 0)
    who = np.flatnonzero(pay > 0)
    early, late = month.pay_day(10), month.pay_day(15)
    day = np.where((habits.pay_day[who] == 10) & (kind[who] == SALARY), early, late)
    purpose = np.where(kind[who] == SALARY, PURPOSE["salary"], PURPOSE["pension"])
    payer = 6_225_000_000_000_000 + who % max(7, n // 40)
    seconds = rng.integers(8 * 3600, 11 * 3600, len(who))
    frame.flows.add(current[who], day, seconds, pay[who], TRANSFER, purpose, kind=INFLOW, bank=1, other=payer)
    received[who] += pay[who]

    rate = np.where(kind == IRREGULAR, 1.8, 0.35) * season(month, "transfer") * there * (habits.stage[:n] != DORMANT)
    rate = np.where(gone & there, 0.5, rate)
    who = np.repeat(np.arange(n), rng.poisson(rate))
    size = np.where((kind == IRREGULAR)[who], 1 / 1.8, 0.05) * usual[who]
    cents = np.maximum(size * rng.lognormal(-0.1, 0.45, len(who)) // 1000 * 1000, 1000)
    day = draw_days(rng, month, "transfer", len(who))
    bank = np.where(rng.random(len(who)) < 0.35, OWN_BANK, rng.integers(1, 13, len(who)))
    other = accounts_elsewhere(rng, len(who))
    seconds = draw_seconds(rng, "day", len(who))
    frame.flows.add(current[who], day, seconds, cents, TRANSFER, "transfer", kind=INFLOW, bank=bank, other=other)
    received += np.bincount(who, cents, n)
    who = np.flatnonzero(there & (rng.random(n) < np.where(habits.app_rate[:n] > 0, 0.04, 0.12)))
    cents = np.maximum(usual[who] * rng.uniform(0.05, 0.5, len(who)) // 10_000, 1) * 10_000
    channel = np.where(rng.random(len(who)) < 0.5, BRANCH, ATM)
    day, seconds = draw_days(rng, month, "plain", len(who)), draw_seconds(rng, "office", len(who))
    frame.flows.add(current[who], day, seconds, cents, channel, "cash", kind=INFLOW)
    received[who] += cents
    return received


def plan_payments(frame: Frame, received: Array) -> Array:
    """Draw the month's shopping, cash, transfers; returns the cents each customer can spend on them."""
    rng, habits, month, n = frame.rng("payments"), frame.bank.habits, frame.month, frame.count
    mood, lost = frame.bank.mood[:n], frame.is_lost()
    current = frame.bank.accounts.main[shelf.CURRENT, :n]
    busy = season(month, "shopping")
    cheer = np.clip(np.exp(0.42 * np.minimum(mood, 0.6)), 0.08, 1.4)
    rate = habits.shop_rate[:n] * cheer * busy * np.where(lost, 0.06, 1.0) * (frame.is_present & (current >= 0))
    who = np.repeat(np.arange(n), rng.poisson(rate))
    has_app = (habits.app_rate[:n] > 0).astype(int)
    cumulative = np.cumsum(SHARES, axis=1)[1 - has_app[who]]
    kind = (rng.random(len(who))[:, None] > cumulative).sum(axis=1)
    kind = np.minimum(kind, len(KINDS) - 1)
    relative = np.array([k[2] for k in KINDS])
    budget = np.maximum(habits.inflow[:n] * (1 - habits.save_rate[:n]), 60) * 100
    mean = budget / np.maximum(habits.shop_rate[:n] * (relative * SHARES[1 - has_app]).sum(axis=1), 0.5)
    cents = mean[who] * relative[kind] * rng.lognormal(-0.3, 0.78, len(who))
    day, second = np.empty(len(who), np.int64), np.empty(len(who), np.int64)
    for code, (_, purpose, _, hours) in enumerate(KINDS):
        chosen = np.flatnonzero(kind == code)
        weights = {"shopping": "shopping", "cash": "cash", "transfer": "transfer"}.get(purpose, "plain")
        day[chosen] = draw_days(rng, month, weights, len(chosen))
        second[chosen] = draw_seconds(rng, hours, len(chosen))
    channel = np.array([k[0] for k in KINDS])[kind]
    purpose = np.array([PURPOSE[k[1]] for k in KINDS])[kind]
    is_transfer = purpose == PURPOSE["transfer"]
    other_bank = np.where(rng.random(len(who)) < 0.6, OWN_BANK, rng.integers(1, 13, len(who)))
    bank = np.where(is_transfer, other_bank, -1)
    other = np.where(is_transfer, accounts_elsewhere(rng, len(who)), 0)
    frame.flows.add(current[who], day, second, -cents, channel, purpose, kind=FREE, bank=bank, other=other)
    # Spending follows what came in, less what was paid anyway; without income it is a trickle of the assets.
    left = received * (1 - habits.save_rate[:n]) * max(busy, 1.0) - frame.spent
    trickle = np.minimum(0.25 * budget, 0.02 * frame.bank.aum[:n]) * np.where(lost, 0.3, 1.0)
    can_spend: Array = np.maximum(left, trickle)
    return can_spend


def leak(frame: Frame) -> None:
    """Transfers to the customer's own accounts at other banks: the more, the less content the customer is."""
    rng, n, bank = frame.rng("leak"), frame.count, frame.bank
    mood = bank.mood[:n]
    rate = 0.22 * np.exp(np.clip(-0.85 * mood, -1.5, 2.3)) * (bank.habits.stage[:n] != DORMANT)
    rate *= frame.is_present & ~frame.is_lost() & (bank.accounts.main[shelf.CURRENT, :n] >= 0)
    who = np.repeat(np.arange(n), rng.poisson(rate))
    cents = bank.aum[who] * rng.uniform(0.004, 0.02, len(who)) // 10_000 * 10_000
    for_bank = rng.integers(1, 13, len(who))
    other = 6_230_000_000_000_000 + who * 31
    day, second = draw_days(rng, frame.month, "plain", len(who)), draw_seconds(rng, "evening", len(who))
    paid = frame.spend(who, cents)
    account = bank.accounts.main[shelf.CURRENT, who[paid]]
    frame.flows.add(
        account,
        day[paid],
        second[paid],
        -cents[paid],
        MOBILE,
        "transfer",
        bank=for_bank[paid],
        other=other[paid],
    )


class Bills:
    """Standing orders for bills, rent, insurance and the family, paid each month where there is money."""

    def __init__(self) -> None:
        for name in STANDING:
            setattr(self, name, np.empty(0, np.int64))

    def __getattr__(self, name: str) -> Array:
        """Columns are attributes: `bills.cents`."""
        raise AttributeError(name)

    def start(self, frame: Frame, customer: Array, since: Array) -> None:
        """These customers set up their standing orders."""
        rng, bank = frame.rng("bills"), frame.bank
        for code, (_, share, often) in enumerate(BILLS):
            inflow, kind = bank.habits.inflow[customer], bank.habits.kind[customer]
            wanted = often * np.where(kind == IRREGULAR, 0.4, 1.0)
            age = (frame.month.first - bank.people.birth_day[customer]) / 365.25
            wanted = np.where((code == 2) & (age > 45), 0.03, wanted) * (inflow > 1500)
            if code == PLAN:
                wanted = wanted * 3 * bank.habits.affinity[customer, shelf.FUND]
            elif code == DEPOSIT:
                wanted = wanted * (bank.accounts.main[shelf.SAVINGS, customer] >= 0)
            has = rng.random(len(customer)) < wanted
            cents = np.maximum(inflow * share * rng.lognormal(-0.1, 0.35, len(customer)) // 10, 2) * 1000
            self._append(frame, rng, customer[has], cents[has], code, since[has])

    def pay(self, frame: Frame) -> None:
        """Pay this month's standing orders."""
        here = frame.is_present & ~frame.is_lost()
        stays = frame.limit_day == frame.month.last
        runs = (self.since < frame.month.first) & (self.until > frame.month.last)
        accounts, month = frame.bank.accounts, frame.month
        savings = accounts.main[shelf.SAVINGS, self.customer]
        runs &= (self.purpose != DEPOSIT) | (savings >= 0)
        runs &= (self.purpose < DEPOSIT) | (self.purpose > PLAN) | stays[self.customer]
        index = np.flatnonzero(here[self.customer] & runs)
        paid = index[frame.spend(self.customer[index], self.cents[index])]
        day, second = month.first + self.day - 1, 7 * 3600 + self.account % 3600
        plan = paid[self.purpose[paid] == PLAN]
        products = FUND_PLANS[self.account[plan] % len(FUND_PLANS)]
        frame.plans = Purchase(self.customer[plan], products, day[plan], self.cents[plan])
        saved = paid[self.purpose[paid] == DEPOSIT]
        frame.flows.add(self.account[saved], day[saved], second[saved], -self.cents[saved], STANDING_ORDER, "deposit",
                        bank=OWN_BANK, other=accounts.ids(savings[saved]))  # fmt: skip
        frame.flows.add(savings[saved], day[saved], second[saved], self.cents[saved], STANDING_ORDER, "deposit",
                        bank=OWN_BANK, other=accounts.ids(self.account[saved]))  # fmt: skip
        paid = paid[(self.purpose[paid] < DEPOSIT) | (self.purpose[paid] > PLAN)]
        names = [PURPOSE["household"] if name == "lease" else PURPOSE[name] for name, _, _ in BILLS]
        frame.flows.add(
            self.account[paid], day[paid], second[paid], -self.cents[paid], STANDING_ORDER,
            np.array(names)[self.purpose[paid]],
            bank=1 + self.account[paid] % 12, other=6_240_000_000_000_000 + self.account[paid] % 9973,
        )  # fmt: skip

    def _append(
        self, frame: Frame, rng: np.random.Generator, customer: Array, cents: Array, code: int, since: Array
    ) -> None:
        start, count, bank = len(self.account), len(customer), frame.bank
        account = bank.accounts.main[shelf.CURRENT, customer]
        # Rents and insurance often end on a known day; those that ended long ago aren't kept.
        ends = (rng.random(count) < 0.4) & np.isin(code, (2, 3))
        until = np.where(ends, np.maximum(since, frame.month.first) + rng.integers(200, 1500, count), NEVER)
        new = (account, customer, cents, np.full(count, code), rng.integers(5, 19, count), since, until)
        for name, values in zip(STANDING, new, strict=True):
            setattr(self, name, np.concatenate([getattr(self, name), values.astype(np.int64)]))
        rows = {
            "standing_order_id": numbers(500_000_001 + np.arange(start, start + count)),
            "account_id": bank.accounts.ids(account),
            "counterparty_bank": words(["ICBC", "CCB", "ABC"], account % 3),
            "counterparty_account": numbers(6_240_000_000_000_000 + account % 9973),
            "amount": money(cents),
            "purpose": words([name for name, _, _ in BILLS], np.full(count, code)),
            "effective_date": dates(since),
            "end_date": dates(until, ends),
        }
        bank.outbox.versions("core_banking__standing_order", rows, since)


def charge(frame: Frame) -> None:
    """Interest on the 21st, and the small fee for text messages."""
    rng, bank, n = frame.rng("interest"), frame.bank, frame.count
    accounts = bank.accounts
    pays = (accounts.line <= shelf.SAVINGS) & (accounts.closed > frame.month.last)
    pays &= bank.farewell_day[accounts.customer] > frame.month.last
    open_accounts = np.flatnonzero(pays & (accounts.balance > 0))
    cents = accounts.balance[open_accounts] * shelf.RATE[accounts.product[open_accounts]] / 12
    worth = np.rint(cents) >= 1
    frame.flows.add(open_accounts[worth], frame.month.on(21), 3600, cents[worth], SYSTEM, "interest")
    current = accounts.main[shelf.CURRENT, :n]
    pays_fee = np.flatnonzero(frame.is_present & (current >= 0) & (bank.habits.luck[:n, 0] < 0.14) & ~frame.is_lost())
    cents = np.full(len(pays_fee), 200)
    paid = pays_fee[frame.spend(pays_fee, cents)]
    day = frame.month.on(2) + rng.integers(0, 2, len(paid))
    frame.flows.add(current[paid], day, 7200, np.full(len(paid), -200), STANDING_ORDER, "fee")
