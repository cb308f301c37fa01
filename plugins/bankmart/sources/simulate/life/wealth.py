"""Wealth products, funds and insurance: risk assessments, orders, positions."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array
from bankmart.sources.simulate.life.ledger import BRANCH, MOBILE, PURPOSE, STANDING_ORDER, WEB
from bankmart.sources.simulate.life.state import Frame, Purchase
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.write import dates, money, numbers, words

LINES = (shelf.WEALTH, shelf.FUND, shelf.INSURANCE)
BUYS_A_MONTH = {shelf.WEALTH: 0.05, shelf.FUND: 0.06, shelf.INSURANCE: 0.07}
SELLS_A_MONTH = np.array([0, 0, 0, 0.045, 0.05, 0.025, 0, 0])
SWING = np.array([0.0, 0.0004, 0.002, 0.009, 0.022, 0.034])  # of a month's value, by risk level


class Holdings:
    """What customers hold, one row per customer and product (`key` = customer × 100 + product), in cents."""

    def __init__(self) -> None:
        self.key, self.value = np.empty(0, np.int64), np.empty(0, np.int64)
        self.order_count = self.assessment_count = 0
        self.assessed_until = np.empty(0, np.int64)

    def of_customers(self, count: int) -> Array:
        """Value per customer in cents."""
        return np.rint(np.bincount(self.key // 100, self.value.astype(float), count)).astype(np.int64)

    def lines_held(self, count: int) -> Array:
        """(count, 8): whether each customer holds something of each line."""
        held = np.zeros((count, len(shelf.LINES)), bool)
        held[self.key // 100, shelf.LINE[self.key % 100]] = True
        return held

    def endow(self, frame: Frame, customer: Array, cents: Array) -> None:
        """What old customers held before history: positions on its first day, without an order."""
        rng, affinity = frame.rng("endow"), frame.bank.habits.affinity[customer]
        rows = np.flatnonzero(cents > 100_000)
        for line in (shelf.WEALTH, shelf.FUND):
            share = affinity[rows, line] / (affinity[rows, shelf.WEALTH] + affinity[rows, shelf.FUND])
            share = np.where(share < 0.2, 0, np.where(share > 0.8, 1, share))
            part = (cents[rows] * share).astype(np.int64) // 100 * 100
            self._change(frame, customer[rows], _choose(frame, rng, customer[rows], line), frame.month.first, part)
        insured = np.flatnonzero(rng.random(len(customer)) < affinity[:, shelf.INSURANCE] * 0.8)
        who = customer[insured]
        paid = frame.bank.habits.inflow[who] * rng.uniform(0.5, 3.0, len(who)) * 100
        keeps = paid > 50_000
        product = _choose(frame, rng, who, shelf.INSURANCE)
        self._change(frame, who[keeps], product[keeps], frame.month.first, np.rint(paid[keeps]))

    def trade(self, frame: Frame) -> None:
        """The month's orders: wishes from campaigns, purchases by taste, redemptions, all of a leaver's."""
        rng, n, bank, month = frame.rng("wealth"), frame.count, frame.bank, frame.month
        bound = month.last - 1
        stays = (frame.limit_day > bound) & frame.is_present
        wishes = [wish for wish in frame.purchases if len(wish.customer)]
        for line in LINES:
            browsing = np.clip(bank.memory.total(f"views_{line}", month.serial - 1, 3)[:n] / 2, 0, 2)
            chance = BUYS_A_MONTH[line] * bank.habits.affinity[:n, line] * (0.6 + browsing) * stays * ~frame.is_lost()
            who = np.flatnonzero((rng.random(n) < chance) & (frame.room[1] > 300_000))
            cents = np.maximum(frame.room[1, who] * rng.uniform(0.05, 0.5, len(who)) // 100_000 * 100_000, 100_000)
            day = rng.integers(month.first + 1, bound + 1, len(who))
            wishes.append(Purchase(who, _choose(frame, rng, who, line), day, cents))
        for rank, wish in enumerate(wishes):
            chosen = np.isin(shelf.LINE[wish.product], LINES) & stays[wish.customer]
            chosen &= bank.accounts.main[shelf.SAVINGS, wish.customer] >= 0
            customer, cents = wish.customer[chosen], wish.cents[chosen].astype(np.int64)
            has = frame.take(1, customer, cents)
            day = np.clip(wish.day[chosen][has], month.first + 1, bound)
            product = wish.product[chosen][has]
            self._order(frame, customer[has], product, day, cents[has])
            if rank >= len(wishes) - len(LINES):
                frame.sales.append(Purchase(customer[has], product, day, cents[has]))
        if frame.plans is not None:
            plan = frame.plans
            self._order(frame, plan.customer, plan.product, plan.day, plan.cents, by_plan=True)
        mine = (self.value > 0) & (self.key // 100 < n)
        drawn = rng.random(len(self.key)) < SELLS_A_MONTH[shelf.LINE[self.key % 100]]
        sells = np.flatnonzero(mine & drawn & stays[np.minimum(self.key // 100, n - 1)])
        part = np.where(rng.random(len(sells)) < 0.4, 1.0, rng.uniform(0.2, 0.6, len(sells)))
        cents = np.rint(self.value[sells] * part).astype(np.int64)
        day = rng.integers(month.first + 1, bound + 1, len(sells))
        self._order(frame, self.key[sells] // 100, self.key[sells] % 100, day, -cents)
        customer = np.minimum(self.key // 100, n - 1)
        leaves = np.flatnonzero(mine & (frame.limit_day[customer] < month.last) & frame.is_present[customer])
        who = self.key[leaves] // 100
        self._order(frame, who, self.key[leaves] % 100, frame.limit_day[who], -self.value[leaves])

    def close_month(self, frame: Frame) -> None:
        """Carry the changes into positions (end of each day that changed), then value all on the last day."""
        changes = [change for change in frame.holding_changes if len(change[0])]
        if changes:
            key, day, cents = (np.concatenate([change[i] for change in changes]) for i in range(3))
            order = np.lexsort((day, key))
            key, day, cents = key[order], day[order], cents[order]
            running = np.cumsum(cents)
            starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
            before = np.repeat(running[starts] - cents[starts], np.diff(np.r_[starts, len(key)]))
            place = np.minimum(np.searchsorted(self.key, key), max(len(self.key) - 1, 0))
            base = np.where(self.key[place] == key, self.value[place], 0) if len(self.key) else 0
            value = base + running - before
            last = np.flatnonzero(np.r_[(key[1:] != key[:-1]) | (day[1:] != day[:-1]), True])
            self._write_positions(frame, key[last], day[last], value[last])
            ends = np.r_[starts[1:] - 1, len(key) - 1]
            self._merge(key[ends], value[ends])
        held = np.flatnonzero(self.value > 0)
        product = self.key[held] % 100
        rng = frame.rng("valuation")
        swing = rng.normal(0, 1, len(shelf.SHELF)) * SWING[shelf.RISK]
        growth = (shelf.RATE / 12 + swing)[product]
        value = np.maximum(np.rint(self.value[held] * (1 + growth)), 100).astype(np.int64)
        moved = value != self.value[held]
        self.value[held] = value
        day = np.full(int(moved.sum()), frame.month.last)
        self._write_positions(frame, self.key[held][moved], day, value[moved])

    def assess(self, frame: Frame) -> None:
        """Risk assessments: everyone with a taste for wealth has one, and renews it within the year."""
        rng, bank, month, n = frame.rng("assess"), frame.bank, frame.month, frame.count
        if len(self.assessed_until) < len(bank.people):
            self.assessed_until = np.full(len(bank.people), -1)
        taste = bank.habits.affinity[:n, shelf.WEALTH] + bank.habits.affinity[:n, shelf.FUND]
        wants = frame.is_present & ~frame.is_lost() & (taste + bank.habits.luck[:n, 2] > 0.95)
        never = self.assessed_until[:n] < 0
        due = wants & np.where(never, rng.random(n) < 0.5, self.assessed_until[:n] < month.last)
        who = np.flatnonzero(due & (never | (rng.random(n) < 0.7)))
        day = np.minimum(rng.integers(month.first, month.last + 1, len(who)), frame.limit_day[who])
        self.assessed_until[who] = day + 365
        level = np.clip(bank.habits.risk[who] + rng.choice([-1, 0, 1], len(who), p=[0.08, 0.86, 0.06]), 1, 5)
        rows = {
            "assessment_id": numbers(300_000_001 + self.assessment_count + np.arange(len(who))),
            "customer_id": bank.people.ids(who),
            "assessed_date": dates(day),
            "risk_level": numbers(level.astype(np.int64)),
            "expires_date": dates(day + 365),
        }
        self.assessment_count += len(who)
        bank.outbox.events("wealth__risk_assessment", rows, day)

    def _order(
        self, frame: Frame, customer: Array, product: Array, day: Array, cents: Array, *, by_plan: bool = False
    ) -> None:
        """Subscribe (cents above 0, from savings) or redeem (below 0, to current), and move the money.

        What is bought by a monthly plan is paid from the current account by standing order.
        """
        bank, count = frame.bank, len(customer)
        rows = {
            "order_id": numbers(400_000_001 + self.order_count + np.arange(count)),
            "customer_id": bank.people.ids(customer),
            "product_id": words(shelf.IDS, product),
            "ordered_date": dates(day),
            "side": words(["subscribe", "redeem"], (cents < 0).astype(int)),
            "amount": money(np.abs(cents)),
        }
        self.order_count += count
        bank.outbox.events("wealth__wealth_order", rows, day)
        self._change(frame, customer, product, day, cents)
        line = np.where((cents > 0) & (not by_plan), shelf.SAVINGS, shelf.CURRENT)
        purpose = np.where(shelf.LINE[product] == shelf.INSURANCE, PURPOSE["insurance"], PURPOSE["wealth"])
        # Redemptions arrive early in the day, so that a leaver's last transfers come after them.
        second = np.where(cents > 0, 13 * 3600 + customer % 7000, 9 * 3600 + customer % 7000)
        by_app = (bank.habits.app_rate[customer] > 0) & (customer % 5 > 0)
        channel = np.where(by_app, MOBILE, np.where(customer % 3 > 0, BRANCH, WEB))
        channel = np.where(by_plan, STANDING_ORDER, channel)
        frame.flows.add(bank.accounts.main[line, customer], day, second, -cents, channel, purpose)

    def _change(self, frame: Frame, customer: Array, product: Array, day: Array | int, cents: Array) -> None:
        moved = np.flatnonzero(np.asarray(cents) != 0)
        days = np.broadcast_to(np.asarray(day, np.int64), len(customer))
        cents = np.asarray(cents, np.int64)
        frame.holding_changes.append(((customer * 100 + product)[moved], days[moved], cents[moved]))

    def _merge(self, key: Array, value: Array) -> None:
        keys = np.concatenate([self.key, key])
        values = np.concatenate([self.value, value])
        order = np.argsort(keys, kind="stable")
        keys, values = keys[order], values[order]
        last = np.r_[keys[1:] != keys[:-1], True] & (values > 0)
        self.key, self.value = keys[last], values[last]

    def _write_positions(self, frame: Frame, key: Array, day: Array, value: Array) -> None:
        rows = {
            "customer_id": frame.bank.people.ids(key // 100),
            "product_id": words(shelf.IDS, key % 100),
            "position_date": dates(day),
            "market_value_amount": money(value),
        }
        frame.bank.outbox.events("wealth__position", rows, day)


def _choose(frame: Frame, rng: np.random.Generator, customer: Array, line: int) -> Array:
    """A product of the line for each customer, near the risk that suits; about one in fifty takes more."""
    on_sale = shelf.of_line(line)
    distance = np.abs(shelf.RISK[on_sale][None, :] - frame.bank.habits.risk[customer][:, None])
    too_risky = shelf.RISK[on_sale][None, :] > frame.bank.habits.risk[customer][:, None]
    score = -distance - 4 * too_risky + rng.gumbel(0, 0.7, distance.shape)
    chosen: Array = on_sale[score.argmax(axis=1)]
    return chosen
