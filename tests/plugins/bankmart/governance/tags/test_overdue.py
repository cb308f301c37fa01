"""Tags past their review date or their end are told by governance_daily, once."""

from __future__ import annotations

from datetime import date

from bankmart import db
from bankmart.governance import daily

DAY = date(2026, 11, 22)


def test_tags_past_their_date_are_told_once(warehouse, make_tag, monkeypatch):
    tags = [
        make_tag(review_date=date(2026, 11, 21)),
        make_tag(key="held", column="held", review_date=DAY),
        make_tag(key="old", column="old", status="frozen", end_date=date(2026, 11, 1)),
        make_tag(key="ending", column="ending", status="frozen", end_date=DAY),
    ]
    monkeypatch.setattr("bankmart.dbt.manifest", dict)
    monkeypatch.setattr("bankmart.governance.tags.registry.tags", lambda _: tags)
    said = daily.tags_to_review(DAY).splitlines()
    assert daily.tags_to_review(DAY).splitlines() == said
    assert len(said) == 2
    assert "tag aum_tier: its review date 2026-11-21 has passed" in said[0]
    assert "tag old: its end_date 2026-11-01 has passed" in said[1]
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute("select kind, subject, body from governance.notice")
        assert cursor.fetchall() == [("expired_tags", "2 tags are past their date", "\n".join(said))]
    tags[:] = tags[1:2]
    assert daily.tags_to_review(DAY) == "none of 1 tags is past its date"
