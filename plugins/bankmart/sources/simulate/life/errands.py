"""The rarer movements: taxes, refunds, fees and their reversal, premiums and claims, the counter and the web."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bankmart.sources.simulate.calendar import Array, draw_days, draw_seconds
from bankmart.sources.simulate.life.ledger import (
    ATM,
    BRANCH,
    CARD,
    FIXED,
    INFLOW,
    MOBILE,
    OWN_BANK,
    POS,
    PURPOSE,
    SYSTEM,
    TRANSFER,
    WEB,
)
from bankmart.sources.simulate.life.money import accounts_elsewhere
from bankmart.sources.simulate.life.state import Frame
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.world.habits import DORMANT, IRREGULAR, SALARY
from bankmart.sources.simulate.world.people import RETIRED

TAX_REFUND_MONTHS = (3, 4, 5, 6)


class Errand(NamedTuple):
    """Something done `rate` times a month: channels with their shares, and how much (CNY, or of the month's pay)."""

    purpose: str
    channels: tuple[int, ...]
    shares: tuple[float, ...]
    rate: float
    low: float
    high: float
    of_pay: bool
    who: str
    hours: str = "day"


PAYS = (
    Errand("tax", (MOBILE, WEB, BRANCH), (0.5, 0.3, 0.2), 0.1, 0.01, 0.06, True, "taxed", "office"),
    Errand("fee", (MOBILE, ATM, BRANCH, WEB), (0.3, 0.3, 0.3, 0.1), 0.07, 2, 60, False, "all"),
    Errand("insurance", (MOBILE, BRANCH, WEB), (0.6, 0.25, 0.15), 0.018, 0.05, 0.3, True, "insured"),
    Errand("household", (WEB, BRANCH, POS), (0.6, 0.25, 0.15), 0.05, 0.01, 0.05, True, "all"),
    Errand("transfer", (WEB, ATM, TRANSFER), (0.5, 0.25, 0.25), 0.08, 0.02, 0.15, True, "all", "evening"),
    Errand("shopping", (WEB,), (1.0,), 0.08, 0.01, 0.06, True, "web", "evening"),
    Errand("cash", (BRANCH,), (1.0,), 0.035, 0.1, 0.5, True, "all", "office"),
    Errand("other", (MOBILE, BRANCH, CARD), (0.6, 0.2, 0.2), 0.06, 0.01, 0.08, True, "all"),
)
GETS = (
    Errand("shopping", (MOBILE, CARD, POS, WEB), (0.5, 0.2, 0.2, 0.1), 0.009, 20, 400, False, "shoppers"),
    Errand("fee", (SYSTEM, BRANCH), (0.7, 0.3), 0.012, 2, 40, False, "angry"),
    Errand("tax", (TRANSFER, MOBILE), (0.7, 0.3), 0.16, 0.01, 0.06, True, "refunded", "office"),
    Errand("insurance", (TRANSFER, BRANCH), (0.8, 0.2), 0.014, 0.05, 0.25, True, "insured", "office"),
    Errand("other", (TRANSFER, WEB, MOBILE), (0.5, 0.3, 0.2), 0.07, 0.005, 0.04, True, "all"),
    Errand("household", (TRANSFER, MOBILE), (0.7, 0.3), 0.012, 20, 200, False, "all", "office"),
)


def run(frame: Frame) -> None:
    """This month's errands; what is paid is kept within what the customer may spend."""
    rng, bank, n = frame.rng("errands"), frame.bank, frame.count
    there = frame.is_present & ~frame.is_lost() & (bank.habits.stage[:n] != DORMANT)
    there &= bank.accounts.main[shelf.CURRENT, :n] >= 0
    groups = _groups(frame)
    for errand in PAYS:
        _do(frame, rng, errand, groups[errand.who] * there, -1)
    for errand in GETS:
        _do(frame, rng, errand, groups[errand.who] * there, 1)


def _groups(frame: Frame) -> dict[str, Array]:
    """How readily each customer does what a group of people does; 1 is the usual rate, 0 never."""
    bank, n = frame.bank, frame.count
    habits, kind = bank.habits, bank.habits.kind[:n]
    is_refund_season = frame.month.number in TAX_REFUND_MONTHS
    return {
        "all": np.ones(n),
        "taxed": np.where(kind == IRREGULAR, 1.0, 0.25) * (habits.inflow[:n] > 3000),
        "refunded": (kind == SALARY) * (1.0 if is_refund_season else 0.06),
        "insured": np.clip(habits.affinity[:n, shelf.INSURANCE] * 3, 0.1, 2.5),
        "shoppers": np.clip(habits.shop_rate[:n], 0, 25),
        "web": np.where(habits.app_rate[:n] > 0, 1.0, 0.5) * (bank.people.occupation[:n] != RETIRED),
        "angry": np.clip(np.exp(-0.8 * bank.mood[:n]), 0.3, 5),
    }


def _do(frame: Frame, rng: np.random.Generator, errand: Errand, readiness: Array, sign: int) -> None:
    bank, n = frame.bank, frame.count
    who = np.repeat(np.arange(n), rng.poisson(errand.rate * readiness))
    size = rng.uniform(errand.low, errand.high, len(who))
    cents = np.rint(size * 100 * (np.maximum(bank.habits.inflow[who], 500) if errand.of_pay else 1))
    if errand.purpose == "cash":
        cents = np.maximum(cents // 10_000, 1) * 10_000
    day = draw_days(rng, frame.month, "plain", len(who))
    second = draw_seconds(rng, errand.hours, len(who))
    channel = rng.choice(errand.channels, len(who), p=errand.shares)
    elsewhere = accounts_elsewhere(rng, len(who))
    bank_code = np.where(rng.random(len(who)) < 0.7, OWN_BANK, rng.integers(1, 13, len(who)))
    kept = np.arange(len(who)) if sign > 0 else frame.spend(who, cents)
    moves = errand.purpose == "transfer"
    frame.flows.add(
        bank.accounts.main[shelf.CURRENT, who[kept]], day[kept], second[kept], sign * cents[kept], channel[kept],
        PURPOSE[errand.purpose], kind=INFLOW if sign > 0 else FIXED,
        bank=bank_code[kept] if moves else -1, other=elsewhere[kept] if moves else 0,
    )  # fmt: skip
