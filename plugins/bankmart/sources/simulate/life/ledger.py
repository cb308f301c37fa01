"""A month's money movements: collected from all who move money, then booked so that every balance adds up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bankmart.sources.simulate.calendar import Array
from bankmart.sources.simulate.write import dates, moments, money, numbers, words

if TYPE_CHECKING:
    from bankmart.sources.simulate.life.state import Frame

CHANNELS = ("branch", "atm", "mobile", "web", "pos", "card", "transfer", "standing_order", "system")
BRANCH, ATM, MOBILE, WEB, POS, CARD, TRANSFER, STANDING_ORDER, SYSTEM = range(9)
PURPOSES = (
    "salary", "pension", "transfer", "cash", "shopping", "household", "insurance", "loan_repayment",
    "loan_drawdown", "interest", "fee", "penalty_interest", "tax", "wealth", "deposit", "other",
)  # fmt: skip
PURPOSE = {name: code for code, name in enumerate(PURPOSES)}
OWN_BANK = 0
BANKS = (
    "BANKMART",
    "ICBC",
    "CCB",
    "ABC",
    "BOC",
    "BOCOM",
    "CMB",
    "PSBC",
    "CITIC",
    "SPDB",
    "CIB",
    "WEBANK",
    "MYBANK",
)
FIXED, FREE, INFLOW = range(3)
COLUMNS = ("account", "day", "second", "cents", "channel", "purpose", "bank", "other", "kind", "mark")


@dataclass
class Flows:
    """Movements of one month; `cents` are signed as the account sees them.

    Kinds: FIXED are booked as they are (on the last ordinary day of someone who leaves); FREE are planned
    payments, scaled to what the customer can spend; INFLOW and FREE stop when someone leaves.
    """

    parts: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        account: Array,
        day: Array | int,
        second: Array | int,
        cents: Array,
        channel: Array | int,
        purpose: Array | int | str,
        *,
        kind: int = FIXED,
        bank: Array | int = -1,
        other: Array | int = 0,
        mark: int = 0,
    ) -> None:
        """Add movements; numbers stand for all rows."""
        code = PURPOSE[purpose] if isinstance(purpose, str) else purpose
        values = (account, day, second, np.rint(cents), channel, code, bank, other, kind, mark)
        self.parts.append(
            {
                name: np.broadcast_to(np.asarray(value, np.int64), len(account))
                for name, value in zip(COLUMNS, values, strict=True)
            }
        )

    def collect(self) -> dict[str, Array]:
        """All movements so far as one set of columns."""
        return {name: np.concatenate([part[name] for part in self.parts]) for name in COLUMNS}


def fit_to_means(frame: Frame, rows: dict[str, Array], target: Array) -> dict[str, Array]:
    """Drop what leavers no longer do, and scale planned payments to `target` cents per customer and month."""
    accounts = frame.bank.accounts
    customer = accounts.customer[rows["account"]]
    limit = frame.limit_day[customer]
    is_fixed = rows["kind"] == FIXED
    rows["day"] = np.where(is_fixed & (rows["channel"] != SYSTEM), np.minimum(rows["day"], limit), rows["day"])
    kept = is_fixed | (rows["day"] <= limit)
    is_free = rows["kind"] == FREE
    planned = np.bincount(customer[is_free], -rows["cents"][is_free], frame.count)
    allowed = np.minimum(target, frame.room[0])
    factor = np.minimum(allowed / np.maximum(planned, 1), np.minimum(1.25, frame.room[0] / np.maximum(planned, 1)))
    # Rounding to cents must not go over the room, hence down.
    cents = np.where(is_free, -np.floor(-rows["cents"] * factor[customer]), rows["cents"]).astype(np.int64)
    is_cash = is_free & (rows["purpose"] == PURPOSE["cash"])
    cents = np.where(is_cash, -(-cents // 10_000 * 10_000), cents)
    rows["cents"] = cents
    kept &= (cents != 0) & ~(is_free & (cents > -100))
    return {name: values[kept] for name, values in rows.items()}


def book(frame: Frame, rows: dict[str, Array]) -> dict[str, Array]:
    """Book the month: write transactions and balances, move the accounts' balances; returns the booked rows.

    The result is in the order of time and has `customer`, `balance` and `transaction_id` too.
    """
    accounts, month = frame.bank.accounts, frame.month
    span = (month.last - month.first + 1) * 86_400
    moment = (rows["day"] - month.first) * 86_400 + rows["second"]
    order = np.argsort(rows["account"] * span + moment, kind="stable")
    account, cents = rows["account"][order], rows["cents"][order]
    running = np.cumsum(cents)
    starts = np.flatnonzero(np.r_[True, account[1:] != account[:-1]])
    before = np.repeat(running[starts] - cents[starts], np.diff(np.r_[starts, len(account)]))
    balance = accounts.balance[account] + running - before
    ends = np.r_[starts[1:] - 1, len(account) - 1]
    rows = {name: values[order] for name, values in rows.items()}
    _write_balances(frame, account, rows["day"], balance)
    accounts.balance[account[ends]] = balance[ends]
    by_time = np.argsort(moment[order], kind="stable")
    booked = {name: values[by_time] for name, values in rows.items()}
    booked["balance"] = balance[by_time]
    booked["customer"] = accounts.customer[booked["account"]]
    booked["transaction_id"] = (month.year * 100 + month.number) * 10**9 + np.arange(1, len(account) + 1)
    _write_transactions(frame, booked)
    return booked


def _write_balances(frame: Frame, account: Array, day: Array, balance: Array) -> None:
    last = np.flatnonzero(np.r_[(account[1:] != account[:-1]) | (day[1:] != day[:-1]), True])
    rows = {
        "account_id": frame.bank.accounts.ids(account[last]),
        "balance_date": dates(day[last]),
        "balance_amount": money(balance[last]),
    }
    frame.bank.outbox.events("core_banking__balance", rows, day[last])


def _write_transactions(frame: Frame, booked: dict[str, Array]) -> None:
    rows = {
        "transaction_id": numbers(booked["transaction_id"]),
        "account_id": frame.bank.accounts.ids(booked["account"]),
        "transaction_date": dates(booked["day"]),
        "transaction_at": moments(booked["day"], booked["second"], booked["channel"] != SYSTEM),
        "direction": words(["out", "in"], (booked["cents"] > 0).astype(int)),
        "amount": money(np.abs(booked["cents"])),
        "balance_amount": money(booked["balance"]),
        "channel": words(CHANNELS, booked["channel"]),
        "purpose": words(PURPOSES, booked["purpose"]),
        "counterparty_bank": words(BANKS, booked["bank"]),
        "counterparty_account": numbers(booked["other"], booked["other"] > 0),
    }
    frame.bank.outbox.events("core_banking__transaction", rows, booked["day"])


def deposits_at(frame: Frame, booked: dict[str, Array], before: Array, day: int) -> Array:
    """Deposits in cents per customer at the end of a day of the month, from those before the month."""
    from bankmart.sources.simulate.world.products import CREDIT_CARD

    counts = (booked["day"] <= day) & (frame.bank.accounts.line[booked["account"]] != CREDIT_CARD)
    moved = np.bincount(booked["customer"][counts], booked["cents"][counts].astype(float), frame.count)
    at: Array = before + np.rint(moved).astype(np.int64)
    return at
