"""The duties of governance_daily and promises, one function each: what it looks at, and says; a bad finding is told."""

from __future__ import annotations

from datetime import date

from bankmart import db, dbt
from bankmart.errors import BankmartError
from bankmart.governance import notices, retention
from bankmart.governance.audit import anchor
from bankmart.governance.audit.verify import AuditBroken, verify
from bankmart.governance.notices import outbox, promises
from bankmart.governance.people import expiry
from bankmart.governance.people.erasure import events
from bankmart.governance.people.erasure import run as erasure
from bankmart.governance.people.erasure import scrub as scrubbing
from bankmart.governance.quality import command as quality
from bankmart.governance.tags import ledger, registry
from bankmart.vault import check
from bankmart.vault.keys import VaultError

# A population stability index from which on a mix is another one.
DRIFT = 0.25
KEYS = "docs/how-to/keep-the-keys.md"
ERASING = "docs/how-to/erase-a-person.md"


def verify_audit(day: date) -> str:
    """Read the audit chain again and write its head down outside. Raises AuditBroken."""
    report = verify()
    if report.findings:
        notices.tell("audit", "the audit chain is broken", report.text())
        raise _told(AuditBroken(report.text()))
    try:
        number, digest = anchor.write(f"verified {day}")
    except OSError as error:
        raise AuditBroken(f"the chain is whole, but its head can't be written to {anchor.path()}: {error}") from error
    return f"{report.text()}\nhead {number} {digest} is written down in {anchor.path()}"


def vault_check(day: date) -> str:
    """Open what is new in the vault and the part that is due, and look for identifiers in clear; tells what is wrong.

    Raises VaultError.
    """
    try:
        counts, found = check.check()
    except VaultError as error:
        notices.tell("vault", "the vault does not open", str(error))
        raise _told(error) from None
    if found:
        notices.tell("vault", f"the vault has {len(found)} findings", "\n".join(found))
        raise _told(VaultError(f"the vault has {len(found)} findings:\n  " + "\n  ".join(found), f"Look in {KEYS}."))
    opened = ", ".join(f"{count:,} {what}" for what, count in counts.items()) or "nothing"
    return f"opened: {opened}; no raw table has an identifier in clear"


def tidy(day: date) -> str:
    """Remove builds that nobody can go back to, where the publication did not, and what is past its class's time."""
    removed = retention.tidy()
    builds = "\n".join(f"{table}: {count}" for table, count in removed.items()) or "nothing to tidy"
    return f"{builds}\n{expiry.run(day).text()}"


def erasure_requests(day: date) -> str:
    """Open a request for each delivered event that asks to be forgotten; told to people, who approve or refuse."""
    made, waiting = events.open_requests()
    if made:
        numbers = " ".join(map(str, made))
        approve = f"Somebody decides: bankmart erase approve {numbers} (or refuse). {ERASING}"
        notices.tell("erasure", f"{len(made)} people ask to be forgotten", approve)
        waiting.insert(0, f"requests {numbers} wait for an approval")
    return "\n".join(waiting) or "nobody new asks to be forgotten"


def erase(day: date) -> str:
    """Erase everybody whose request is approved, and end what an earlier run has begun."""
    return erasure.run("governance_daily").text()


def scrub(day: date) -> str:
    """Write tables and the server's log anew that still have old versions of erased rows."""
    return scrubbing.run("governance_daily").text()


def quality_report(day: date) -> str:
    """The scores of the date's tables, the lowest first, with their trend."""
    return quality.report(day)


def tags_to_review(day: date) -> str:
    """Tags past their review date, or frozen past their end; told to people."""
    tags = registry.tags(dbt.manifest())
    found = ledger.overdue(tags, day)
    found += [
        f"{tag.where}: tag {tag.column}: its end_date {tag.end_date} has passed; {tag.owner} removes the column"
        for tag in tags
        if tag.status == "frozen" and tag.end_date and tag.end_date < day
    ]
    if found:
        notices.tell("expired_tags", f"{len(found)} tags are past their date", "\n".join(found))
    return "\n".join(found) or f"none of {len(tags)} tags is past its date"


def drift(day: date) -> str:
    """Tags whose mix is another one than a month before; told to people."""
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "select monitor.tag, monitor.psi, monitor.psi_date from governance.tag_monitor as monitor"
            " inner join governance.publication using (build_id)"
            " where monitor.business_date = %s and monitor.psi >= %s order by monitor.psi desc",
            (day, DRIFT),
        )
        found = [f"{tag}: stability index {psi:.2f} against {before}" for tag, psi, before in cursor.fetchall()]
    if found:
        notices.tell("drift", f"{len(found)} tags have drifted by {day}", "\n".join(found))
    return "\n".join(found) or f"no tag's stability index reaches {DRIFT}"


def _told(error: BankmartError) -> BankmartError:
    """The same error, of which people know: the failed task says nothing more."""
    error.is_told = True
    return error


def promised(day: date) -> str:
    """What was promised of the date and is not there; told to people."""
    return promises.check(day)


def send_notices(day: date) -> str:
    """Send what could not be sent before."""
    sent, waiting = outbox.send()
    return f"{sent} sent, {waiting} waiting"
