"""The ledger of loads, governance.load: what was loaded when from which file, and what was refused."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, BinaryIO, cast

from psycopg2 import sql

from bankmart import settings
from bankmart.governance import audit
from bankmart.governance.people.erasure.replace import Tombstones
from bankmart.sources.contract import Table
from bankmart.sources.delivery import Delivery
from bankmart.sources.refusal import Reject, storable
from bankmart.vault import seal, store
from bankmart.vault.loading import Unlocked, vaulted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection
    from psycopg2.extensions import cursor as Cursor

    from bankmart.sources.load import TableLoad

KEPT_IN_MEMORY = 4 << 20
KEPT_OF_REFUSED = 100_000
QUARANTINE = """
    copy governance.quarantine
        (load_id, system, table_name, business_date, line_number, column_name, rule, reason, raw_text)
    from stdin
"""


@dataclass
class Attempt:
    """One try to load one file, as it goes on."""

    table: Table
    business_date: date
    run_id: str | None
    vault: Unlocked | None = None
    load_id: int = 0
    file_name: str = ""
    sha256: str | None = None
    control_totals: dict[str, str] = field(default_factory=dict)
    allowed: int = 0
    # Who is gone, where anybody is.
    gone: Tombstones | None = None
    read: int = 0
    accepted: int = 0
    rejected: int = 0
    _spool: BinaryIO | None = None
    _kept: int = 0
    _line_key: bytes = field(default=b"", repr=False)

    def keep(self, rejects: list[Reject]) -> None:
        """Keep rejected records until the end: all that a load may have, of a hopeless one the first.

        Of a table with identifiers they are sealed before they are kept anywhere.
        """
        if rejects and self.vault and not self._line_key and vaulted(self.table):
            self._line_key = seal.new_key()
        if self._spool is None:
            self._spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY))  # noqa: SIM115
        for reject in rejects[: max(self.allowed, KEPT_OF_REFUSED) - self._kept]:
            self._kept += 1
            raw = storable(reject.raw)
            if self._line_key:
                raw = store.seal_line(self._line_key, self.load_id, reject.line, raw)
            fields = (
                self.load_id, self.table.system, self.table.name, self.business_date, reject.line,
                reject.column, reject.rule, storable(reject.reason), raw,
            )  # fmt: skip
            self._spool.write("\t".join(map(_field, fields)).encode() + b"\n")

    def write_rejects(self, cursor: Cursor) -> None:
        """Put what was kept into the quarantine."""
        if self._line_key and self.vault:
            store.keep_load_key(cursor, self.vault.keys, self.load_id, self._line_key)
        if self._spool is not None:
            self._spool.seek(0)
            cursor.copy_expert(QUARANTINE, self._spool)


def current(cursor: Cursor, table: Table, business_date: date) -> tuple[int, str, int, int, int] | None:
    """The load that a date's rows come from: load_id, sha256, rows read, accepted and rejected."""
    cursor.execute(
        """
        select load_id, sha256, read_count, accepted_count, rejected_count
        from governance.load
        where system = %s and table_name = %s and business_date = %s and status = 'loaded'
        """,
        (table.system, table.name, business_date),
    )
    return cast("tuple[int, str, int, int, int] | None", cursor.fetchone())


def erased(cursor: Cursor, load_id: int) -> str | None:
    """The SHA-256 of a load's file after somebody was taken out of it; None where nobody was."""
    cursor.execute("select erased_sha256 from governance.load where load_id = %s", (load_id,))
    (found,) = cursor.fetchone() or (None,)
    return cast("str | None", found)


def other_date(cursor: Cursor, delivery: Delivery) -> date | None:
    """Another business date whose rows come from a file of the same content."""
    cursor.execute(
        """
        select min(business_date)
        from governance.load
        where
            system = %s and table_name = %s and %s in (sha256, erased_sha256) and business_date <> %s
            and status = 'loaded'
        """,
        (delivery.table.system, delivery.table.name, delivery.manifest.sha256, delivery.business_date),
    )
    (found,) = cursor.fetchone() or (None,)
    return cast("date | None", found)


def begin(cursor: Cursor, attempt: Attempt) -> None:
    """Enter a load that is going to be the date's current one; the one before becomes `replaced`."""
    cursor.execute(
        """
        update governance.load set status = 'replaced'
        where system = %s and table_name = %s and business_date = %s and status = 'loaded'
        """,
        (attempt.table.system, attempt.table.name, attempt.business_date),
    )
    cursor.execute(
        """
        insert into governance.load
            (system, table_name, business_date, file_name, sha256, status, control_totals, run_id)
        values (%s, %s, %s, %s, %s, 'loaded', %s, %s)
        returning load_id
        """,
        (
            attempt.table.system, attempt.table.name, attempt.business_date, attempt.file_name,
            attempt.sha256, json.dumps(attempt.control_totals), attempt.run_id,
        ),
    )  # fmt: skip
    (attempt.load_id,) = cursor.fetchone() or (0,)


def finish(cursor: Cursor, attempt: Attempt) -> None:
    """Enter what was read, accepted and rejected, and the rejected records."""
    cursor.execute(
        """
        update governance.load
        set read_count = %s, accepted_count = %s, rejected_count = %s, finished_at = clock_timestamp()
        where load_id = %s
        """,
        (attempt.read, attempt.accepted, attempt.rejected, attempt.load_id),
    )
    attempt.write_rejects(cursor)


def refuse(cursor: Cursor, attempt: Attempt, reason: str) -> None:
    """Enter a refused load, with the number it had while it was tried, and its rejected records."""
    is_numbered = attempt.load_id > 0
    statement = """
        insert into governance.load (
            {number} system, table_name, business_date, file_name, sha256, status, read_count, accepted_count,
            rejected_count, control_totals, reason, run_id, finished_at
        )
        {override}
        values ({value} %s, %s, %s, %s, %s, 'refused', %s, %s, %s, %s, %s, %s, clock_timestamp())
    """
    cursor.execute(
        sql.SQL(statement).format(
            number=sql.SQL("load_id,") if is_numbered else sql.SQL(""),
            override=sql.SQL("overriding system value") if is_numbered else sql.SQL(""),
            value=sql.SQL("{},").format(sql.Literal(attempt.load_id)) if is_numbered else sql.SQL(""),
        ),
        (
            attempt.table.system, attempt.table.name, attempt.business_date, attempt.file_name,
            attempt.sha256, attempt.read, attempt.accepted, attempt.rejected,
            json.dumps(attempt.control_totals), reason, attempt.run_id,
        ),
    )  # fmt: skip
    attempt.write_rejects(cursor)


def tell_begun(attempt: Attempt) -> None:
    """Say in the audit chain that a system's files of a date are about to be loaded."""
    subject = f"{attempt.table.system} of {attempt.business_date}"
    audit.attempt("loader", "load", attempt.run_id or settings.who(), subject, {"first": attempt.file_name})


def tell(link: connection, system: str, business_date: date, run_id: str | None, done: Sequence[TableLoad]) -> None:
    """Say in the audit chain what was loaded, at the end of its transaction; nothing where nothing was new."""
    if done:
        facts = {
            each.table: {"load_id": each.load_id, "accepted": each.accepted, "rejected": each.rejected} for each in done
        }
        audit.append(link, "load", run_id or settings.who(), f"{system} of {business_date}", facts)


def tell_refused(link: connection, attempt: Attempt, rule: str) -> None:
    """Say in the audit chain that a delivery was refused, and by which rule; not why: that may quote a value."""
    table, by = attempt.table, attempt.run_id or settings.who()
    facts = {"rule": rule, "sha256": attempt.sha256, "read": attempt.read, "rejected": attempt.rejected}
    audit.append(link, "load_refused", by, f"{table.system}.{table.name} of {attempt.business_date}", facts)


def _field(value: object) -> str:
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
