"""The bank's calendar: months, business days, pay days, and when people spend. Days count from 1970-01-01."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bankmart.sources.simulate.holidays import CLOSED, KNOWN_YEARS, WORKED

Array = npt.NDArray[Any]
NEVER = 1 << 30
EPOCH = date(1970, 1, 1)
SPRING_FESTIVAL = {
    festival.year: festival
    for festival in (
        date(2015, 2, 19), date(2016, 2, 8), date(2017, 1, 28), date(2018, 2, 16), date(2019, 2, 5),
        date(2020, 1, 25), date(2021, 2, 12), date(2022, 2, 1), date(2023, 1, 22), date(2024, 2, 10),
        date(2025, 1, 29), date(2026, 2, 17), date(2027, 2, 6), date(2028, 1, 26), date(2029, 2, 13),
        date(2030, 2, 3), date(2031, 1, 23), date(2032, 2, 11), date(2033, 1, 31), date(2034, 2, 19),
        date(2035, 2, 8),
    )
}  # fmt: skip
SHOPPING_BY_WEEKDAY = (0.92, 0.9, 0.92, 0.95, 1.05, 1.18, 1.12)
HOURS = {
    "day": (2, 1, 1, 0, 0, 1, 3, 8, 14, 18, 20, 22, 24, 18, 18, 20, 20, 22, 25, 26, 24, 18, 11, 5),
    "office": (0, 0, 0, 0, 0, 0, 0, 0, 4, 18, 22, 18, 9, 12, 20, 20, 14, 6, 1, 0, 0, 0, 0, 0),
    "evening": (4, 2, 1, 1, 1, 2, 6, 12, 14, 12, 12, 12, 16, 12, 10, 10, 11, 14, 18, 24, 28, 26, 18, 9),
    "night": (20, 26, 30, 24, 12, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 8),
}


@dataclass(frozen=True)
class Month:
    """A calendar month; `serial` is year × 12 + month − 1, `first` and `last` are day numbers."""

    serial: int
    first: int
    last: int

    @staticmethod
    def of(serial: int) -> Month:
        """The month with this serial."""
        year, month = divmod(serial, 12)
        first = date(year, month + 1, 1)
        length = monthrange(year, month + 1)[1]
        return Month(serial, day_number(first), day_number(first) + length - 1)

    @property
    def year(self) -> int:
        """The year."""
        return self.serial // 12

    @property
    def number(self) -> int:
        """1 to 12."""
        return self.serial % 12 + 1

    @property
    def days(self) -> Array:
        """The month's day numbers."""
        return np.arange(self.first, self.last + 1)

    def on(self, day_of_month: int) -> int:
        """The day number of a day of this month, the last one where the month is shorter."""
        return min(self.first + day_of_month - 1, self.last)

    def pay_day(self, nominal: int) -> int:
        """The business day on or before the nominal pay day."""
        day = self.on(nominal)
        while day > self.first and not is_business_day(day):
            day -= 1
        return day


def day_number(moment: date) -> int:
    """Days since 1970-01-01."""
    return (moment - EPOCH).days


def to_date(day: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=int(day))


@cache
def is_business_day(day: int) -> bool:
    """Whether banks are open: as announced where that is known, else no weekend and no holiday week."""
    moment = to_date(day)
    if moment.year in KNOWN_YEARS:
        return moment in WORKED or (moment.weekday() < 5 and moment not in CLOSED)
    is_holiday = (moment.month, moment.day) == (1, 1) or -1 <= festival_distance(day) <= 6
    is_golden_week = (moment.month == 10 and moment.day <= 7) or (moment.month == 5 and moment.day <= 5)
    return moment.weekday() < 5 and not is_holiday and not is_golden_week


@cache
def festival_distance(day: int) -> int:
    """Days since Spring Festival of the year (negative before it); far away where it isn't known."""
    festival = SPRING_FESTIVAL.get(to_date(day).year)
    return day - day_number(festival) if festival else 999


@cache
def weights(month: Month, kind: str) -> tuple[float, ...]:
    """How much of `kind` (shopping, cash, transfer, plain) happens on each day; 1 is an ordinary day."""
    return tuple(_weight(int(day), kind) for day in month.days)


def _weight(day: int, kind: str) -> float:
    if kind == "plain":
        return 1.0
    moment, festival = to_date(day), festival_distance(day)
    if kind == "transfer":
        return 2.6 if -2 <= festival <= 3 else 0.95
    before = -16 <= festival <= -1
    if kind == "cash":
        return 2.4 if -8 <= festival <= -1 else 1.15 if moment.day >= 25 or moment.day == 10 else 0.95
    weight = SHOPPING_BY_WEEKDAY[moment.weekday()] * (1.08 if moment.day in (10, 11, 12, 15, 16) else 1.0)
    if before:
        return weight * 1.5
    if 0 <= festival <= 6:
        return weight * 0.65
    return weight * {(11, 11): 2.4, (6, 18): 1.7}.get((moment.month, moment.day), 1.0)


def draw_days(rng: np.random.Generator, month: Month, kind: str, count: int) -> Array:
    """`count` days of the month, drawn by the weights of `kind`."""
    cumulative = np.cumsum(weights(month, kind))
    within = rng.random(count) * cumulative[-1]
    day: Array = month.first + np.searchsorted(cumulative, within, side="right")
    return day


def season(month: Month, kind: str) -> float:
    """How busy the month is in `kind`, 1 being thirty ordinary days."""
    return sum(weights(month, kind)) / 30.4


def draw_seconds(rng: np.random.Generator, kind: str, count: int) -> Array:
    """Seconds since midnight, drawn by the hours of `kind` (day, office, evening, night)."""
    cumulative = np.cumsum(HOURS[kind])
    within = rng.random(count) * cumulative[-1]
    hour = np.searchsorted(cumulative, within, side="right")
    second: Array = hour * 3600 + (rng.random(count) * 3600).astype(np.int64)
    return second
