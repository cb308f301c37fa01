"""Consent given and withdrawn, and requests to be forgotten."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array, draw_seconds
from bankmart.sources.simulate.life.state import Frame
from bankmart.sources.simulate.write import moments, numbers, words

PURPOSES = ("marketing", "profiling", "sharing")
CHANNELS = ("sms", "call", "app_push", "email", "manager", "all")
ALL = 5
# by purpose: who stops and who starts in a month, and how many had refused when they were asked
SECOND_THOUGHTS = ((0.006, 0.02, 0.17), (0.006, 0.008, 0.3), (0.008, 0.006, 0.72))
REASONS = ("不再使用本行服务", "个人隐私", "已更换银行", "no longer a customer")


class Consents:
    """Who may be contacted: `marketing[customer]` is the consent as it stands."""

    def __init__(self, size: int) -> None:
        self.marketing = np.zeros(size, bool)
        self.asked = np.zeros(size, bool)
        self.erased = np.zeros(size, bool)
        self.count = self.requests = 0

    def ask(self, frame: Frame) -> None:
        """Ask who wasn't asked yet: some give it for all, some for a channel, some never; some withdraw."""
        rng, n = frame.rng("consent"), frame.count
        bank, month = frame.bank, frame.month
        luck = bank.habits.luck[:n, 6]
        new = np.flatnonzero(~self.asked[:n] & (bank.people.open_day[:n] <= month.last))
        self.asked[new] = True
        first_day = np.maximum(bank.people.open_day[new], month.first)
        day = np.minimum(
            first_day + rng.integers(0, 12, len(new)) * (bank.people.open_day[new] < month.first), month.last
        )
        day = np.maximum(day, bank.people.open_day[new])
        gives = luck[new] > 0.17
        self.marketing[new] = gives
        given = new[gives]
        channel = np.where(luck[given] > 0.34, ALL, rng.integers(0, ALL, len(given)))
        parts = [_event(given, 0, channel, 0, day[gives])]
        for purpose in (1, 2):
            bound = SECOND_THOUGHTS[purpose][2]
            also = luck[new] > bound
            parts.append(_event(new[also], purpose, ALL, 0, day[also]))
        unhappy = np.clip(np.exp(-0.7 * bank.mood[:n]), 0.4, 4)
        stops = np.flatnonzero(self.marketing[:n] & frame.is_present & (rng.random(n) < 0.0035 * unhappy))
        stops = stops[~np.isin(stops, new)]
        self.marketing[stops] = False
        stop_day = np.minimum(rng.integers(month.first, month.last + 1, len(stops)), frame.limit_day[stops])
        parts.append((stops, np.zeros(len(stops), int), np.full(len(stops), ALL), np.ones(len(stops), int), stop_day))
        parts += self._change_minds(frame, new)
        self._hand_over(frame, rng, parts)
        self._forget(frame, rng)

    def _change_minds(self, frame: Frame, new: Array) -> list[tuple[Array, Array, Array, Array, Array]]:
        """Some stop one channel or what isn't marketing; some who had refused give their consent after all."""
        rng, n, month = frame.rng("second thoughts"), frame.count, frame.month
        may = frame.is_present & ~frame.is_lost() & (frame.limit_day == month.last)
        may[new] = False
        draw = rng.random((4, n))
        single = rng.integers(0, ALL, n)
        day = rng.integers(month.first, month.last + 1, n)
        parts = []
        for purpose, (chance, back, bound) in enumerate(SECOND_THOUGHTS):
            gave = self.marketing[:n] if purpose == 0 else frame.bank.habits.luck[:n, 6] > bound
            stops = np.flatnonzero(may & gave & (draw[purpose] < chance))
            grants = np.flatnonzero(may & ~gave & (draw[3] < back) & (purpose == rng.integers(0, 3, n)))
            if purpose == 0:
                # Whoever stops one channel is left in peace on the others too, until they ask for more.
                self.marketing[stops], self.marketing[grants] = False, True
            for who, action in ((grants, 0), (stops, 1)):
                channel = single[who] if purpose == 0 else np.full(len(who), ALL)
                parts.append(_event(who, purpose, channel, action, day[who]))
        return parts

    def _hand_over(
        self, frame: Frame, rng: np.random.Generator, parts: list[tuple[Array, Array, Array, Array, Array]]
    ) -> None:
        who, purpose, channel, action, day = (np.concatenate([part[i] for part in parts]) for i in range(5))
        rows = {
            "consent_event_id": numbers(650_000_001 + self.count + np.arange(len(who))),
            "customer_id": frame.bank.people.ids(who),
            "purpose": words(PURPOSES, purpose),
            "channel": words(CHANNELS, channel),
            "action": words(["granted", "withdrawn"], action),
            "occurred_at": moments(day, draw_seconds(rng, "day", len(who))),
        }
        self.count += len(who)
        frame.bank.outbox.events("consent__consent_event", rows, day)

    def _forget(self, frame: Frame, rng: np.random.Generator) -> None:
        """A handful ask to be forgotten, mostly people who have left."""
        n, month = frame.count, frame.month
        chance = np.where(frame.is_lost(), 0.003, 0.00004) * ~self.erased[:n] * frame.is_present
        who = np.flatnonzero(rng.random(n) < chance)
        self.erased[who] = True
        day = np.maximum(rng.integers(month.first, month.last + 1, len(who)), month.first)
        rows = {
            "request_id": numbers(660_000_001 + self.requests + np.arange(len(who))),
            "customer_id": frame.bank.people.ids(who),
            "requested_at": moments(day, draw_seconds(rng, "office", len(who))),
            "reason": words(REASONS, rng.integers(-1, len(REASONS), len(who))),
        }
        self.requests += len(who)
        frame.bank.outbox.events("consent__erasure_request", rows, day)


def _event(
    who: Array, purpose: int, channel: Array | int, action: int, day: Array
) -> tuple[Array, Array, Array, Array, Array]:
    count = len(who)
    codes = (np.full(count, purpose), np.broadcast_to(channel, count), np.full(count, action))
    return who, *codes, day
