"""Whether a system's files of a date are there, and what to do about it: the waiting task asks every half minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bankmart import settings
from bankmart.sources import contract, landing
from bankmart.sources import load as loader
from bankmart.text import table


@dataclass(frozen=True)
class Arrival:
    """The state of one system's files of one date; `reason` says it to a person."""

    arrived: bool
    absent: bool
    late: bool
    reason: str


def look(system: str, business_date: date, *, overdue: bool = False, scheduled: bool = False) -> Arrival:
    """Look for a system's files.

    A required system is waited for, then late; before the bank's first delivery a scheduled run waits for nothing. A
    system with no required table is absent where it has never delivered; once it has, it is waited for too, and absent
    for the date when overdue.
    """
    tables = contract.load()[system].values()
    root = settings.landing_dir()
    missing = loader.missing(system, business_date, root)
    if missing and scheduled and not loader.has_delivered(system):
        reason = (
            f"{system} has never delivered: the platform is not live yet. Put the first files into {root} "
            "and start ingest_daily by hand with their date."
        )
        return Arrival(False, True, False, reason)
    if missing:
        names = ", ".join(str(path) for path in missing)
        if overdue:
            reason = (
                f"{system} of {business_date} did not come in time. Missing: {names}. "
                "Ask the sender, then clear this task."
            )
            return Arrival(False, False, True, reason)
        return Arrival(False, False, False, f"waiting for {system} of {business_date}: {names}")
    folders = [landing.folder(root, system, table.name, business_date) / landing.MANIFEST for table in tables]
    if any(path.exists() for path in folders):
        return Arrival(True, False, False, f"{system} of {business_date} is there")
    if not loader.has_delivered(system):
        return Arrival(False, True, False, f"{system} has never delivered: what is made of it is absent")
    if overdue:
        return Arrival(
            False, True, False, f"{system} did not deliver for {business_date}: its rows of the day are missing"
        )
    return Arrival(False, False, False, f"waiting for {system} of {business_date}: it has delivered before")


def load(system: str, business_date: date, run_id: str) -> str:
    """Load a system's files; returns a line per table: what was read, accepted and rejected.

    Raises LoadRefused where the delivery may not be loaded.
    """
    done = loader.load_system(system, business_date, run_id=run_id)
    rows = [[each.table, each.status, each.read, each.accepted, each.rejected, each.seconds] for each in done.tables]
    return table(["table", "status", "read", "accepted", "rejected", "seconds"], rows)
