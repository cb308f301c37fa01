"""The duties of governance_daily say what they find; what is bad is told."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import psycopg2
import pytest

from bankmart import db
from bankmart.governance import audit, daily
from bankmart.governance.audit import anchor
from bankmart.governance.audit.verify import AuditBroken

DAY = date(2026, 11, 3)


def told():
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select kind, subject from governance.notice order by notice_id")
        return cursor.fetchall()


def test_a_whole_chain_is_written_down_and_a_broken_one_told(warehouse):
    with db.connect("platform") as link:
        audit.append(link, "probe", "tester", "thing")
    assert "the audit chain is whole" in daily.verify_audit(DAY)
    assert [each.number for each in anchor.read()[0]] == [1]
    with closing(psycopg2.connect(warehouse)) as link, link, link.cursor() as cursor:
        cursor.execute("alter table audit.entry disable trigger entry_stays; update audit.entry set actor = 'x'")
    with pytest.raises(AuditBroken, match="entry 1") as broken:
        daily.verify_audit(DAY)
    assert broken.value.is_told
    assert told() == [("audit", "the audit chain is broken")]
    assert len(anchor.read()[0]) == 1


def test_drift_is_told_once(warehouse):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(
            "insert into governance.build (business_date, kind, status) values (%s, 'daily', 'published')"
            " returning build_id",
            (DAY,),
        )
        (number,) = cursor.fetchone()
        cursor.execute("insert into governance.publication values (%s, %s)", (DAY, number))
        for tag, psi in (("calm", 0.1), ("drifting", 0.4)):
            cursor.execute(
                "insert into governance.tag_monitor (build_id, business_date, tag, customer_count, filled_count, psi,"
                " user_count, verdict, reason) values (%s, %s, %s, 9, 9, %s, 0, 'pass', '')",
                (number, DAY, tag, psi),
            )
    assert daily.drift(DAY).startswith("drifting: stability index 0.40")
    daily.drift(DAY)
    assert told() == [("drift", f"1 tags have drifted by {DAY}")]
    assert daily.vault_check(DAY) == "opened: nothing; no raw table has an identifier in clear"
    assert daily.send_notices(DAY) == "0 sent, 0 waiting"
    assert daily.tidy(DAY).splitlines()[0] == "nothing to tidy"
    assert f"nothing is past its time on {DAY}" in daily.tidy(DAY)
    assert daily.scrub(DAY) == "nothing to scrub: no erasure has left old versions of rows"
