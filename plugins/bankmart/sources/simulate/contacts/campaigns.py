"""Campaigns with several offers and control groups, and whom each of these offers moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bankmart.sources.simulate.calendar import Array, Month, draw_seconds
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.contacts import creatives
from bankmart.sources.simulate.contacts.consent import Consents
from bankmart.sources.simulate.contacts.creatives import Subject
from bankmart.sources.simulate.contacts.funnel import Funnel
from bankmart.sources.simulate.life.state import Bank, Frame, Purchase
from bankmart.sources.simulate.life.wealth import Holdings
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.write import dates, moments, numbers, words

CHANNELS = ("sms", "call", "app_push", "email", "manager", "none")
CONTROL, RATE_PLUS, GIFT, ADVICE = range(4)
TREATMENTS = ("control", "rate_plus", "gift", "advice")
# by treatment: how often each of CHANNELS carries it
TREATMENT_CHANNELS = np.array(
    [[0, 0, 0, 0, 0, 1], [0, 0, 0.78, 0.22, 0, 0], [0.76, 0, 0.08, 0.16, 0, 0], [0, 0.68, 0, 0, 0.32, 0]]
)
NO_CHANNEL = CHANNELS.index("none")
ENGLISH_SHARE = 0.06
HISTORICAL = 8


class Plan(NamedTuple):
    """A campaign as planned; `control` is the share not contacted, 0 where nothing was drawn at random."""

    name: str
    product: str
    offers: tuple[int, ...]
    control: float


PLANS = (
    Plan("春季稳健理财", "WM02", (RATE_PLUS, ADVICE), 0.34),
    Plan("大额定存专享", "TD12", (RATE_PLUS, GIFT, ADVICE), 0.25),
    Plan("信用卡开卡礼", "CC01", (GIFT,), 0.0),
    Plan("基金定投月", "FD02", (RATE_PLUS, GIFT), 0.34),
    Plan("养老年金规划", "IN02", (ADVICE,), 0.5),
    Plan("指数基金体验", "FD04", (RATE_PLUS,), 0.0),
    Plan("均衡增利推荐", "WM04", (RATE_PLUS, GIFT, ADVICE), 0.25),
    Plan("年末存款季", "TD24", (RATE_PLUS, GIFT, ADVICE), 0.25),
)


class Campaigns:
    """Runs what is planned for a month, and keeps the truth of every contact."""

    def __init__(self, config: SimulationConfig) -> None:
        months = config.calendar()
        history = [month for month in months if month.first <= config.go_live_day]
        self.schedule: list[tuple[Month, Plan]] = [
            (history[int((rank + 0.5) * len(history) / HISTORICAL)], plan) for rank, plan in enumerate(PLANS)
        ]
        later = months[len(history) :: 2]
        self.schedule += [(month, PLANS[rank % HISTORICAL]) for rank, month in enumerate(later)]
        self.funnel = Funnel()
        self.contacts = 0
        self._truth: list[dict[str, Array]] = []

    def hand_over(self, bank: Bank) -> None:
        """The campaign table: what has started by a day."""

        def at(day: int) -> pa.Table:
            known = [i for i, (month, _) in enumerate(self.schedule) if month.on(2) <= day]
            plans = [self.schedule[i][1] for i in known]
            starts = np.array([self.schedule[i][0].on(2) for i in known], np.int64)
            return pa.table(
                {
                    "campaign_id": _campaign_ids(np.array(known, np.int64)),
                    "name": pa.array([plan.name for plan in plans], pa.string()),
                    "product_id": pa.array([plan.product for plan in plans], pa.string()),
                    "start_date": dates(starts),
                    "end_date": dates(starts + 24),
                    "is_randomised": pa.array([plan.control > 0 for plan in plans], pa.bool_()),
                }
            )

        def texts(day: int) -> pa.Table:
            known = [i for i, (month, _) in enumerate(self.schedule) if month.on(2) <= day]
            subjects = [
                Subject(i, plan.name, int(shelf.LINE[shelf.number(plan.product)]), month.on(2))
                for i, (month, plan) in ((i, self.schedule[i]) for i in known)
            ]
            return creatives.table(subjects, _campaign_ids(np.array(known, np.int64)))

        bank.outbox.full("campaign__campaign", at)
        bank.outbox.full("campaign__creative", texts)

    def run(self, frame: Frame, consents: Consents, holdings: Holdings, manager: Array) -> None:
        """The month's campaigns: draw, contact, answers; what is bought becomes a purchase of the month."""
        busy = np.zeros(frame.count, bool)
        self.funnel.start(frame)
        for index, (month, plan) in enumerate(self.schedule):
            if month == frame.month:
                self._run_one(frame, index, plan, consents.marketing[: frame.count] & ~busy, holdings, manager)
                busy |= self._last_contacted
        self._hand_over_contacts(frame, [])

    def write_truth(self, config: SimulationConfig, bank: Bank) -> None:
        """`response.parquet`: per contact and treatment of its campaign, the probability of buying."""
        pieces = self._truth
        columns = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
        delivered = columns["day"] <= config.last_day
        columns = {name: values[delivered] for name, values in columns.items()}
        table = pa.table(
            {
                "contact_id": pa.array(columns["contact"].astype(str)),
                "campaign_id": _campaign_ids(columns["campaign"]),
                "customer_id": pa.array(bank.people.ids(columns["customer"]).astype(str)),
                "contact_date": dates(columns["day"]),
                "treatment": words(TREATMENTS, columns["treatment"]),
                "is_received": columns["received"],
                "p_response": columns["p"],
                "effect": columns["effect"],
            }
        )
        pq.write_table(table, config.truth / "response.parquet")

    def _run_one(self, frame: Frame, index: int, plan: Plan, may: Array, holdings: Holdings, manager: Array) -> None:
        bank, month, n = frame.bank, frame.month, frame.count
        rng = bank.config.rng(f"campaign {index}", month.serial)
        product = shelf.number(plan.product)
        line = int(shelf.LINE[product])
        may = may & frame.is_present & ~frame.is_lost() & (frame.limit_day == month.last)
        if line == shelf.CREDIT_CARD:
            may &= (bank.accounts.main[line, :n] < 0) & (bank.habits.inflow[:n] > 1200)
        else:
            may &= frame.room[1] > 300_000
        taste = bank.habits.affinity[:n, line]
        reach = np.full(n, 0.72) if plan.control else np.clip(taste * 1.6, 0.02, 0.85)
        who = np.flatnonzero(may & (rng.random(n) < reach))
        arms = np.array([CONTROL, *plan.offers])
        share = np.r_[plan.control, np.full(len(plan.offers), (1 - plan.control) / len(plan.offers))]
        arm = rng.choice(len(arms), len(who), p=share)
        p = response_probabilities(frame, line)[who][:, arms]
        contact = 680_000_001 + self.contacts + np.arange(len(who))
        self.contacts += len(who)
        day = month.on(2) + rng.integers(0, 8, len(who))
        bought = rng.random(len(who)) < p[np.arange(len(who)), arm]
        treatment = arms[arm]
        second = draw_seconds(rng, "office", len(who))
        # The channel says nothing of the effect: it is drawn apart from all else.
        wording = bank.config.rng(f"wording {index}", month.serial)
        channel = (wording.random(len(who))[:, None] > TREATMENT_CHANNELS.cumsum(axis=1)[treatment]).sum(axis=1)
        english = (bank.habits.luck[who, 7] > 1 - ENGLISH_SHARE).astype(np.int64)
        creative = creatives.choose(index, channel, english, wording.random(len(who)))
        rows = {
            "contact_id": numbers(contact),
            "campaign_id": _campaign_ids(np.full(len(who), index)),
            "customer_id": bank.people.ids(who),
            "treatment": words(TREATMENTS, treatment),
            "channel": words(CHANNELS, channel),
            "creative_id": creatives.identifiers(np.where(channel == NO_CHANNEL, -1, creative)),
            "contacted_at": moments(day, second),
            "propensity": numbers(share[arm], np.full(len(who), plan.control > 0)),
        }
        self._hand_over_contacts(frame, [(rows, day)])
        cents = np.maximum(frame.room[1, who] * rng.uniform(0.1, 0.5, len(who)) // 100_000 * 100_000, 100_000)
        buys = np.flatnonzero(bought)
        bought_day = np.minimum(day[buys] + rng.integers(0, 7, len(buys)), month.on(26))
        products = np.full(len(buys), product)
        frame.purchases.append(Purchase(who[buys], products, bought_day, cents[buys].astype(np.int64)))
        self.funnel.answer(
            frame, rng, _campaign_ids(np.array([index]))[0].as_py(), product, contact, who, channel,
            day, second, buys, bought_day, cents, manager,
        )  # fmt: skip
        self._last_contacted = np.zeros(n, bool)
        self._last_contacted[who] = True
        width = len(arms)
        self._truth.append(
            {
                "contact": contact.repeat(width),
                "campaign": np.full(len(who) * width, index),
                "customer": who.repeat(width),
                "day": day.repeat(width),
                "treatment": np.tile(arms, len(who)),
                "received": (arm[:, None] == np.arange(width)).ravel(),
                "p": p.ravel(),
                "effect": (p - p[:, :1]).ravel(),
            }
        )

    def _hand_over_contacts(self, frame: Frame, pieces: list[tuple[dict[str, pa.Array], Array]]) -> None:
        if not pieces:
            none = np.empty(0, np.int64)
            text, number = pa.array([], pa.string()), pa.array([], pa.int64())
            names = ("contact_id", "campaign_id", "customer_id", "treatment", "channel", "creative_id", "contacted_at")
            rows = {name: number if name in ("contact_id", "customer_id") else text for name in names}
            pieces = [(rows | {"propensity": pa.array([], pa.float64())}, none)]
        for rows, day in pieces:
            frame.bank.outbox.events("campaign__contact", rows, day)


def response_probabilities(frame: Frame, line: int) -> Array:
    """(customers, treatments): the probability of buying a product of the line under each treatment.

    Four kinds of people, without sharp borders. Sure things look at products and buy anyway; sleeping dogs are those
    of them whom the wrong offer puts off. Persuadables have not thought of it and come for one offer only: active
    app users with some money for the better rate, busy cards with little money for the gift, those with money who
    keep away from the app for advice. The rest are lost causes. So who buys after a contact is mostly not whom the
    contact changed.
    """
    bank, n, before = frame.bank, frame.count, frame.month.serial - 1
    memory = bank.memory
    views = sum(memory.total(f"views_{code}", before, 3)[:n] for code in range(shelf.TERM_DEPOSIT, len(shelf.LINES)))
    app = np.log1p(memory.total("sessions", before, 3)[:n])
    busy = np.log1p(memory.total("transactions", before, 3)[:n])
    money = np.log(np.maximum(bank.aum[:n] / 100, 1000))
    is_annoyed = memory.total("complaints", before, 3)[:n] > 0
    looks = _step(np.log1p(views) - np.log(10), 0.3)
    base = 0.004 + 0.006 * bank.habits.affinity[:n, line] ** 2 + 0.085 * looks
    base *= np.where(is_annoyed, 0.6, 1.0)
    uses_app = _step(app - np.log(7), 0.35)
    rate = 0.075 * uses_app * _step(money - np.log(45_000), 0.35) * (1 - looks)
    rate -= 0.5 * base * _step(np.log(30_000) - money, 0.35)
    gift = 0.075 * _step(np.log(50_000) - money, 0.35) * _step(busy - np.log(36), 0.25) * (1 - looks)
    gift -= 0.55 * base * _step(money - np.log(120_000), 0.35)
    advice = 0.075 * _step(money - np.log(60_000), 0.35) * (1 - uses_app) * np.where(is_annoyed, 0.2, 1.0)
    advice -= 0.6 * base * _step(app - np.log(14), 0.3)
    effects = np.column_stack([np.zeros(n), rate, gift, advice])
    return np.asarray(np.clip(base[:, None] + effects, 0.0008, 0.4))


def _step(x: Array, width: float) -> Array:
    step: Array = 1 / (1 + np.exp(-np.clip(x / width, -30, 30)))
    return step


def _campaign_ids(index: Array) -> pa.Array:
    return pa.array([f"CP{int(i) + 1:04d}" for i in index], pa.string())
