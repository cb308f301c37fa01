"""Calls, complaints, feedback and surveys: where the customers' mood can be heard."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bankmart.sources.simulate.calendar import Array, draw_days, draw_seconds
from bankmart.sources.simulate.config import SimulationConfig
from bankmart.sources.simulate.contacts.text import LABELS, write_feedback
from bankmart.sources.simulate.life.state import Frame
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.write import moments, numbers, words

REASONS = (
    "balance",
    "card",
    "transfer",
    "loan",
    "wealth",
    "fee",
    "complaint",
    "close_account",
    "app",
    "marketing",
    "other",
)
REASON_SHARE = np.array([0.17, 0.16, 0.13, 0.09, 0.1, 0.09, 0.04, 0.01, 0.13, 0.0, 0.08])
ANGRY_SHARE = np.array([0.06, 0.1, 0.12, 0.05, 0.07, 0.19, 0.16, 0.08, 0.12, 0.0, 0.05])
# by direction and reason: calls a month, and the product line whose taste they follow (0: everyone alike)
ROUTINE: dict[str, dict[str, tuple[float, int]]] = {
    "in": {
        "balance": (0.012, 0), "card": (0.01, shelf.CREDIT_CARD), "transfer": (0.008, 0), "loan": (0.008, shelf.LOAN),
        "wealth": (0.01, shelf.WEALTH), "app": (0.008, 0), "marketing": (0.004, 0), "other": (0.008, 0),
    },
    "out": {
        "balance": (0.003, 0), "card": (0.006, shelf.CREDIT_CARD), "transfer": (0.003, 0), "loan": (0.007, shelf.LOAN),
        "wealth": (0.008, shelf.WEALTH), "fee": (0.003, 0), "complaint": (0.004, 0), "close_account": (0.002, 0),
        "app": (0.004, 0), "marketing": (0.014, 0), "other": (0.004, 0),
    },
}  # fmt: skip
TOPICS = ("fee", "service", "app", "card", "loan", "wealth", "privacy", "other")
FEEDBACK_CHANNELS = ("app", "sms", "phone", "branch", "web")


class Service:
    """The contact centre; it counts its own numbers."""

    def __init__(self) -> None:
        self.calls = self.complaints = self.feedbacks = self.surveys = 0
        self._truth: list[tuple[Array, Array, Array]] = []

    def serve(self, frame: Frame) -> None:
        """The month's calls, complaints, feedback and surveys."""
        self._take_calls(frame)
        self._take_complaints(frame)
        self._ask(frame)
        self._listen(frame)

    def write_truth(self, config: SimulationConfig) -> None:
        """`sentiment.parquet`: what each feedback really says, and when it was given."""
        number, label, day = (np.concatenate([piece[i] for piece in self._truth]) for i in range(3))
        number, label, day = (values[day <= config.last_day] for values in (number, label, day))
        table = pa.table(
            {
                "feedback_id": pa.array(number.astype(str)),
                "sentiment": words(LABELS, label),
                "given_date": pa.array(day.astype(np.int32)).cast(pa.date32()),
            }
        )
        pq.write_table(table, config.truth / "sentiment.parquet")

    def _draw(self, frame: Frame, rng: np.random.Generator, rate: Array, hours: str) -> tuple[Array, Array, Array]:
        """Customers, days and seconds of things that happen at `rate` a month to those who are there."""
        rate = rate * frame.is_present * np.where(frame.is_lost(), 0.1, 1.0)
        who = np.repeat(np.arange(frame.count), rng.poisson(rate))
        day, second = draw_days(rng, frame.month, "plain", len(who)), draw_seconds(rng, hours, len(who))
        kept = day <= frame.limit_day[who]
        return who[kept], day[kept], second[kept]

    def _take_calls(self, frame: Frame) -> None:
        rng, bank, n = frame.rng("calls"), frame.bank, frame.count
        mood = bank.mood[:n]
        who, day, second = self._draw(
            frame, rng, bank.habits.call_rate[:n] * np.exp(np.clip(-0.6 * mood, -1, 1.8)), "day"
        )
        count, angry = len(who), mood[who] < -0.7
        is_out = rng.random(count) < 0.18
        share = np.where(angry[:, None], ANGRY_SHARE.cumsum(), REASON_SHARE.cumsum())
        reason = np.minimum((rng.random(count)[:, None] > share).sum(axis=1), 10)
        reason = np.where(is_out & (rng.random(count) < 0.7), REASONS.index("marketing"), reason)
        resolved = rng.random(count) > np.clip(0.14 - 0.17 * mood[who], 0.04, 0.75)
        wait = np.where(is_out, 0, rng.gamma(1.3, np.where(angry, 75, 45), count)).astype(np.int64)
        rows = {
            "call_id": numbers(600_000_001 + self.calls + np.arange(count)),
            "customer_id": bank.people.ids(who),
            "started_at": moments(day, second),
            "direction": words(["in", "out"], is_out.astype(int)),
            "reason": words(REASONS, reason),
            "wait_seconds": numbers(wait),
            "talk_seconds": numbers(rng.gamma(2.0, 95, count).astype(np.int64) + 5),
            "is_resolved": numbers(resolved),
        }
        self.calls += count
        bank.outbox.events("contact_centre__call", rows, day)
        self._make_routine_calls(frame)
        bank.memory.put("unresolved", frame.month, np.bincount(who[~resolved & ~is_out], minlength=n))

    def _make_routine_calls(self, frame: Frame) -> None:
        """Calls that say nothing of the mood and are settled at once: reminders, offers, plain questions."""
        rng, n = frame.rng("routine calls"), frame.count
        taste = frame.bank.habits.affinity[:n]
        for direction, reasons in ROUTINE.items():
            for reason, (rate, line) in reasons.items():
                liking = taste[:, line] / 0.35 if line else np.ones(n)
                who, day, second = self._draw(frame, rng, rate * liking, "office" if direction == "out" else "day")
                count = len(who)
                rows = {
                    "call_id": numbers(600_000_001 + self.calls + np.arange(count)),
                    "customer_id": frame.bank.people.ids(who),
                    "started_at": moments(day, second),
                    "direction": words([direction], np.zeros(count, int)),
                    "reason": words([reason], np.zeros(count, int)),
                    "wait_seconds": numbers((rng.gamma(1.3, 40, count) * (direction == "in")).astype(np.int64)),
                    "talk_seconds": numbers(rng.gamma(2.0, 70, count).astype(np.int64) + 5),
                    "is_resolved": numbers(np.ones(count, bool)),
                }
                self.calls += count
                frame.bank.outbox.events("contact_centre__call", rows, day)

    def _take_complaints(self, frame: Frame) -> None:
        rng, bank, n = frame.rng("complaints"), frame.bank, frame.count
        rate = 0.009 * np.exp(np.clip(-1.25 * bank.mood[:n], -1.5, 3.2)) * (bank.habits.shop_rate[:n] > 1)
        who, day, second = self._draw(frame, rng, rate, "day")
        count = len(who)
        # A complaint that isn't settled on its day has no end yet when its day is delivered.
        settled = rng.random(count) < 0.45
        end = np.minimum(second + rng.integers(600, 9 * 3600, count), 86_399)
        rows = {
            "complaint_id": numbers(610_000_001 + self.complaints + np.arange(count)),
            "customer_id": bank.people.ids(who),
            "opened_at": moments(day, second),
            "topic": words(TOPICS, rng.choice(8, count, p=[0.2, 0.18, 0.18, 0.12, 0.1, 0.1, 0.06, 0.06])),
            "severity": numbers(1 + (rng.random(count) < 0.4).astype(np.int64) + (rng.random(count) < 0.2)),
            "closed_at": moments(day, end, settled),
        }
        self.complaints += count
        bank.outbox.events("contact_centre__complaint", rows, day)
        bank.memory.put("complaints", frame.month, np.bincount(who, minlength=n))

    def _ask(self, frame: Frame) -> None:
        rng, bank, n = frame.rng("surveys"), frame.bank, frame.count
        who, day, second = self._draw(frame, rng, np.where(bank.habits.app_rate[:n] > 0, 0.045, 0.015), "evening")
        count, mood = len(who), bank.mood[who]
        is_csi = rng.random(count) < 0.35
        nps = np.clip(np.rint(7.9 + 1.9 * mood + rng.normal(0, 1.3, count)), 0, 10)
        csi = np.clip(np.rint(4.0 + 0.8 * mood + rng.normal(0, 0.7, count)), 1, 5)
        rows = {
            "survey_id": numbers(620_000_001 + self.surveys + np.arange(count)),
            "customer_id": bank.people.ids(who),
            "answered_at": moments(day, second),
            "survey_kind": words(["nps", "csi"], is_csi.astype(int)),
            "score": numbers(np.where(is_csi, csi, nps).astype(np.int64)),
        }
        self.surveys += count
        bank.outbox.events("contact_centre__survey", rows, day)
        order = np.argsort(day, kind="stable")
        order = order[~is_csi[order]]
        bank.last_nps[who[order]] = nps[order]
        bank.last_nps_serial[who[order]] = frame.month.serial

    def _listen(self, frame: Frame) -> None:
        rng, bank, n = frame.rng("feedback"), frame.bank, frame.count
        rate = 0.04 + 0.03 * (np.abs(bank.mood[:n]) > 0.9)
        who, day, second = self._draw(frame, rng, rate, "evening")
        count = len(who)
        feeling = bank.mood[who] * 1.1 + rng.normal(0, 0.8, count)
        label = np.digitize(feeling, [-0.45, 0.4])
        stars = np.clip(np.rint(np.array([1.9, 3.2, 4.6])[label] + rng.normal(0, 0.75, count)), 1, 5)
        english = rng.random(count) < 0.14
        number = 630_000_001 + self.feedbacks + np.arange(count)
        rows = {
            "feedback_id": numbers(number),
            "customer_id": bank.people.ids(who),
            "given_at": moments(day, second),
            "channel": words(FEEDBACK_CHANNELS, rng.choice(5, count, p=[0.4, 0.15, 0.15, 0.15, 0.15])),
            "language": words(["zh", "en"], english.astype(int)),
            "feedback_text": pa.array(write_feedback(rng, label, english), pa.string()),
            "score": numbers(stars.astype(np.int64), rng.random(count) > 0.1),
        }
        self.feedbacks += count
        bank.outbox.events("contact_centre__feedback", rows, day)
        self._truth.append((number, label, day))
