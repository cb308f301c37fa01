"""Reading the whole chain again: was an entry altered, removed, moved, slipped in, or the end cut off?

And what people said beside it: was that changed by anybody but an erasure?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bankmart import db
from bankmart.errors import BankmartError
from bankmart.governance.audit import anchor, protection, words
from bankmart.governance.audit.chain import START, entry_hash

if TYPE_CHECKING:
    from psycopg2.extensions import connection

PIECE = 5_000
MOST = 20
# Every publication is in the chain, by the same transaction.
UNSAID = """
select event, to_char(business_date, 'YYYY-MM-DD'), build_id from governance.publication_event
except all
select kind, subject, (facts ->> 'build_id')::bigint from audit.entry where kind in ('publish', 'rollback')
order by 2, 1
"""
PUBLISHED = """
select
    (select count(*) from governance.publication_event),
    count(*),
    count(*) filter (where number > %s)
from audit.entry where kind in ('publish', 'rollback')
"""


class AuditBroken(BankmartError):
    """The chain is not what it was: says where."""


@dataclass(frozen=True)
class Report:
    """What was found: `findings` break the chain, `notes` are to be known."""

    entries: int
    head: str
    anchors: int
    findings: tuple[str, ...]
    notes: tuple[str, ...]

    def text(self) -> str:
        """For the log and the terminal."""
        lines = [f"{self.entries} entries, head {self.head}, {self.anchors} heads outside the database"]
        lines += [f"note: {note}" for note in self.notes]
        if self.findings:
            lines += ["the audit chain is broken:", *(f"  {finding}" for finding in self.findings[:MOST])]
            if len(self.findings) > MOST:
                lines.append(f"  and {len(self.findings) - MOST} more")
            return "\n".join([*lines, "Runbook: docs/runbook.md#the-audit-chain-is-broken"])
        return "\n".join([*lines, "the audit chain is whole"])


def verify() -> Report:
    """Read the whole chain in one snapshot and compare it with itself, with its tip and with every head outside."""
    with db.connect("platform") as link:
        # One moment of the table, however long it takes: entries that are added meanwhile belong to the next time.
        link.set_session(isolation_level="repeatable read", readonly=True)
        anchors, broken = anchor.read()
        wanted = {each.number: each for each in anchors}
        said = words.Stated()
        findings, known, last, digest = _walk(link, set(wanted), said)
        with link.cursor() as cursor:
            cursor.execute("select number, hash from audit.tip")
            tip = cursor.fetchone()
            # The end of the chain can only be missing where something says how long it was.
            if tip != (last, digest):
                findings.append(f"the tip says that entry {tip[0] if tip else '?'} is the newest, the newest is {last}")
            findings += said.findings(cursor)
            findings += protection.findings(cursor)
            cursor.execute(UNSAID)
            findings += [f"{event} of {day} (build {build}) is not in the chain" for event, day, build in cursor]
            cursor.execute(PUBLISHED, (max(wanted, default=0),))
            events, said, unanchored = db.one(cursor)
    # Every head, not only the newest of its number: two that differ are two chains.
    known[0] = START
    findings += [_contradiction(each, last) for each in anchors if known.get(each.number) != each.hash]
    findings += [f"line {line} of {anchor.NAME} can't be read" for line in broken]
    notes = []
    if not anchors and (events or said):
        findings.append(
            f"no head is written down in {anchor.path()}, though one was after each of {max(events, said)} "
            "publications: the file is gone, or heads are kept elsewhere now and it was not brought along"
        )
    elif not anchors:
        notes.append(f"no head is written down in {anchor.path()} yet: a cut end of the chain would not show")
    elif unanchored:
        notes.append(f"{unanchored} publications have happened since a head was written down last")
    return Report(last, digest, len(anchors), tuple(findings), tuple(notes))


def _walk(link: connection, wanted: set[int], stated: words.Stated) -> tuple[list[str], dict[int, str], int, str]:
    """Findings, the hashes of the `wanted` numbers, and the last entry's number and hash."""
    findings: list[str] = []
    known: dict[int, str] = {}
    number, previous = 0, START
    with link.cursor("chain") as cursor:
        cursor.itersize = PIECE
        cursor.execute(
            "select number, happened_at, role_name, kind, actor, subject, facts, previous_hash, hash"
            " from audit.entry order by number"
        )
        for found, moment, role, kind, actor, subject, facts, said, digest in cursor:
            if found != number + 1:
                findings.append(f"entries {number + 1} to {found - 1} are missing")
            if said != previous:
                findings.append(f"entry {found} does not follow the one before it: removed, moved or slipped in")
            if entry_hash(found, moment, role, kind, actor, subject, facts, said) != digest:
                findings.append(f"entry {found} ({kind} {subject}) is not what was written: its hash differs")
            stated.read(found, role, kind, subject, facts)
            number, previous = found, digest
            if found in wanted:
                known[found] = digest
    return findings, known, number, previous


def _contradiction(each: anchor.Anchor, last: int) -> str:
    where = f"{anchor.NAME}, line {each.line}"
    if each.number > last:
        return f"{where}: entry {each.number} was the newest once, now the chain ends at {last}: its end is cut off"
    return f"{where}: entry {each.number} had another hash then: the chain before it was rewritten"
