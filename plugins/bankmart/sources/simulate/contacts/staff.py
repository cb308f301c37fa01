"""Customer managers: who they are, whom they look after, whom they visit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from bankmart.sources.simulate.calendar import NEVER, Array, draw_days, draw_seconds
from bankmart.sources.simulate.life.state import Bank, Frame
from bankmart.sources.simulate.world import names
from bankmart.sources.simulate.write import dates, moments, numbers, words

ASSIGNED_FROM_CENTS = 10_000_000
CHANNELS = ("branch", "home", "phone", "wechat")
OUTCOMES = ("none", "interested", "refused", "ordered")


class Staff:
    """Managers by number; `manager[customer]` is who looks after a customer, −1 for nobody."""

    def __init__(self, bank: Bank) -> None:
        rng, places = bank.config.rng("staff"), bank.places
        self.per_branch = rng.integers(1, 4, len(places.ids))
        self.first = np.cumsum(self.per_branch) - self.per_branch
        self.branch = np.repeat(np.arange(len(places.ids)), self.per_branch)
        self.name = names.full_names(rng, rng.random(len(self.branch)) < 0.45)
        self.left = np.full(len(self.branch), NEVER)
        self.manager = np.full(len(bank.people), -1)
        self.visits = 0
        start = bank.config.first_month.first
        self._hand_over(bank, np.arange(len(self.branch)), start - rng.integers(30, 2000, len(self.branch)))

    def work(self, frame: Frame) -> None:
        """The month: managers leave, customers get one or another, visits are made."""
        rng, bank, month, n = frame.rng("work"), frame.bank, frame.month, frame.count
        alone = self.per_branch[self.branch] == 1
        goes = np.flatnonzero((self.left == NEVER) & ~alone & (rng.random(len(self.branch)) < 0.004))
        self.left[goes] = rng.integers(month.first, month.last + 1, len(goes))
        self._hand_over(bank, goes, self.left[goes])
        rich = frame.is_present & (bank.aum[:n] >= ASSIGNED_FROM_CENTS)
        mine = self.manager[:n]
        orphaned = (mine >= 0) & np.isin(mine, goes)
        new = np.flatnonzero(
            (rich & (mine < 0) & (rng.random(n) < 0.6)) | orphaned | ((mine >= 0) & (rng.random(n) < 0.004))
        )
        branch = bank.people.branch[new]
        chosen = self.first[branch] + (rng.random(len(new)) * self.per_branch[branch]).astype(int)
        chosen = np.where(self.left[chosen] < NEVER, self._anyone(rng, len(new)), chosen)
        self.manager[new] = chosen
        day = np.maximum(rng.integers(month.first, month.last + 1, len(new)), bank.people.open_day[new])
        rows = {
            "customer_id": bank.people.ids(new),
            "manager_id": numbers(80_001 + chosen),
            "effective_date": dates(day),
        }
        bank.outbox.versions("crm__assignment", rows, day)
        self._visit(frame, rng)

    def _visit(self, frame: Frame, rng: np.random.Generator) -> None:
        bank, n = frame.bank, frame.count
        rate = np.where((self.manager[:n] >= 0) & frame.is_present & ~frame.is_lost(), 0.26, 0.0)
        who = np.repeat(np.arange(n), rng.poisson(rate))
        day, second = draw_days(rng, frame.month, "plain", len(who)), draw_seconds(rng, "office", len(who))
        likes = np.clip(0.3 + 0.2 * bank.mood[who], 0.05, 0.6)
        draw = rng.random(len(who))
        outcome = np.select([draw < 0.3 * likes, draw < likes, draw < likes + 0.15], [3, 1, 2], 0)
        rows = {
            "visit_id": numbers(670_000_001 + self.visits + np.arange(len(who))),
            "customer_id": bank.people.ids(who),
            "manager_id": numbers(80_001 + self.manager[who]),
            "visited_at": moments(day, second),
            "channel": words(CHANNELS, rng.choice(4, len(who), p=[0.28, 0.12, 0.32, 0.28])),
            "outcome": words(OUTCOMES, outcome),
        }
        self.visits += len(who)
        bank.outbox.events("crm__visit", rows, day)

    def _anyone(self, rng: np.random.Generator, count: int) -> Array:
        return rng.choice(np.flatnonzero(self.left == NEVER), count)

    def _hand_over(self, bank: Bank, index: Array, effective: Array) -> None:
        rows = {
            "manager_id": numbers(80_001 + index),
            "name": pa.array(self.name[index], pa.string()),
            "branch_id": words(bank.places.ids, self.branch[index]),
            "status": words(["active", "left"], (self.left[index] < NEVER).astype(int)),
            "effective_date": dates(effective),
        }
        bank.outbox.versions("crm__manager", rows, effective)
