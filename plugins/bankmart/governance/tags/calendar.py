"""The bank's calendar as the gates see it: which days are comparable with which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bankmart.governance.build import Build

CALENDAR = "marts.dim_calendar"


@dataclass(frozen=True)
class Day:
    """One day: a business day or not, and what makes it unlike others."""

    is_business_day: bool
    is_pay_day: bool = False
    is_month_end: bool = False
    holiday: str | None = None

    @property
    def kind(self) -> str:
        """Days of the same kind are comparable."""
        if self.is_pay_day:
            return "pay day"
        if self.is_month_end:
            return "month end"
        if self.holiday:
            return "holiday"
        return "business day" if self.is_business_day else "day off"

    @property
    def is_special(self) -> bool:
        """Whether days of its kind come a few times a month at most."""
        return self.is_pay_day or self.is_month_end or bool(self.holiday)


def read(cursor: Any, build: Build) -> dict[date, Day]:
    """Day → what it is, from the build's calendar mart; empty where the project has none."""
    return _read(cursor, build.build_id)


def published(cursor: Any) -> dict[date, Day]:
    """The same from the newest published build, for what comes before a build's own: it reaches 400 days ahead."""
    cursor.execute("select build_id from governance.publication order by business_date desc limit 1")
    found = cursor.fetchone()
    return _read(cursor, found[0]) if found else {}


def _read(cursor: Any, build_id: int) -> dict[date, Day]:
    cursor.execute("select to_regclass(%s)", (CALENDAR,))
    if cursor.fetchone()[0] is None:
        return {}
    cursor.execute(
        "select calendar_date, is_business_day, is_pay_day, is_month_end, holiday from marts.dim_calendar"
        " where build_id = %s",
        (build_id,),
    )
    return {day: Day(*rest) for day, *rest in cursor.fetchall()}


def complete(known: Mapping[date, Day], days: Iterable[date]) -> dict[date, Day]:
    """The calendar of these days; one that it doesn't have is a business day from Monday to Friday."""
    return {day: known.get(day) or Day(is_business_day=day.weekday() < 5) for day in days}
