"""The e-mail test as extracts: nobody lost, money to the cent, nothing known before the e-mail told after it."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from bankmart.sources.adapters import hillstrom as adapter

HEADER = "recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend"
LINES = (
    "10,2) $100 - $200,142.44,1,0,Surburban,0,Phone,Womens E-Mail,0,0,0.0",
    "6,3) $200 - $350,329.09,1,1,Rural,1,Web,No E-Mail,1,0,0.0",
    "1,2) $100 - $200,180.65,0,1,Urban,0,Multichannel,Mens E-Mail,1,1,29.99",
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "A_Hillstrom_test.csv").write_text("\n".join((HEADER, *LINES)) + "\n")
    return folder


def rows(landing: Path, system: str, table: str) -> list[dict[str, str]]:
    (path,) = (landing / system / table).glob("2008-03-20/*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_customer_gets_what_the_file_says(source: Path, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    summary = adapter.convert(source, landing)
    assert summary["rows"]["core_banking.customer"] == 3
    contacts = rows(landing, "campaign", "contact")
    assert [one["treatment"] for one in contacts] == ["womens_email", "control", "mens_email"]
    assert [one["channel"] for one in contacts] == ["email", "none", "email"]
    responses = [(one["contact_id"], one["response_type"]) for one in rows(landing, "campaign", "response")]
    assert responses == [("K000002", "clicked"), ("K000003", "clicked"), ("K000003", "bought")]
    assert len(rows(landing, "mobile", "session")) == 2
    assert len(rows(landing, "contact_centre", "call")) == 2
    assert rows(landing, "core_banking", "transaction") == []


def test_money_is_split_without_losing_a_cent_and_lies_on_its_side_of_the_email(source: Path, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    adapter.convert(source, landing)
    orders = rows(landing, "campaign", "order")
    before = [one for one in orders if not one["campaign_id"]]
    after = [one for one in orders if one["campaign_id"]]
    assert sum(Decimal(one["amount"]) for one in before) == Decimal("142.44") + Decimal("329.09") + Decimal("180.65")
    assert sorted(one["product_id"] for one in before if one["customer_id"] == "H000002") == ["MENS", "WOMENS"]
    assert all(one["ordered_at"] < "2008-03-05" for one in before)
    assert [(one["amount"], one["ordered_at"] > "2008-03-06") for one in after] == [("29.99", True)]


def test_only_the_first_so_many(source: Path, tmp_path: Path) -> None:
    assert adapter.convert(source, tmp_path / "landing", rows=2)["rows"]["campaign.contact"] == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("6,x,1,1,1,Rural,1,Web,Nobody,1,0,0.0", "segment holds"),
        ("6,x,1,0,0,Rural,1,Web,No E-Mail,1,0,0.0", "line 5"),
        ("6,x,1,1,0,Rural,1,Web,No E-Mail,2,0,0.0", "line 5"),
    ],
)
def test_what_the_test_cant_have_stops_it_before_anything_is_written(
    source: Path, tmp_path: Path, line: str, reason: str
) -> None:
    (source / "A_Hillstrom_test.csv").write_text("\n".join((HEADER, *LINES, line)) + "\n")
    with pytest.raises(adapter.HillstromError, match=reason):
        adapter.convert(source, tmp_path / "landing")
    assert not (tmp_path / "landing").exists()


def test_another_file_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(adapter.HillstromError, match="0 files"):
        adapter.convert(tmp_path, tmp_path / "landing")
    (tmp_path / "Hillstrom.csv").write_text("a,b\n1,2\n")
    with pytest.raises(adapter.HillstromError, match="has the columns"):
        adapter.convert(tmp_path, tmp_path / "landing")
