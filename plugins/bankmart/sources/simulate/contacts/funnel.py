"""What comes back from a campaign: responses, leads, opportunities, orders, costs."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array
from bankmart.sources.simulate.life.state import Frame
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.write import dates, moments, money, numbers, words

RESPONSES = ("delivered", "opened", "clicked", "replied", "refused", "bought")
DELIVERED, OPENED, CLICKED, REPLIED, REFUSED, BOUGHT = range(6)
# by treatment (control, app push, text message, call): how far a contact gets that ends without an order
REACH = {
    DELIVERED: np.array([0, 0.91, 0.97, 0.62]),
    OPENED: np.array([0, 0.22, 0.0, 0.0]),
    CLICKED: np.array([0, 0.05, 0.025, 0.0]),
    REPLIED: np.array([0, 0.0, 0.012, 0.09]),
    REFUSED: np.array([0, 0.01, 0.012, 0.2]),
}
UNIT_COST_CENTS = np.array([0, 3, 5, 600])
COST_CHANNELS = ("none", "app_push", "sms", "call")
MARGIN = np.array([0, 0, 0.004, 0.009, 0.011, 0.06, 0, 0.05])


class Funnel:
    """Follows each contact down to its order; it counts its own numbers."""

    def __init__(self) -> None:
        self.responses = self.leads = self.opportunities = self.orders = self.costs = 0

    def start(self, frame: Frame) -> None:
        """Every table gets its header, in months without a campaign too."""
        none, cents = np.empty(0, np.int64), np.empty(0, np.int64)
        self._respond(frame, none, none, none, none, none)
        self._lead(frame, "", 0, none, none, none, none)
        self._open(frame, 0, none, none, none, none, none, cents)
        self._order(frame, "", 0, none, none, none, none, cents)
        self._cost(frame, "", none, none, cents)

    def answer(
        self,
        frame: Frame,
        rng: np.random.Generator,
        campaign: str,
        product: int,
        contact: Array,
        who: Array,
        treatment: Array,
        day: Array,
        second: Array,
        buys: Array,
        bought_day: Array,
        cents: Array,
        manager: Array,
    ) -> None:
        """All that follows from one campaign's contacts; `buys` are the rows that end with an order."""
        count, end = len(who), frame.month.on(26)
        bought = np.zeros(count, bool)
        bought[buys] = True
        last_day = np.full(count, end)
        last_day[buys] = bought_day
        treated = treatment > 0
        reached = {kind: rng.random(count) < share[treatment] for kind, share in REACH.items()}
        reached[DELIVERED] |= bought & treated
        reached[OPENED] |= bought & (treatment == 1)
        reached[CLICKED] |= bought & (treatment == 1)
        reached[REFUSED] &= ~bought & reached[DELIVERED] & ~reached[CLICKED] & ~reached[REPLIED]
        for kind in (OPENED, CLICKED, REPLIED):
            reached[kind] &= reached[DELIVERED]
        later = np.minimum(day + rng.integers(0, 4, count), last_day)
        answer_second = np.where(later == day, np.minimum(second + rng.integers(60, 20_000, count), 86_000), second)
        for kind in (DELIVERED, OPENED, CLICKED, REPLIED, REFUSED):
            rows = np.flatnonzero(reached[kind])
            at_once = kind == DELIVERED
            self._respond(
                frame, contact[rows], who[rows], (day if at_once else later)[rows],
                (second + 5 if at_once else answer_second)[rows], np.full(len(rows), kind),
            )  # fmt: skip
        buy_second = np.full(len(buys), 86_300)
        self._respond(frame, contact[buys], who[buys], bought_day, buy_second, np.full(len(buys), BOUGHT))
        warm = np.flatnonzero(treated & (reached[CLICKED] | reached[REPLIED] | bought))
        lead = self._lead(frame, campaign, product, who[warm], later[warm], answer_second[warm], manager[who[warm]])
        follows = np.flatnonzero(bought[warm] | (rng.random(len(warm)) < 0.45))
        rows = warm[follows]
        stage = np.where(bought[rows], 1, np.where(rng.random(len(rows)) < 0.7, 2, 0))
        open_day = np.minimum(later[rows] + rng.integers(0, 3, len(rows)), last_day[rows])
        opened = self._open(
            frame, product, lead[follows], who[rows], open_day, answer_second[rows] + 200, stage, cents[rows]
        )
        opportunity = np.full(count, 0)
        opportunity[rows] = opened
        self._order(frame, campaign, product, opportunity[buys], who[buys], bought_day, buy_second, cents[buys])
        self._cost(frame, campaign, day, treatment, UNIT_COST_CENTS[treatment])

    def _respond(self, frame: Frame, contact: Array, who: Array, day: Array, second: Array, kind: Array) -> None:
        rows = {
            "response_id": numbers(690_000_001 + self.responses + np.arange(len(who))),
            "contact_id": numbers(contact),
            "customer_id": frame.bank.people.ids(who),
            "occurred_at": moments(day, second),
            "response_type": words(RESPONSES, kind),
        }
        self.responses += len(who)
        frame.bank.outbox.events("campaign__response", rows, day)

    def _lead(
        self, frame: Frame, campaign: str, product: int, who: Array, day: Array, second: Array, manager: Array
    ) -> Array:
        lead = 710_000_001 + self.leads + np.arange(len(who))
        rows = {
            "lead_id": numbers(lead),
            "campaign_id": words([campaign], np.zeros(len(who), int)),
            "customer_id": frame.bank.people.ids(who),
            "product_id": words(shelf.IDS, np.full(len(who), product)),
            "manager_id": numbers(80_001 + manager, manager >= 0),
            "created_at": moments(day, second),
        }
        self.leads += len(who)
        frame.bank.outbox.events("campaign__lead", rows, day)
        return lead

    def _open(
        self,
        frame: Frame,
        product: int,
        lead: Array,
        who: Array,
        day: Array,
        second: Array,
        stage: Array,
        cents: Array,
    ) -> Array:
        opportunity = 720_000_001 + self.opportunities + np.arange(len(who))
        rows = {
            "opportunity_id": numbers(opportunity),
            "lead_id": numbers(lead),
            "customer_id": frame.bank.people.ids(who),
            "product_id": words(shelf.IDS, np.full(len(who), product)),
            "opened_at": moments(day, np.minimum(second, 86_250)),
            "stage": words(["open", "won", "lost"], stage),
            "expected_amount": money(cents, who % 9 > 0),
        }
        self.opportunities += len(who)
        frame.bank.outbox.events("campaign__opportunity", rows, day)
        return opportunity

    def _order(
        self,
        frame: Frame,
        campaign: str,
        product: int,
        opportunity: Array,
        who: Array,
        day: Array,
        second: Array,
        cents: Array,
    ) -> None:
        rows = {
            "order_id": numbers(730_000_001 + self.orders + np.arange(len(who))),
            "opportunity_id": numbers(opportunity, opportunity > 0),
            "campaign_id": words([campaign], np.zeros(len(who), int)),
            "customer_id": frame.bank.people.ids(who),
            "product_id": words(shelf.IDS, np.full(len(who), product)),
            "ordered_at": moments(day, second),
            "amount": money(cents),
            "margin_amount": money(np.rint(cents * MARGIN[shelf.LINE[product]])),
        }
        self.orders += len(who)
        frame.bank.outbox.events("campaign__order", rows, day)

    def _cost(self, frame: Frame, campaign: str, day: Array, treatment: Array, cents: Array) -> None:
        keys, place = np.unique(day * 4 + treatment, return_inverse=True)
        total = np.bincount(place, cents, len(keys)) if len(keys) else np.empty(0)
        spent = np.flatnonzero(total > 0)
        at = keys[spent] // 4
        rows = {
            "cost_id": numbers(740_000_001 + self.costs + np.arange(len(spent))),
            "campaign_id": words([campaign], np.zeros(len(spent), int)),
            "channel": words(COST_CHANNELS, keys[spent] % 4),
            "cost_date": dates(at),
            "amount": money(np.rint(total[spent])),
        }
        self.costs += len(spent)
        frame.bank.outbox.events("campaign__cost", rows, at)
