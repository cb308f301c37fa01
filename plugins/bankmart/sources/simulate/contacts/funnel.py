"""What comes back from a campaign: responses, leads, opportunities, orders, costs."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array, draw_seconds
from bankmart.sources.simulate.life.state import Frame
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.write import dates, moments, money, numbers, words

RESPONSES = ("delivered", "opened", "clicked", "replied", "refused", "bought")
DELIVERED, OPENED, CLICKED, REPLIED, REFUSED, BOUGHT = range(6)
COST_CHANNELS = ("sms", "call", "app_push", "email", "manager", "none")
SMS, CALL, APP_PUSH, EMAIL, MANAGER, NONE = range(6)
# by channel, in the order of COST_CHANNELS: how far a contact gets that ends without an order
REACH = {
    DELIVERED: np.array([0.97, 0.62, 0.91, 0.88, 0.8, 0]),
    OPENED: np.array([0.0, 0.0, 0.22, 0.17, 0.0, 0]),
    CLICKED: np.array([0.03, 0.0, 0.06, 0.035, 0.0, 0]),
    REPLIED: np.array([0.025, 0.12, 0.0, 0.035, 0.26, 0]),
    REFUSED: np.array([0.025, 0.2, 0.025, 0.03, 0.16, 0]),
}
UNIT_COST_CENTS = np.array([5, 600, 3, 2, 1500, 0])
IS_OPENED = np.array([0, 0, 1, 1, 0, 0], bool)
MARGIN = np.array([0, 0, 0.004, 0.009, 0.011, 0.06, 0, 0.05])


ADVISED_SHARE = 0.45
# leads a month that come to nothing, by product line, for someone who surely likes it
IN_VAIN_A_MONTH = np.array([0, 0, 0.012, 0.014, 0.014, 0.02, 0.016, 0.012])
SALE = ("customer", "product", "day", "cents")


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
        product: Array | int,
        contact: Array,
        who: Array,
        channel: Array,
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
        treated = channel != NONE
        reached = {kind: rng.random(count) < share[channel] for kind, share in REACH.items()}
        reached[DELIVERED] |= bought & treated
        reached[OPENED] |= bought & IS_OPENED[channel]
        reached[CLICKED] |= bought & IS_OPENED[channel]
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
        self._cost(frame, campaign, day, channel, UNIT_COST_CENTS[channel])

    def walk_in(self, frame: Frame, manager: Array) -> None:
        """Leads without a campaign: part of what was bought this month began as one, others come to nothing."""
        rng, month, n = frame.rng("walk in"), frame.month, frame.count
        sold = [np.concatenate([getattr(sale, name) for sale in frame.sales]) for name in SALE]
        advised = rng.random(len(sold[0])) < ADVISED_SHARE
        who, product, day, cents = (values[advised] for values in sold)
        wanted = frame.bank.habits.affinity[:n] * IN_VAIN_A_MONTH
        wanted[~(frame.is_present & ~frame.is_lost() & (frame.limit_day == month.last))] = 0
        vain, line = np.nonzero(rng.random(wanted.shape) < wanted)
        on_sale = [shelf.of_line(code) for code in range(len(shelf.LINES))]
        size = np.array([len(products) for products in on_sale])
        shelf_of, first = np.concatenate(on_sale), np.cumsum(size) - size
        offered = shelf_of[first[line] + (rng.random(len(vain)) * size[line]).astype(int)]
        won = np.repeat([True, False], [len(who), len(vain)])
        who, product = np.concatenate([who, vain]), np.concatenate([product, offered])
        day = np.concatenate([day, rng.integers(month.first + 6, month.last + 1, len(vain))])
        cents = np.concatenate([cents, rng.integers(5, 200, len(vain)) * 100_000])
        lead_day = np.maximum(day - rng.integers(0, 6, len(who)), month.first)
        second = draw_seconds(rng, "office", len(who))
        lead = self._lead(frame, "", product, who, lead_day, second, manager[who])
        follows = np.flatnonzero(won | (rng.random(len(who)) < 0.55))
        stage = np.where(won, 1, np.where(rng.random(len(who)) < 0.6, 2, 0))[follows]
        open_day = (lead_day + (day - lead_day) // 2)[follows]
        opportunity = self._open(
            frame, product[follows], lead[follows], who[follows], open_day, second[follows] + 200, stage, cents[follows]
        )
        sold_now = np.flatnonzero(stage == 1)
        rows = follows[sold_now]
        evening = np.full(len(rows), 86_300)
        self._order(frame, "", product[rows], opportunity[sold_now], who[rows], day[rows], evening, cents[rows])

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
        self, frame: Frame, campaign: str, product: Array | int, who: Array, day: Array, second: Array, manager: Array
    ) -> Array:
        lead = 710_000_001 + self.leads + np.arange(len(who))
        rows = {
            "lead_id": numbers(lead),
            "campaign_id": words([campaign], np.full(len(who), 0 if campaign else -1)),
            "customer_id": frame.bank.people.ids(who),
            "product_id": words(shelf.IDS, np.broadcast_to(product, len(who))),
            "manager_id": numbers(80_001 + manager, manager >= 0),
            "created_at": moments(day, second),
        }
        self.leads += len(who)
        frame.bank.outbox.events("campaign__lead", rows, day)
        return lead

    def _open(
        self,
        frame: Frame,
        product: Array | int,
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
            "product_id": words(shelf.IDS, np.broadcast_to(product, len(who))),
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
        product: Array | int,
        opportunity: Array,
        who: Array,
        day: Array,
        second: Array,
        cents: Array,
    ) -> None:
        rows = {
            "order_id": numbers(730_000_001 + self.orders + np.arange(len(who))),
            "opportunity_id": numbers(opportunity, opportunity > 0),
            "campaign_id": words([campaign], np.full(len(who), 0 if campaign else -1)),
            "customer_id": frame.bank.people.ids(who),
            "product_id": words(shelf.IDS, np.broadcast_to(product, len(who))),
            "ordered_at": moments(day, second),
            "amount": money(cents),
            "margin_amount": money(np.rint(cents * MARGIN[shelf.LINE[product]])),
        }
        self.orders += len(who)
        frame.bank.outbox.events("campaign__order", rows, day)

    def _cost(self, frame: Frame, campaign: str, day: Array, channel: Array, cents: Array) -> None:
        keys, place = np.unique(day * len(COST_CHANNELS) + channel, return_inverse=True)
        total = np.bincount(place, cents, len(keys)) if len(keys) else np.empty(0)
        spent = np.flatnonzero(total > 0)
        at = keys[spent] // len(COST_CHANNELS)
        rows = {
            "cost_id": numbers(740_000_001 + self.costs + np.arange(len(spent))),
            "campaign_id": words([campaign], np.zeros(len(spent), int)),
            "channel": words(COST_CHANNELS, keys[spent] % len(COST_CHANNELS)),
            "cost_date": dates(at),
            "amount": money(np.rint(total[spent])),
        }
        self.costs += len(spent)
        frame.bank.outbox.events("campaign__cost", rows, at)
