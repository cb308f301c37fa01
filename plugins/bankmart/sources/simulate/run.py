"""The synthetic bank, month by month: from its opening to the last daily extract."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate import faults
from bankmart.sources.simulate.calendar import Array, Month, to_date
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.contacts import mobile
from bankmart.sources.simulate.contacts.campaigns import Campaigns
from bankmart.sources.simulate.contacts.consent import Consents
from bankmart.sources.simulate.contacts.service import Service
from bankmart.sources.simulate.contacts.staff import Staff
from bankmart.sources.simulate.life import cards, deposits, errands, ledger, loans, money, turns
from bankmart.sources.simulate.life.anomalies import Anomalies
from bankmart.sources.simulate.life.state import Bank, Frame
from bankmart.sources.simulate.life.wealth import Holdings
from bankmart.sources.simulate.world import places, products
from bankmart.sources.simulate.write import Outbox


def simulate(config: SimulationConfig) -> None:
    """Write the bank's landing files and the truth planted in them.

    The go-live date carries the whole history, each later day only its own rows. The same configuration
    gives the same bytes, and a day's files don't depend on how many days are asked for.
    """
    config.truth.mkdir(parents=True, exist_ok=True)
    outbox = Outbox(config)
    world = World(config, outbox)
    for month in config.calendar():
        world.live(month)
    outbox.close()
    world.write_truth()
    for name in config.faults:
        faults.inject(name, config.landing, to_date(config.last_day))


class World:
    """The bank and all that happens in it."""

    def __init__(self, config: SimulationConfig, outbox: Outbox) -> None:
        self.config, self.bank = config, Bank(config, outbox)
        self.holdings, self.loans, self.bills = Holdings(), loans.Loans(), money.Bills()
        self.service, self.staff, self.campaigns = Service(), Staff(self.bank), Campaigns(config)
        self.consents, self.anomalies, self.turns = (
            Consents(len(self.bank.people)),
            Anomalies(),
            turns.Turns(),
        )
        self.frame: Frame | None = None
        products.hand_over(outbox)
        self.bank.places.hand_over(outbox)
        self.campaigns.hand_over(self.bank)

    def live(self, month: Month) -> None:
        """One month: people come, talk, look, spend and leave; then its books are closed."""
        bank = self.bank
        frame = self.frame = Frame(bank, month, bank.people.count(month))
        is_first = month == self.config.first_month
        self._join(frame, is_first)
        self.consents.ask(frame)
        self.service.serve(frame)
        mobile.use_app(frame)
        self.campaigns.run(frame, self.consents, self.holdings, self.staff.manager)
        received = self._move_money(frame)
        self.campaigns.funnel.walk_in(frame, self.staff.manager)
        rows = ledger.fit_to_means(frame, frame.flows.collect(), received)
        rows = turns.take_all_away(frame, rows)
        self._close_books(frame, rows)
        self.staff.work(frame)
        bank.people.change(month, bank.outbox)
        places.indicators(self.config, bank.outbox, month.serial, month.last)
        self.turns.decide(frame, self.holdings)
        _change_moods(frame)

    def write_truth(self) -> None:
        """All that was planted, one file per subject."""
        assert self.frame is not None
        self.bank.habits.write_truth(self.config, self.bank.people)
        self.turns.write_truth(self.config, self.bank)
        self.campaigns.write_truth(self.config, self.bank)
        self.anomalies.write_truth(self.config, self.frame)
        self.service.write_truth(self.config)

    def _join(self, frame: Frame, is_first: bool) -> None:
        bank, month = self.bank, frame.month
        opened = bank.people.open_day[: frame.count]
        new = np.flatnonzero((opened >= month.first) & (opened <= month.last))
        frame.measure_room()
        if is_first:
            old = np.flatnonzero(opened < month.first)
            bank.people.hand_over(bank.outbox, old, opened[old])
            bank.aum[old] = np.rint(bank.habits.wealth[old] * 100)
            left = deposits.join(frame, old, is_old=True)
            self.holdings.endow(frame, old, left)
            self._settle_in(frame, old, bank.people.open_day[old])
        bank.people.hand_over(bank.outbox, new, opened[new])
        deposits.join(frame, new, is_old=False)
        self._settle_in(frame, new, opened[new])

    def _settle_in(self, frame: Frame, customer: Array, since: Array) -> None:
        """Standing orders; for old customers also the loans and credit cards that they already had."""
        bank, rng = self.bank, frame.rng("settle in")
        self.bills.start(frame, customer, since)
        if not len(customer) or since[0] >= frame.month.first:
            return
        taste, inflow = bank.habits.affinity[customer], bank.habits.inflow[customer]
        has_card = (rng.random(len(customer)) < taste[:, products.CREDIT_CARD]) & (inflow > 1200)
        opened = since + ((frame.month.first - since) * rng.random(len(customer))).astype(int)
        loans.issue_cards(frame, customer[has_card], opened[has_card])
        owes = (rng.random(len(customer)) < taste[:, products.LOAN] * 0.9) & (inflow > 2500)
        start = np.maximum(frame.month.first - rng.integers(40, 900, len(customer)), since)
        paid = np.clip((frame.month.first - start) / 30.4 / 240, 0, 0.9)
        self.loans.lend(frame, customer[owes], start[owes], paid[owes])

    def _move_money(self, frame: Frame) -> Array:
        """All of the month's movements; returns what each customer can spend freely."""
        self.loans.collect(frame)
        self.loans.apply(frame)
        loans.use_credit_cards(frame)
        self.bills.pay(frame)
        money.charge(frame)
        money.leak(frame)
        errands.run(frame)
        self.anomalies.plant(frame)
        deposits.mature(frame)
        deposits.sweep(frame)
        deposits.buy_terms(frame)
        self.holdings.assess(frame)
        self.holdings.trade(frame)
        deposits.windfalls(frame)
        return money.plan_payments(frame, money.receive(frame))

    def _close_books(self, frame: Frame, rows: dict[str, Array]) -> None:
        bank, n, month = self.bank, frame.count, frame.month
        accounts = bank.accounts
        deposits_before = np.bincount(
            accounts.customer, accounts.balance * (accounts.line != products.CREDIT_CARD), len(bank.people)
        )[:n]
        holdings_before = self.holdings.of_customers(len(bank.people))[:n]
        booked = ledger.book(frame, rows)
        cards.hand_over_payments(frame, booked)
        cards.replace_lost(frame, booked)
        self.anomalies.note(booked)
        for day in self.turns.check_days(frame):
            held = holdings_before.astype(float)
            for key, at, cents in frame.holding_changes:
                held += np.bincount(key[at <= day] // 100, cents[at <= day].astype(float), len(bank.people))[:n]
            deposited = ledger.deposits_at(frame, booked, np.rint(deposits_before).astype(np.int64), day)
            everyone = np.zeros(len(bank.people), np.int64)
            everyone[:n] = deposited + np.rint(held).astype(np.int64)
            self.turns.note_assets(day, everyone)
        self.holdings.close_month(frame)
        deposits_now = ledger.deposits_at(frame, booked, np.rint(deposits_before).astype(np.int64), month.last)
        bank.aum[:n] = deposits_now + self.holdings.of_customers(len(bank.people))[:n]
        _remember(frame, booked)


def _remember(frame: Frame, booked: dict[str, Array]) -> None:
    """Note what could be observed of the month."""
    memory, month, n = frame.bank.memory, frame.month, frame.count
    by_hand = booked["channel"] != ledger.SYSTEM
    memory.put("transactions", month, np.bincount(booked["customer"][by_hand], minlength=n))
    pay = np.isin(booked["purpose"], (ledger.PURPOSE["salary"], ledger.PURPOSE["pension"]))
    memory.put("paid", month, np.bincount(booked["customer"][pay], minlength=n))
    away = (booked["cents"] < 0) & (booked["purpose"] == ledger.PURPOSE["transfer"]) & (booked["bank"] > 0)
    sums = np.bincount(booked["customer"][away], -booked["cents"][away].astype(float), n)
    memory.put("sent_away", month, sums)


def _change_moods(frame: Frame) -> None:
    """Moods drift back to their mean, wander, are hit by bad experiences; the unhappy move their pay."""
    rng, bank, n = frame.rng("moods"), frame.bank, frame.count
    mood, mean = bank.mood[:n], bank.habits.mood_mean[:n]
    hit = rng.random(n) < 0.03
    bank.mood[:n] = np.clip(
        mood + 0.11 * (mean - mood) + rng.normal(0, 0.28, n) - hit * rng.gamma(2.0, 0.55, n), -3.5, 2.0
    )
    bank.salary_gone[:n] |= rng.random(n) < np.where(bank.mood[:n] < -0.9, 0.11, 0.0015)
    bank.salary_gone[:n] &= ~((bank.mood[:n] > 0) & (rng.random(n) < 0.06))
