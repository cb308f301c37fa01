"""The app: sessions, and what is looked at in them."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import Array, draw_days, draw_seconds, season
from bankmart.sources.simulate.life.state import Frame
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.write import moments, numbers, words

SYSTEMS = ("Android", "iOS", "HarmonyOS")
SCREENS = (
    "home",
    "transfer",
    "deposit",
    "wealth",
    "fund",
    "loan",
    "card",
    "insurance",
    "bills",
    "settings",
    "service",
)
EVENTS = ("screen", "product_view", "search", "application_step")
SCREEN, PRODUCT_VIEW, SEARCH, APPLICATION_STEP = range(4)
LINE_SCREEN = np.array([2, 2, 2, 3, 4, 7, 5, 6])
PLAIN_SCREENS = np.array([0, 1, 8, 9, 10])
PLAIN_SHARE = (0.34, 0.34, 0.18, 0.08, 0.06)


def use_app(frame: Frame) -> None:
    """The month's sessions and events; the fewer, the less content the customer is."""
    rng, bank, month, n = frame.rng("app"), frame.bank, frame.month, frame.count
    cheer = np.clip(np.exp(0.55 * np.minimum(bank.mood[:n], 0.5)), 0.06, 1.35)
    rate = bank.habits.app_rate[:n] * cheer * frame.is_present * np.where(frame.is_lost(), 0.05, 1.0)
    rate *= 0.5 + 0.5 * season(month, "shopping")
    who = np.repeat(np.arange(n), rng.poisson(rate))
    day, second = draw_days(rng, month, "plain", len(who)), draw_seconds(rng, "evening", len(who))
    kept = day <= frame.limit_day[who]
    order = np.flatnonzero(kept)[np.argsort(day[kept] * 86_400 + second[kept], kind="stable")]
    who, day, second = who[order], day[order], np.minimum(second[order], 85_500)
    seconds = np.minimum(rng.lognormal(4.4, 0.8, len(who)), 880).astype(np.int64) + 3
    system = (bank.habits.luck[who, 5] * 3).astype(int)
    session_id = (month.year * 100 + month.number) * 10**9 + np.arange(1, len(who) + 1)
    rows = {
        "session_id": numbers(session_id),
        "customer_id": bank.people.ids(who),
        "started_at": moments(day, second),
        "duration_seconds": numbers(seconds),
        "device_os": words(SYSTEMS, np.where(rng.random(len(who)) < 0.02, -1, system)),
    }
    bank.outbox.events("mobile__session", rows, day)
    bank.memory.put("sessions", month, np.bincount(who, minlength=n))
    _look_around(frame, rng, who, day, second, seconds, session_id)


def _look_around(
    frame: Frame,
    rng: np.random.Generator,
    who: Array,
    day: Array,
    second: Array,
    seconds: Array,
    session_id: Array,
) -> None:
    bank, month = frame.bank, frame.month
    per_session = 1 + rng.poisson(1.0, len(who))
    session = np.repeat(np.arange(len(who)), per_session)
    count = len(session)
    rank = np.arange(count) - np.repeat(np.cumsum(per_session) - per_session, per_session)
    customer = who[session]
    offset = (seconds[session] * rank / per_session[session]).astype(np.int64)
    line = _line_of_interest(rng, bank.habits.affinity, customer)
    # Accounts are looked at too, by anyone.
    account_view = frame.rng("account views").random(count)
    line = np.select([account_view < 0.025, account_view < 0.06], [shelf.CURRENT, shelf.SAVINGS], line)
    draw = rng.random(count)
    kind = np.select([draw < 0.42, draw < 0.46, draw < 0.5], [PRODUCT_VIEW, SEARCH, APPLICATION_STEP], SCREEN)
    kind = np.where(rank == 0, SCREEN, kind)
    plain = PLAIN_SCREENS[np.searchsorted(np.cumsum(PLAIN_SHARE), rng.random(count) * 0.9999)]
    screen = np.where(kind == SCREEN, np.where(rank == 0, 0, plain), LINE_SCREEN[line])
    per_line = np.bincount(shelf.LINE[shelf.ON_SALE], minlength=8)
    listing = np.argsort(np.where(shelf.ON_SALE, shelf.LINE, 99), kind="stable")
    first = np.cumsum(per_line) - per_line
    product = listing[first[line] + (rng.random(count) ** 1.4 * per_line[line]).astype(int)]
    shows = (kind == PRODUCT_VIEW) | (kind == APPLICATION_STEP)
    rows = {
        "event_id": numbers((month.year * 100 + month.number) * 10**9 + np.arange(1, count + 1)),
        "session_id": numbers(session_id[session]),
        "customer_id": bank.people.ids(customer),
        "occurred_at": moments(day[session], second[session] + offset),
        "event_type": words(EVENTS, kind),
        "screen": words(SCREENS, screen),
        "product_id": words(shelf.IDS, np.where(shows, product, -1)),
    }
    bank.outbox.events("mobile__event", rows, day[session])
    for code in range(2, len(shelf.LINES)):
        views = customer[shows & (line == code)]
        bank.memory.put(f"views_{code}", month, np.bincount(views, minlength=frame.count))


def _line_of_interest(rng: np.random.Generator, affinity: Array, customer: Array) -> Array:
    """The product line that each event is about: term deposit to credit card, by taste."""
    cumulative = np.cumsum(affinity[:, 2:] ** 1.3, axis=1)
    scaled = cumulative / cumulative[:, -1:]
    draw = rng.random(len(customer))
    line = np.full(len(customer), 2)
    for column in range(scaled.shape[1] - 1):
        line += draw > scaled[customer, column]
    return line
