"""The ledger of tags, dbt_project/tag_ledger.csv: every version there ever was, compared with the working tree."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path

from bankmart import settings
from bankmart.governance.policy import Node
from bankmart.governance.tags import definition, registry
from bankmart.governance.tags.registry import STATUSES, Tag

NAME = "dbt_project/tag_ledger.csv"
ACCEPT = "run `bankmart tags --accept` and commit the ledger"
Key = tuple[str, int]


@dataclass(frozen=True)
class Entry:
    """One version of one tag, as it was accepted; dates are ISO text, end_date may be empty."""

    key: str
    version: int
    status: str
    definition_hash: str
    review_date: str
    end_date: str


Ledger = dict[Key, Entry]
HEADER = [field.name for field in fields(Entry)]


def path() -> Path:
    """The ledger's file."""
    return settings.ROOT / NAME


def read(file: Path) -> Ledger:
    """(key, version) → entry; empty where the file is not there yet."""
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    entries = [Entry(row["key"], int(row["version"]), *(row[name] for name in HEADER[2:])) for row in rows]
    return {(entry.key, entry.version): entry for entry in entries}


def write(file: Path, ledger: Ledger) -> None:
    """Write the ledger, by key and version."""
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(astuple(ledger[key]) for key in sorted(ledger))


def entry(tag: Tag, definition_hash: str) -> Entry:
    """What the ledger keeps of a tag."""
    review, end = (day.isoformat() if day else "" for day in (tag.review_date, tag.end_date))
    return Entry(tag.key, tag.version, tag.status, definition_hash, review, end)


def findings(manifest: Node) -> list[str]:
    """What the working tree does to a tag's life that it may not, or that the ledger doesn't know of yet."""
    found = registry.tags(manifest)
    said = [line for tag in found for line in registry.validate(tag)] + registry.twice(found)
    if said or not (found or path().exists()):
        return said
    hashes, ledger, today = definition.definitions(manifest), read(path()), date.today()
    said = refused(found, hashes, ledger, today) + overdue(found, today)
    return said or [f"{NAME}: {what}; {ACCEPT}" for what in open_changes(found, hashes, ledger)]


def overdue(tags: list[Tag], today: date) -> list[str]:
    """Tags whose review is due: somebody has to look whether the judgement still holds."""
    return [
        f"{tag.where}: tag {tag.column}: its review date {tag.review_date} has passed; {tag.owner} looks whether it "
        "still holds, then sets the date of the next review (or freezes it with an end_date)"
        for tag in tags
        if tag.review_date and tag.review_date < today and tag.status in ("draft", "live")
    ]


def refused(tags: list[Tag], hashes: Mapping[Key, str], ledger: Ledger, today: date) -> list[str]:
    """What can't be accepted: changed definitions, keys used again, versions gone, steps back, two live versions."""
    found = []
    newest = {key: max(version for other, version in ledger if other == key) for key, _ in ledger}
    for tag in tags:
        where, known = f"{tag.where}: tag {tag.column}", ledger.get((tag.key, tag.version))
        if known is None:
            found += _refused_new(tag, where, ledger, newest.get(tag.key))
            continue
        if known.status != "draft" and known.definition_hash != hashes[tag.key, tag.version]:
            found.append(
                f"{where}: its definition ({tag.sql_file}) is not that of version {tag.version} any more; put it back "
                f"and give the new one version {tag.version + 1} beside it, as column {tag.key}_v{tag.version + 1}. "
                f"The old one stays, frozen, until its end_date"
            )
        found += [f"{where}: {what}" for what in _step(tag, known, today)]
    return found + _two_live(tags) + _gone(tags, ledger, today)


def _step(tag: Tag, known: Entry, today: date) -> list[str]:
    """What is wrong with the step from what the ledger has of a tag to what the working tree has of it."""
    before, now = STATUSES.index(known.status), STATUSES.index(tag.status)
    if now < before:
        return [
            f"it was {known.status} and can't become {tag.status} again: a tag goes "
            f"{' → '.join(STATUSES)}; give it a new version or another key"
        ]
    if now > before + 1:
        remedy = (
            "remove it"
            if known.status == "draft"
            else "set status: frozen, end_date: the day until which it can be read"
        )
        return [f"it was {known.status} and can't become {tag.status} at once: {remedy}"]
    if tag.status == "frozen" and tag.end_date and known.end_date and tag.end_date.isoformat() < known.end_date:
        return [
            f"its readers were told that it can be read until {known.end_date}, so it can't end on {tag.end_date} "
            "already; put the end_date back (a later one is allowed)"
        ]
    if tag.status == "frozen" and tag.end_date and tag.end_date < today:
        if known.status == "frozen":
            return [f"its end_date {tag.end_date} has passed; remove the column"]
        return [f"its end_date {tag.end_date} has passed already; freeze it until a day to come, so that readers know"]
    return []


def _refused_new(tag: Tag, where: str, ledger: Ledger, newest: int | None) -> list[str]:
    if tag.status not in ("draft", "live"):
        return [f"{where}: it is new and can't begin as {tag.status}; a tag begins as draft or live"]
    if newest is None:
        return [] if tag.version == 1 else [f"{where}: it is new, so its version is 1, not {tag.version}"]
    if ledger[tag.key, newest].status == "retired":
        return [f"{where}: key {tag.key} is retired ({NAME}) and can't be used again; choose another"]
    if tag.version != newest + 1:
        return [f"{where}: the newest version in {NAME} is {newest}; give it version {newest + 1}"]
    return []


def _two_live(tags: list[Tag]) -> list[str]:
    newest = {tag.key: tag for tag in tags}
    return [
        f"{tag.where}: tag {tag.column}: version {newest[tag.key].version} is beside it; "
        "freeze this one: status: frozen, end_date: the day until which it can be read"
        for tag in tags
        if tag is not newest[tag.key] and tag.status == "live" and newest[tag.key].status != "draft"
    ]


def _gone(tags: list[Tag], ledger: Ledger, today: date) -> list[str]:
    there, found = {(tag.key, tag.version) for tag in tags}, []
    for number, (key, known) in enumerate(sorted(ledger.items()), 2):
        if key in there or known.status in ("draft", "retired"):
            continue
        if known.status != "frozen" or not known.end_date or date.fromisoformat(known.end_date) >= today:
            until = f"frozen until {known.end_date}" if known.end_date else known.status
            found.append(
                f"{NAME}:{number}: tag {known.key} version {known.version} is {until}, but no model has it; put it "
                "back. To end it: status: frozen with an end_date, and remove it when that day has passed"
            )
    return found


def open_changes(tags: list[Tag], hashes: Mapping[Key, str], ledger: Ledger) -> list[str]:
    """What the ledger doesn't know of yet, in a few words each."""
    wanted = accepted(tags, hashes, ledger)
    changes = []
    for key in sorted(wanted.keys() | ledger.keys()):
        before, now = ledger.get(key), wanted.get(key)
        if before != now:
            what = "is new" if before is None else "is gone" if now is None else "has changed"
            changes.append(f"tag {key[0]} version {key[1]} {what}")
    return changes


def accepted(tags: list[Tag], hashes: Mapping[Key, str], ledger: Ledger) -> Ledger:
    """The ledger with the working tree's tags; a frozen version that is gone is retired, a draft leaves no trace."""
    now = {(tag.key, tag.version): entry(tag, hashes[tag.key, tag.version]) for tag in tags}
    past = {
        key: Entry(**{**vars(known), "status": "retired"})
        for key, known in ledger.items()
        if key not in now and known.status != "draft"
    }
    return past | now
