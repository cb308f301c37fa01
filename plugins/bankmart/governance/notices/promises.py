"""By when each published table is promised (`meta.promised_time`), compared with the clock: whoever reads is told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bankmart import db
from bankmart.governance import notices, project, stops

# After so many days without a new date nobody waits for one: a demo, or a platform that was put aside.
WAITED_FOR = timedelta(days=7)
SHOWN = 5


def check(day: date, now: datetime | None = None) -> str:
    """Tell of each time of day that has passed without the business date's tables; a date is promised for the next day.

    The catalogue, as of the last publication, knows what was promised.
    """
    here = (now or datetime.now(tz=ZoneInfo("UTC"))).astimezone(ZoneInfo(project.variables()["timezone"]))
    promised_for = day + timedelta(days=1)
    if here.date() < promised_for:
        return f"{day} is promised for {promised_for}"
    clock = "24:00" if here.date() > promised_for else f"{here:%H:%M}"
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select promised_time, array_agg(distinct model order by model) from governance.dictionary"
            " where promised_time <= %s group by promised_time order by promised_time",
            (clock,),
        )
        passed = cursor.fetchall()
        cursor.execute("select 1 from governance.publication where business_date = %s", (day,))
        is_there = cursor.fetchone() is not None
    newest = stops.published_date()
    if newest is None or newest < day - WAITED_FOR:
        return f"nobody waits for {day}: {f'the newest published date is {newest}' if newest else 'none was published'}"
    if is_there:
        return f"{day} is published"
    if not passed:
        return f"{day}: no promised time has passed yet at {clock}"
    return "\n".join(_tell(day, by, tables, newest) for by, tables in passed)


def _tell(day: date, by: str, tables: list[str], newest: date) -> str:
    more = f" and {len(tables) - SHOWN} more" if len(tables) > SHOWN else ""
    subject = f"{day} is not published by {by}, as was promised"
    body = (
        f"{subject}: {len(tables)} tables ({', '.join(tables[:SHOWN])}{more}).\n"
        f"{stops.protected(newest)} What holds it up is in `bankmart builds` and in the date's runs: "
        "a late file, a red gate, a person's word that is waited for.\nRunbook: docs/runbook.md#a-date-is-late"
    )
    notices.tell("promise", subject, body)
    return body
