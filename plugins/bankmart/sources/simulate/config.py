"""What to simulate, and the random numbers that each concern draws from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from bankmart.sources.simulate.calendar import Month, day_number
from bankmart.sources.simulate.faults import FAULTS


@dataclass(frozen=True)
class SimulationConfig:
    """One bank: `customers` at go-live, `months` of history before it, `days` of daily extracts after it.

    `late` says whether some rows of the daily extracts come days after their date, or restate the past.
    Raises ValueError where a number is out of range or a fault has no such name.
    """

    landing: Path
    truth: Path
    customers: int = 5000
    months: int = 18
    days: int = 3
    go_live: date = date(2026, 10, 31)
    seed: int = 7
    faults: tuple[str, ...] = ()
    late: bool = True

    def __post_init__(self) -> None:
        """Refuse what can't be simulated."""
        if self.customers < 50:
            raise ValueError(f"customers is {self.customers}; a bank needs at least 50")
        if self.months < 1 or self.days < 0 or self.seed < 0:
            raise ValueError("months must be at least 1, days and seed at least 0")
        if unknown := sorted(set(self.faults) - set(FAULTS)):
            raise ValueError(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")

    @property
    def go_live_day(self) -> int:
        """The go-live date as days since 1970-01-01."""
        return day_number(self.go_live)

    @property
    def last_day(self) -> int:
        """The last business date as a day number."""
        return self.go_live_day + self.days

    @property
    def first_month(self) -> Month:
        """The month in which history starts (it always starts on the first of a month)."""
        next_day = self.go_live_day + 1
        year, month = _year_month(next_day)
        return Month.of(year * 12 + month - 1 - self.months)

    def calendar(self) -> list[Month]:
        """The months from the start of history to the last daily extract, each whole."""
        last = _year_month(self.last_day)
        serials = range(self.first_month.serial, last[0] * 12 + last[1])
        return [Month.of(serial) for serial in serials]

    def rng(self, concern: str, serial: int = 0) -> np.random.Generator:
        """The generator of one concern in one month: what is drawn there moves no other number."""
        return np.random.default_rng([self.seed, zlib.crc32(concern.encode()), serial])


def _year_month(day: int) -> tuple[int, int]:
    moment = date.fromordinal(day + date(1970, 1, 1).toordinal())
    return moment.year, moment.month
