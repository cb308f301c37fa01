"""Credit: loan contracts with instalments and arrears, and credit cards with their monthly bill."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array, draw_days, draw_seconds, season
from bankmart.sources.simulate.life.ledger import BRANCH, CARD, MOBILE, POS, STANDING_ORDER, SYSTEM, TRANSFER
from bankmart.sources.simulate.life.state import Frame, Purchase
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.world.habits import DORMANT, IRREGULAR
from bankmart.sources.simulate.write import dates, money, numbers, words

MOST_DAYS_SLOW = 8  # an instalment is due by the 20th, so the payment stays within the month
STATUS = ("running", "running_arrears", "finished", "finished_default")
COLUMNS = (
    "customer", "product", "start", "principal", "term", "payment", "paid", "arrears", "status", "due_day",
    "account",
)  # fmt: skip


class Loans:
    """Loan contracts; amounts in cents, `paid` instalments so far, `arrears` owed from missed ones."""

    def __init__(self) -> None:
        for name in COLUMNS:
            setattr(self, name, np.empty(0, np.int64))
        self.repayment_count = 0

    def __getattr__(self, name: str) -> Array:
        """Columns are attributes: `loans.payment`."""
        raise AttributeError(name)

    def lend(self, frame: Frame, customer: Array, start: Array, paid_share: Array) -> None:
        """New contracts; `paid_share` of the term lies behind (contracts from before history)."""
        rng, bank, count = frame.rng("lend"), frame.bank, len(customer)
        product = rng.choice(shelf.of_line(shelf.LOAN), count, p=[0.3, 0.55, 0.15])
        term = shelf.TERM[product]
        payment = bank.habits.inflow[customer] * rng.uniform(0.1, 0.3, count) * 100
        rate = shelf.RATE[product] / 12
        principal = payment * (1 - (1 + rate) ** -term) / rate // 100_000 * 100_000
        principal = np.maximum(principal, 300_000)
        payment = np.rint(principal * rate / (1 - (1 + rate) ** -term))
        due_day = rng.integers(5, 21, count)
        none, account = np.zeros(count), bank.accounts.main[shelf.CURRENT, customer]
        behind = np.where(paid_share > 0, np.minimum((frame.month.first - start) // 30, term - 2), 0)
        new = (
            customer, product, start, principal, term, payment, behind, none, none, due_day, account,
        )  # fmt: skip
        first = len(self.customer)
        for name, values in zip(COLUMNS, new, strict=True):
            setattr(self, name, np.concatenate([getattr(self, name), np.asarray(values, np.int64)]))
        index = np.arange(first, first + count)
        self._hand_over(frame, index, start)
        fresh = index[start >= frame.month.first]
        account = bank.accounts.main[shelf.CURRENT, self.customer[fresh]]
        frame.flows.add(account, self.start[fresh], 10 * 3600, self.principal[fresh], TRANSFER, "loan_drawdown", bank=0)

    def apply(self, frame: Frame) -> None:
        """This month's new loans, by taste and means."""
        rng, bank, n = frame.rng("apply"), frame.bank, frame.count
        chance = 0.018 * bank.habits.affinity[:n, shelf.LOAN] * (bank.habits.inflow[:n] > 2500)
        chance *= frame.is_present & ~frame.is_lost() & (frame.limit_day == frame.month.last)
        chance *= bank.accounts.main[shelf.CURRENT, :n] >= 0
        chance[self.customer[(self.status < 2) & (self.customer < n)]] = 0
        who = np.flatnonzero(rng.random(n) < chance)
        day = rng.integers(frame.month.first, frame.month.last + 1, len(who))
        self.lend(frame, who, day, np.zeros(len(who)))
        lent = np.arange(len(self.customer) - len(who), len(self.customer))
        frame.sales.append(Purchase(who, self.product[lent], day, self.principal[lent]))

    def collect(self, frame: Frame) -> None:
        """This month's instalments, paid or missed where money or will is short, and the contracts' state."""
        rng, bank, month = frame.rng("collect"), frame.bank, frame.month
        runs = (self.status < 2) & (self.start < month.first) & (self.customer < frame.count)
        runs &= bank.people.closed_day[np.minimum(self.customer, frame.count - 1)] > month.last
        index = np.flatnonzero(runs)
        customer = self.customer[index]
        due_day = month.first + self.due_day[index] - 1
        due = self.payment[index] + self.arrears[index]
        # Bad luck lasts: whoever is behind misses again more easily.
        careless = bank.habits.luck[customer, 3] ** 6 * 0.35
        misses = rng.random(len(index)) < np.where(self.arrears[index] > 0, 0.35, careless)
        misses |= frame.is_lost()[customer] & (rng.random(len(index)) < 0.5)
        account = bank.accounts.main[shelf.CURRENT, customer]
        misses |= (account < 0) | (frame.limit_day[customer] < due_day)
        pays = np.flatnonzero(~misses)
        paid = pays[frame.spend(customer[pays], due[pays])]
        misses[np.setdiff1d(pays, paid)] = True
        pays = paid
        # Some pay days after the date, by hand.
        slow = np.clip(1.3 * bank.habits.luck[customer, 3] - 0.75, 0.01, 0.5)
        delay = np.where(rng.random(len(index)) < slow, rng.integers(1, MOST_DAYS_SLOW + 1, len(index)), 0)
        delay[misses | (due_day + delay > frame.limit_day[customer])] = 0
        by_hand = np.where(bank.habits.app_rate[customer] > 0, MOBILE, BRANCH)
        paid_day, channel = due_day + delay, np.where(delay > 0, by_hand, STANDING_ORDER)
        frame.flows.add(account[pays], paid_day[pays], 21_600, -due[pays], channel[pays], "loan_repayment", bank=0)
        rows = {
            "repayment_id": numbers(900_000_001 + self.repayment_count + np.arange(len(index))),
            "contract_id": numbers(700_000_001 + index),
            "due_date": dates(due_day),
            "paid_date": dates(paid_day, ~misses),
            "due_amount": money(due),
            "paid_amount": money(np.where(misses, 0, due)),
        }
        self.repayment_count += len(index)
        # The instalment is reported once, when it is paid or missed.
        bank.outbox.events("loan__repayment", rows, paid_day)
        self.arrears[index] = np.where(misses, due, 0)
        self.paid[index] += ~misses
        worst = self.arrears[index] > 6 * self.payment[index]
        done = self.paid[index] >= self.term[index]
        status = np.select([worst, done, self.arrears[index] > 0], [3, 2, 1], 0)
        changed = np.flatnonzero(status != self.status[index])
        self.status[index] = status
        self._hand_over(frame, index[changed], paid_day[changed])

    def _hand_over(self, frame: Frame, index: Array, effective: Array) -> None:
        bank = frame.bank
        rows = {
            "contract_id": numbers(700_000_001 + index),
            "account_id": bank.accounts.ids(self.account[index]),
            "customer_id": bank.people.ids(self.customer[index]),
            "product_id": words(shelf.IDS, self.product[index]),
            "start_date": dates(self.start[index]),
            "principal_amount": money(self.principal[index]),
            "term_months": numbers(self.term[index]),
            "payment_amount": money(self.payment[index]),
            "status": words(STATUS, self.status[index]),
            "effective_date": dates(effective),
        }
        bank.outbox.versions("loan__contract", rows, effective)


def issue_cards(frame: Frame, customer: Array, opened: Array) -> None:
    """Open credit card accounts."""
    rng = frame.rng("credit_cards")
    product = np.where(frame.bank.habits.inflow[customer] > 12_000, shelf.number("CC02"), shelf.number("CC01"))
    frame.bank.accounts.open(customer, product, opened, rng)


def use_credit_cards(frame: Frame) -> None:
    """New credit cards by taste, the month's card payments, and the bill for the month before."""
    rng, bank, month, n = frame.rng("credit"), frame.bank, frame.month, frame.count
    accounts, habits = bank.accounts, bank.habits
    card = accounts.main[shelf.CREDIT_CARD, :n].copy()  # cards opened below are used from next month
    may = frame.is_present & ~frame.is_lost() & (frame.limit_day == month.last) & (habits.inflow[:n] > 1200)
    chance = 0.01 * habits.affinity[:n, shelf.CREDIT_CARD] * may * (card < 0)
    wished = [w.customer[shelf.LINE[w.product] == shelf.CREDIT_CARD] for w in frame.purchases]
    drawn = np.flatnonzero(rng.random(n) < chance)
    new = np.unique(np.concatenate([drawn, *wished])).astype(np.int64)
    new = new[(card[new] < 0) & may[new]]
    day = rng.integers(month.first, month.last + 1, len(new))
    issue_cards(frame, new, day)
    product = accounts.product[accounts.main[shelf.CREDIT_CARD, new]]
    by_taste = np.isin(new, drawn) & ~np.isin(new, np.concatenate([drawn[:0], *wished]))
    limit = accounts.card_limit[accounts.card[accounts.main[shelf.CREDIT_CARD, new]]]
    frame.sales.append(Purchase(new[by_taste], product[by_taste], day[by_taste], limit[by_taste]))
    index = np.where((card >= 0) & frame.is_present, card, -1)
    owed = np.where(index >= 0, -accounts.balance[index], 0)
    frame_owed = np.flatnonzero(owed > 0)
    careless = habits.luck[frame_owed, 4]
    part = np.where(careless < 0.78, 1.0, np.where(careless < 0.95, rng.uniform(0.1, 0.6, len(frame_owed)), 0.0))
    cents = np.rint(owed[frame_owed] * part).astype(np.int64)
    current = accounts.main[shelf.CURRENT, :n]
    cents *= current[frame_owed] >= 0
    has = np.zeros(len(frame_owed), bool)
    has[frame.spend(frame_owed, cents)] = True
    payer, cents_paid = frame_owed[has], cents[has]
    day = month.first + 5 + payer % 14
    second = 8 * 3600 + payer % 30_000
    frame.flows.add(
        current[payer], day, second, -cents_paid, MOBILE, "transfer", bank=0, other=accounts.ids(card[payer])
    )
    frame.flows.add(
        card[payer], day, second, cents_paid, MOBILE, "transfer", bank=0, other=accounts.ids(current[payer])
    )
    late = frame_owed[(~has | (part < 1)) & (owed[frame_owed] > 10_000)]
    penalty = np.rint((owed[late]) * 0.0005 * 30)
    frame.flows.add(card[late], month.on(25), 3700, -penalty, SYSTEM, "penalty_interest")
    rate = habits.shop_rate[:n] * 0.3 * np.clip(np.exp(0.35 * np.minimum(bank.mood[:n], 0.6)), 0.1, 1.4)
    rate *= season(month, "shopping") * (index >= 0) * ~frame.is_lost() * (habits.stage[:n] != DORMANT)
    # A card near its limit stays in the pocket.
    rate *= owed < habits.inflow[:n] * 100 * 1.5
    who = np.repeat(np.arange(n), rng.poisson(rate))
    unit = habits.inflow[:n] * np.where(habits.kind[:n] == IRREGULAR, 0.02, 0.03) * 100
    cents = np.maximum(unit[who] * rng.lognormal(-0.3, 0.85, len(who)), 300)
    day, second = draw_days(rng, month, "shopping", len(who)), draw_seconds(rng, "day", len(who))
    kept = day <= frame.limit_day[who]
    channel = np.where(rng.random(len(who)) < 0.5, POS, CARD)
    frame.flows.add(card[who][kept], day[kept], second[kept], -cents[kept], channel[kept], "shopping")
