from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from bankmart.sources.adapters import bank_marketing
from bankmart.sources.adapters.bank_marketing_dates import contact_dates, moments

PUBLIC = Path(__file__).parents[6] / "shared" / "data" / "bank_marketing"
LINE = {
    **{"age": "56", "job": "housemaid", "marital": "married", "education": "basic.4y", "default": "no"},
    **{"housing": "no", "loan": "no", "contact": "telephone", "month": "may", "day_of_week": "mon", "duration": "261"},
    **{"campaign": "1", "pdays": "999", "previous": "0", "poutcome": "nonexistent", "emp.var.rate": "1.1"},
    **{"cons.price.idx": "93.994", "cons.conf.idx": "-36.4", "euribor3m": "4.857", "nr.employed": "5191", "y": "no"},
}


def written(folder, *changes):
    rows = pd.DataFrame([{**LINE, **change} for change in changes or ({},)])
    folder.mkdir(exist_ok=True)
    rows.to_csv(folder / bank_marketing.FILE, sep=";", index=False)
    return folder


def delivered(landing, system, table):
    return pd.read_csv(landing / system / table / "2010-11-30" / f"{table}.csv", dtype=str, keep_default_na=False)


def test_days_follow_month_weekday_and_order():
    lines = [
        *(("dec", "mon", 1.0), ("dec", "mon", 1.0), ("dec", "mon", 1.1), ("dec", "tue", 1.1)),
        *(("mar", "fri", 1.1), ("mar", "mon", 1.1)),
    ]
    frame = pd.DataFrame(lines, columns=["month", "day_of_week", "euribor3m"])
    days = contact_dates(frame["month"], frame["day_of_week"], frame[["euribor3m"]])
    assert [day.date() for day in days] == [
        *(date(2008, 12, 1), date(2008, 12, 1), date(2008, 12, 8), date(2008, 12, 9)),
        *(date(2009, 3, 6), date(2009, 3, 9)),
    ]
    at = moments(days)
    assert at.is_monotonic_increasing
    assert ((at + pd.Timedelta(hours=8)).dt.date == days.dt.date).all(), "the day in the platform's time zone"


def test_a_month_without_such_a_day_left_keeps_its_last_one():
    frame = pd.DataFrame([("feb", "fri", at) for at in range(7)], columns=["month", "day_of_week", "euribor3m"])
    days = contact_dates(frame["month"], frame["day_of_week"], frame[["euribor3m"]])
    assert days.max().date() == date(2008, 2, 29)
    assert days.is_monotonic_increasing


def test_a_line_becomes_customer_calls_outcomes_and_holdings(tmp_path):
    line = {"housing": "yes", "loan": "unknown", "job": "unknown", "campaign": "3", "previous": "2", "pdays": "6"}
    source = written(tmp_path / "in", {}, {**line, "poutcome": "success", "contact": "cellular", "y": "yes"})
    summary = bank_marketing.convert(source, tmp_path / "landing")
    assert summary["rows"]["campaign.contact"] == 1 + (1 + 2 + 2)
    customer = delivered(tmp_path / "landing", "core_banking", "customer")
    assert customer["occupation"].tolist() == ["housemaid", ""]
    assert customer["birth_date"].tolist() == ["1952-01-01"] * 2
    account = delivered(tmp_path / "landing", "core_banking", "account")
    assert account["product_id"].tolist() == ["current", "current", "housing_loan"]
    contact = delivered(tmp_path / "landing", "campaign", "contact")
    own = contact[contact["customer_id"] == "BM000002"]
    assert own["campaign_id"].value_counts().to_dict() == {"term_deposit": 3, "earlier": 2}
    assert own["contacted_at"].max() == own.loc[own["contact_id"] == "C000002", "contacted_at"].item()
    response = delivered(tmp_path / "landing", "campaign", "response")
    found = dict(zip(response["contact_id"], response["response_type"], strict=True))
    assert found == {"C000001": "refused", "C000002": "bought", "E000002-0": "bought"}
    indicator = delivered(tmp_path / "landing", "external", "macro_indicator")
    assert len(indicator) == 5, "a value that stays is said once"
    manifest = json.loads((tmp_path / "landing/campaign/contact/2010-11-30/_manifest.json").read_text())
    assert manifest["row_count"] == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"age": "old"}, "line 2, column age: 'old' is not a number"),
        ({"month": "mai"}, "month is 'mai'"),
        ({"y": "maybe"}, "y is 'maybe', known are yes, no"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(tmp_path, change, message):
    with pytest.raises(bank_marketing.BankmartError, match=message):
        bank_marketing.convert(written(tmp_path / "in", change), tmp_path / "landing")
    assert not (tmp_path / "landing").exists()


def test_another_file_is_refused(tmp_path):
    with pytest.raises(bank_marketing.BankMarketingError, match="is missing"):
        bank_marketing.convert(tmp_path, tmp_path / "landing")
    (tmp_path / bank_marketing.FILE).write_text("a;b\n1;2\n")
    with pytest.raises(bank_marketing.BankMarketingError, match="header isn't"):
        bank_marketing.convert(tmp_path, tmp_path / "landing")


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public data aren't at ../shared/data/bank_marketing")
def test_the_whole_file_has_its_published_counts(tmp_path):
    raw = bank_marketing._read(PUBLIC / bank_marketing.FILE)
    assert len(raw) == 41_188
    assert (raw["y"] == "yes").sum() == 4_640
    assert raw["date"].is_monotonic_increasing
    assert raw["at"].is_monotonic_increasing
    assert (raw["date"].dt.strftime("%b").str.lower() == raw["month"]).all()
    assert raw["date"].max().year == 2010
    assert (raw["date"].dt.strftime("%a").str.lower() == raw["day_of_week"]).mean() > 0.9
