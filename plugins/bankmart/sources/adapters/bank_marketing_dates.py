"""Days for contacts of which only month, weekday and order are known."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from bankmart.errors import BankmartError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIRST_YEAR = 2008
_OPENS_SECONDS, _OPEN_SECONDS = 9 * 3600, 11 * 3600


def contact_dates(month: pd.Series, weekday: pd.Series, daily: pd.DataFrame) -> pd.Series:
    """A date for each line, in file order, never falling.

    The year goes on where a month comes before the one above it. A new day begins where the weekday or one of the
    `daily` indicators changes; it is the next date of that weekday in the month. Where the month has no such date
    left, its lines stay on the day before: they know less of each other then, never more.

    Raises BankmartError for a month or weekday that isn't one.
    """
    for values, known in ((month, MONTHS), (weekday, WEEKDAYS)):
        if wrong := sorted(set(values) - set(known)):
            raise BankmartError(f"{values.name} is {wrong[0]!r}, known are {', '.join(known)}. Take the whole file.")
    number = month.map({name: at + 1 for at, name in enumerate(MONTHS)})
    year = FIRST_YEAR + (number.diff() < 0).cumsum()
    begins = (weekday != weekday.shift()) | (month != month.shift()) | (daily != daily.shift()).any(axis=1)
    days: list[date] = []
    current = date.min
    for line_year, line_month, line_weekday, is_new in zip(
        year, number, weekday.map({name: at for at, name in enumerate(WEEKDAYS)}), begins, strict=True
    ):
        if is_new:
            first = date(line_year, line_month, 1)
            start = max(first, current + timedelta(days=1)) if current > date.min else first
            wanted = start + timedelta(days=(line_weekday - start.weekday()) % 7)
            # A month without such a date left keeps its last one.
            current = wanted if wanted.month == line_month else max(current, first)
        days.append(current)
    return pd.to_datetime(pd.Series(days, index=month.index))


def moments(days: pd.Series) -> pd.Series:
    """A moment of each line on its day (UTC), in file order, spread over the hours in which people are called."""
    nth = days.groupby(days).cumcount()
    share = nth / days.groupby(days).transform("size")
    # Dates are the bank's, in the platform's time zone (+08:00): nine in the morning there.
    opens = days - pd.Timedelta(hours=8) + pd.Timedelta(seconds=_OPENS_SECONDS)
    return (opens + pd.to_timedelta(share * _OPEN_SECONDS, unit="s").dt.floor("ms")).dt.tz_localize("UTC")
