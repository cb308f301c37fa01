"""The ledger: what may not happen to a tag is refused with file, line and remedy; the rest is accepted."""

from datetime import date

import pytest

from bankmart import __main__ as command_line
from bankmart import dbt, settings
from bankmart.governance.tags import definition, ledger, registry
from bankmart.governance.tags.ledger import Entry

TODAY = date(2026, 11, 22)
WHERE = "dbt_project/models/tags/value/tag_value.yml:15: tag "


def entry(key="aum_tier", version=1, status="live", digest="aa", end=""):
    return Entry(key, version, status, digest, "2027-06-30", end)


def known(*entries):
    return {(each.key, each.version): each for each in entries}


def hashes(tags, digest="aa"):
    return {(tag.key, tag.version): digest for tag in tags}


@pytest.mark.parametrize(
    ("tag", "entries", "says"),
    [
        ({}, [entry(digest="bb")], "as column aum_tier_v2. The old one stays, frozen, until its end_date"),
        ({}, [entry(status="retired", digest="aa")], "it was retired and can't become live again"),
        ({"status": "draft"}, [entry()], "it was live and can't become draft again"),
        ({}, [entry(status="frozen", end="2027-01-01")], "it was frozen and can't become live again"),
        ({"version": 2}, [entry(status="retired")], "aum_tier is retired (dbt_project/tag_ledger.csv) and can't"),
        ({"version": 2}, [], "it is new, so its version is 1, not 2"),
        ({"status": "frozen", "end_date": date(2026, 11, 1)}, [entry(status="frozen", end="2026-11-01")],
         "2026-11-01 has passed; remove the column"),
        ({"status": "frozen", "end_date": date(2026, 11, 1)}, [entry()], "has passed already; freeze it until a day"),
        ({"status": "frozen", "end_date": date(2027, 1, 1)}, [entry(status="frozen", end="2027-01-02")],
         "can be read until 2027-01-02, so it can't end on 2027-01-01 already; put the end_date back"),
        ({"status": "retired"}, [entry()], "was live and can't become retired at once: set status: frozen, end_date"),
        ({"status": "frozen", "end_date": date(2027, 1, 1)}, [entry(status="draft")], "frozen at once: remove it"),
        ({"status": "frozen", "end_date": date(2027, 1, 1)}, [], "can't begin as frozen; a tag begins as draft"),
    ],
)  # fmt: skip
def test_what_is_refused(make_tag, tag, entries, says):
    tags = [make_tag(**tag)]
    (finding,) = ledger.refused(tags, hashes(tags), known(*entries), TODAY)
    assert finding.startswith(WHERE)
    assert says in finding


def test_a_version_that_skips_one(make_tag):
    tags = [make_tag(status="frozen", end_date=date(2027, 1, 1)), make_tag(version=3, column="aum_tier_v3")]
    (finding,) = ledger.refused(tags, hashes(tags), known(entry()), TODAY)
    assert "the newest version in dbt_project/tag_ledger.csv is 1; give it version 2" in finding


def test_two_versions_are_readable_until_the_old_one_ends(make_tag):
    old, new = make_tag(), make_tag(version=2, column="aum_tier_v2")
    (finding,) = ledger.refused([old, new], hashes([old, new]), known(entry()), TODAY)
    assert finding.startswith(WHERE + "aum_tier: version 2 is beside it; freeze this one")
    old = make_tag(status="frozen", end_date=date(2027, 1, 1))
    assert ledger.refused([old, new], hashes([old, new]), known(entry()), TODAY) == []


@pytest.mark.parametrize("gone", [entry(), entry(status="frozen", end="2026-12-31")])
def test_a_version_that_disappeared(gone):
    (finding,) = ledger.refused([], {}, known(entry("other", status="draft"), gone), TODAY)
    assert finding.startswith("dbt_project/tag_ledger.csv:2: tag aum_tier version 1 is ")
    assert "but no model has it; put it back. To end it: status: frozen with an end_date" in finding


@pytest.mark.parametrize(
    "gone", [entry(status="draft"), entry(status="frozen", end="2026-11-21"), entry(status="retired")]
)
def test_what_may_go(gone):
    assert ledger.refused([], {}, known(gone), TODAY) == []
    kept = ledger.accepted([], {}, known(gone))
    assert kept == ({} if gone.status == "draft" else known(entry(status="retired", end=gone.end_date)))


@pytest.mark.parametrize("end", [date(2027, 1, 2), date(2027, 1, 3)])
def test_a_frozen_tag_may_be_read_for_longer(make_tag, end):
    tags = [make_tag(status="frozen", end_date=end)]
    assert ledger.refused(tags, hashes(tags), known(entry(status="frozen", end="2027-01-02")), TODAY) == []


def test_a_draft_may_change(make_tag):
    tags = [make_tag(status="draft")]
    assert ledger.refused(tags, hashes(tags, "bb"), known(entry(status="draft")), TODAY) == []
    assert ledger.open_changes(tags, hashes(tags, "bb"), known(entry(status="draft"))) == [
        "tag aum_tier version 1 has changed"
    ]


def test_an_expired_review(make_tag):
    tags = [
        make_tag(review_date=date(2026, 11, 21)),
        make_tag("other", review_date=TODAY),
        make_tag("old", status="frozen", review_date=date(2020, 1, 1)),
    ]
    (finding,) = ledger.overdue(tags, TODAY)
    assert finding.startswith(
        WHERE + "aum_tier: its review date 2026-11-21 has passed; marketing looks whether it still holds"
    )


def test_the_file_is_read_as_it_was_written(tmp_path):
    written = known(entry("b"), entry("a", 2), entry("a", 1, "frozen", end="2027-01-01"))
    ledger.write(tmp_path / "ledger.csv", written)
    assert ledger.read(tmp_path / "ledger.csv") == written
    lines = (tmp_path / "ledger.csv").read_text().splitlines()
    assert lines[0] == "key,version,status,definition_hash,review_date,end_date"
    assert lines[1:] == sorted(lines[1:])


def test_the_life_of_a_tag_in_a_project(project, monkeypatch, capsys):
    monkeypatch.setattr(settings, "apply_environment", lambda: None)
    monkeypatch.setattr(settings, "secret", lambda name: "none")
    project.write_tag("tag_first", {"size": "case when a > 1 then 'high' else 'low' end"})
    manifest = dbt.manifest()
    assert ledger.findings(manifest) == [
        "dbt_project/tag_ledger.csv: tag size version 1 is new; run `bankmart tags --accept` and commit the ledger"
    ]
    assert command_line.main(["tags", "--accept"]) == 0
    assert "1 changes accepted" in capsys.readouterr().out
    assert ledger.findings(manifest) == []
    with monkeypatch.context() as later:
        later.setattr(ledger, "date", type("Later", (date,), {"today": staticmethod(lambda: date(2999, 1, 1))}))
        (overdue,) = ledger.findings(manifest)
    assert "tag_first.yml:9: tag size: its review date" in overdue
    project.write_tag("tag_first", {"size": "case when a > 2 then 'high' else 'low' end"})
    (finding,) = ledger.findings(dbt.manifest())
    folder = "dbt_project/models/tags/value"
    assert finding.startswith(f"{folder}/tag_first.yml:9: tag size: its definition ({folder}/tag_first.sql) is not")
    before = (project.folder / "tag_ledger.csv").read_text()
    assert command_line.main(["tags", "--accept"]) == 1
    assert "nothing is accepted" in capsys.readouterr().err
    assert (project.folder / "tag_ledger.csv").read_text() == before
    assert registry.tags(manifest)[0].column == "size"
    assert definition.definitions({"nodes": {}, "sources": {}}) == {}
