"""Where savings lie: first deposits, moves between current and savings accounts, term deposits."""

from __future__ import annotations

import numpy as np

from bankmart.sources.simulate.calendar import NEVER, Array
from bankmart.sources.simulate.life.ledger import BRANCH, MOBILE, SYSTEM, TRANSFER
from bankmart.sources.simulate.life.state import Frame, Purchase
from bankmart.sources.simulate.world import products as shelf
from bankmart.sources.simulate.world.habits import DORMANT, PENSION, SALARY


def join(frame: Frame, customer: Array, is_old: bool) -> Array:
    """Open these customers' accounts and pay in their first money; returns cents left for wealth products.

    Old customers came before history starts: their balances are one deposit on its first day.
    """
    rng, bank = frame.rng("settle" if is_old else "join"), frame.bank
    habits, accounts, count = bank.habits, bank.accounts, len(customer)
    opened = bank.people.open_day[customer]
    kind = habits.kind[customer]
    product = np.select([kind == SALARY, kind == PENSION], [1, 2], 0)
    current = accounts.open(customer, product, opened, rng)
    taste = habits.affinity[customer]
    wealth, inflow = habits.wealth[customer], habits.inflow[customer]
    buffer = np.minimum(inflow * rng.uniform(2.0, 4.0, count), wealth)
    buffer = np.where(habits.stage[customer] == DORMANT, wealth * rng.uniform(0.2, 1, count), buffer)
    rest = wealth - buffer
    has_savings = (rng.random(count) < taste[:, shelf.SAVINGS]) | (rest > 30_000)
    has_term = (rng.random(count) < taste[:, shelf.TERM_DEPOSIT]) & (rest > 8_000) & is_old
    has_wealth = (rng.random(count) < taste[:, shelf.WEALTH] + taste[:, shelf.FUND]) & (rest > 12_000) & is_old
    weight = np.column_stack(
        [
            has_savings * rng.gamma(2.0, 1, count),
            has_term * rng.gamma(2.0, 1, count),
            has_wealth * rng.gamma(1.6, 1, count),
        ]
    )
    weight[:, 0] += 1e-9
    part = weight / weight.sum(axis=1, keepdims=True) * rest[:, None]
    first_cents = np.maximum((buffer + np.where(has_savings, 0, part[:, 0])) * 100, 1000)
    first = np.full(count, frame.month.first) if is_old else opened
    moment = 1 if is_old else 10 * 3600
    channel = SYSTEM if is_old else np.where(rng.random(count) < 0.5, BRANCH, MOBILE)
    frame.flows.add(current, first, moment, first_cents, channel, "deposit")
    savers = np.flatnonzero(has_savings)
    since = opened[savers]
    if is_old:
        since = since + ((frame.month.first - since) * rng.random(len(savers)) ** 2).astype(int)
    kind_of = rng.choice(shelf.of_line(shelf.SAVINGS, on_sale=False), len(savers), p=[0.6, 0.35, 0.05])
    savings = accounts.open(customer[savers], kind_of, since, rng)
    channel = SYSTEM if is_old else BRANCH
    cents = np.maximum(part[savers, 0] * 100, 1000)
    frame.flows.add(savings, first[savers], moment + 60, cents, channel, "deposit")
    if is_old:
        _old_terms(frame, rng, customer[has_term], part[has_term, 1] * 100)
        _old_dormants(frame, customer, current)
        # The opening deposits stand before anything else is spent.
        accounts.balance[current] = np.rint(first_cents)
        accounts.balance[savings] = np.rint(cents)
        frame.measure_room()
        accounts.balance[:] = 0
    left: Array = np.rint(part[:, 2] * 100).astype(np.int64)
    return left


def sweep(frame: Frame) -> None:
    """Move what is too much on the current account to savings, and back when it gets short."""
    rng, bank, n = frame.rng("sweep"), frame.bank, frame.count
    accounts, usual = bank.accounts, bank.habits.inflow[:n] * 100
    current, savings = accounts.main[shelf.CURRENT, :n], accounts.main[shelf.SAVINGS, :n]
    held, saved = frame.room / 0.85
    may = frame.is_present & (current >= 0) & (rng.random(n) < 0.55)
    excess = np.where(may & (held > 4.2 * usual + 20_000), (held - 3.2 * usual) * 0.8, 0) // 10_000 * 10_000
    lonely = np.flatnonzero((savings < 0) & (excess > 2_000_000) & (rng.random(n) < 0.12))
    if len(lonely):
        day = rng.integers(frame.month.first, frame.month.first + 5, len(lonely))
        day = np.minimum(day, frame.limit_day[lonely])
        accounts.open(lonely, np.full(len(lonely), shelf.number("SA02")), day, rng)
        savings = accounts.main[shelf.SAVINGS, :n]
    day = rng.integers(frame.month.on(6), frame.month.on(20), n)
    for line, source, target, cents in (
        (0, current, savings, excess),
        (1, savings, current, np.where(may & (held < 1.3 * usual), usual // 100_000 * 100_000, 0)),
    ):
        who = np.flatnonzero((cents > 0) & (savings >= 0))
        who = who[frame.take(line, who, cents[who])]
        seconds = 9 * 3600 + rng.integers(0, 36_000, len(who))
        frame.flows.add(source[who], day[who], seconds, -cents[who], MOBILE, "transfer", bank=0,
                        other=accounts.ids(target[who]))  # fmt: skip
        frame.flows.add(target[who], day[who], seconds, cents[who], MOBILE, "transfer", bank=0,
                        other=accounts.ids(source[who]))  # fmt: skip


def mature(frame: Frame) -> None:
    """Term deposits that end this month: interest, then out; about two in three are laid down again."""
    rng, bank, month = frame.rng("mature"), frame.bank, frame.month
    accounts = bank.accounts
    due = (accounts.matures >= month.first) & (accounts.matures <= month.last) & (accounts.closed == NEVER)
    due &= bank.people.closed_day[accounts.customer] > month.last
    index = np.flatnonzero(due)
    # Who leaves in this month takes the deposit along on leaving.
    index = index[frame.limit_day[accounts.customer[index]] >= accounts.matures[index]]
    index = index[accounts.main[shelf.CURRENT, accounts.customer[index]] >= 0]
    customer, day, cents = accounts.customer[index], accounts.matures[index], accounts.balance[index]
    interest = np.rint(cents * shelf.RATE[accounts.product[index]] * shelf.TERM[accounts.product[index]] / 12)
    current = accounts.main[shelf.CURRENT, customer]
    frame.flows.add(index, day, 3600, interest, SYSTEM, "interest")
    frame.flows.add(index, day, 3660, -(cents + interest), SYSTEM, "deposit", bank=0, other=accounts.ids(current))
    frame.flows.add(current, day, 3660, cents + interest, SYSTEM, "deposit", bank=0, other=accounts.ids(index))
    accounts.close(index, day)
    again = (rng.random(len(index)) < 0.66) & (bank.mood[customer] > -1.2) & (frame.limit_day[customer] >= month.last)
    _lay_down(
        frame,
        rng,
        customer[again],
        accounts.product[index][again],
        day[again],
        cents[again],
        from_current=True,
    )


def buy_terms(frame: Frame) -> None:
    """New term deposits, from the savings account: those wished for by campaigns, and those by taste."""
    rng, bank, n = frame.rng("terms"), frame.bank, frame.count
    chance = 0.03 * bank.habits.affinity[:n, shelf.TERM_DEPOSIT] * frame.is_present * ~frame.is_lost()
    who = np.flatnonzero((rng.random(n) < chance) & (frame.room[1] > 800_000))
    product = rng.choice(shelf.of_line(shelf.TERM_DEPOSIT), len(who))
    cents = frame.room[1, who] * rng.uniform(0.25, 0.7, len(who)) // 100_000 * 100_000
    day = rng.integers(frame.month.on(3), frame.month.on(27), len(who))
    wishes = [Purchase(who, product, day, cents), *frame.purchases]
    for rank, wish in enumerate(wishes):
        chosen = (shelf.LINE[wish.product] == shelf.TERM_DEPOSIT) & (
            frame.limit_day[wish.customer] > frame.month.on(28) - 1
        )
        customer, cents = wish.customer[chosen], wish.cents[chosen].astype(np.int64)
        has = frame.take(1, customer, cents)
        product, day = wish.product[chosen][has], wish.day[chosen][has]
        _lay_down(frame, rng, customer[has], product, day, cents[has])
        if rank == 0:
            frame.sales.append(Purchase(customer[has], product, day, cents[has]))


def _lay_down(
    frame: Frame,
    rng: np.random.Generator,
    customer: Array,
    product: Array,
    day: Array,
    cents: Array,
    *,
    from_current: bool = False,
) -> None:
    accounts = frame.bank.accounts
    if not len(customer):
        return
    term = accounts.open(customer, product, day, rng, shelf.TERM[product])
    line = shelf.CURRENT if from_current else shelf.SAVINGS
    source, second = accounts.main[line, customer], 4000 if from_current else 11 * 3600
    by_app = (frame.bank.habits.app_rate[customer] > 0) & (customer % 4 > 0)
    channel = np.where(from_current, SYSTEM, np.where(by_app, MOBILE, BRANCH))
    frame.flows.add(source, day, second, -cents, channel, "deposit", bank=0, other=accounts.ids(term))
    frame.flows.add(term, day, second, cents, channel, "deposit", bank=0, other=accounts.ids(source))


def _old_terms(frame: Frame, rng: np.random.Generator, customer: Array, cents: Array) -> None:
    """Term deposits from before history: they are half way through on average, or a little."""
    accounts, count = frame.bank.accounts, len(customer)
    product = rng.choice(
        shelf.of_line(shelf.TERM_DEPOSIT, on_sale=False), count, p=[0.12, 0.18, 0.34, 0.16, 0.14, 0.06]
    )
    elapsed = shelf.TERM[product] * 30.4375 * rng.uniform(0.02, 0.97, count)
    joined = frame.bank.people.open_day[customer]
    opened = np.maximum(frame.month.first - 1 - elapsed.astype(int), joined)
    index = accounts.open(customer, product, opened, rng, shelf.TERM[product])
    early = accounts.matures[index] <= frame.month.last
    accounts.matures[index[early]] += 365
    frame.flows.add(index, frame.month.first, 121, np.maximum(cents, 100_000), SYSTEM, "deposit")


def _old_dormants(frame: Frame, customer: Array, current: Array) -> None:
    """Accounts long asleep say so."""
    bank = frame.bank
    asleep = (bank.habits.stage[customer] == DORMANT) & (bank.habits.luck[customer, 1] < 0.5)
    since = np.maximum(bank.people.open_day[customer] + 400, frame.month.first - 300)
    asleep &= since < frame.month.first
    index = current[asleep]
    bank.accounts.status[index] = 1
    bank.accounts.hand_over(index, since[asleep])


def windfalls(frame: Frame) -> None:
    """Large sums that customers bring in from other banks: how a customer rises to the next tier."""
    rng, bank, n = frame.rng("windfall"), frame.bank, frame.count
    current = bank.accounts.main[shelf.CURRENT, :n]
    who = np.flatnonzero((bank.windfall_day[:n] <= frame.month.last) & frame.is_present & (current >= 0))
    who = who[bank.windfall_day[who] <= frame.limit_day[who]]
    size = np.maximum(bank.aum[who], 1_000_000) * rng.uniform(0.35, 1.6, len(who)) // 100_000 * 100_000
    frame.flows.add(
        current[who], bank.windfall_day[who], rng.integers(32_400, 61_200, len(who)), size, TRANSFER,
        "transfer", bank=rng.integers(1, 13, len(who)), other=6_230_000_000_000_000 + who * 31,
    )  # fmt: skip
