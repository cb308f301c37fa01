"""The benchmarks as a person calls them, on small files made here: one JSON document with metrics and intervals."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bankmart.sources.adapters.bank_marketing import HEADER
from ml.__main__ import main
from ml.spec import load_spec
from ml.tracking.server import revision

TODAY = date(2025, 10, 31)


def said(capsys, *given):
    assert main(["bench", *map(str, given)]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def lies_in(interval):
    return interval["low"] <= interval["value"] <= interval["high"]


def campaign(rows=1500, seed=1):
    """Contacts whose buyers follow from `wealth` and `visits`; `duration` is only known after the call."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "day": np.sort(rng.integers(0, 90, rows)),
            "wealth": rng.gamma(2, 1, rows).round(3),
            "visits": rng.poisson(2, rows),
            "channel": rng.choice(["sms", "call"], rows),
        }
    )
    odds = -3.5 + 0.8 * frame["wealth"] + 0.5 * frame["visits"]
    frame["bought"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    frame["duration"] = (frame["bought"] == "yes") * 100 + rng.integers(0, 50, rows)
    return frame


@pytest.mark.parametrize("order", ["day", "rows"])
def test_response_on_a_file_is_one_document_with_metrics_intervals_and_protocol(tmp_path, capsys, order):
    path = tmp_path / "contacts.csv"
    campaign().to_csv(path, index=False)
    small = ("--window", 600, "--every", 300, "--seeds", 2, "--threads", 1, "--settings", "plain")
    report = said(
        capsys, "response", "--csv", path, "--target", "bought", "--order", order, "--drop", "duration", *small
    )
    assert (report["question"], report["contacts"], report["positive"]) == ("response", 1500, "yes")
    assert report["metrics"]["rolling"]["auc"]["value"] > 0.7
    assert all(lies_in(found) for side in report["metrics"].values() for found in side.values())
    assert report["protocol"]["window"] == 600
    assert len(report["by_seed"]["rolling"]) == 2
    assert "duration" not in report["numeric"]
    assert report["protected"] == []
    assert report["note"].startswith("The setting `plain` was the best of five on Bank Marketing's judged contacts")


def test_protected_columns_of_a_file_are_named(tmp_path, capsys):
    path = tmp_path / "contacts.csv"
    campaign().assign(Age=np.arange(1500) % 50 + 20, pages=3).to_csv(path, index=False)
    small = ("--window", 600, "--every", 450, "--seeds", 1, "--settings", "plain", "--drop", "duration")
    report = said(capsys, "response", "--csv", path, "--target", "bought", "--order", "rows", *small)
    assert report["protected"] == ["Age"]


def test_response_says_in_a_sentence_what_is_wrong_with_a_file(tmp_path, capsys):
    path = tmp_path / "contacts.csv"
    campaign(100).to_csv(path, index=False)
    assert main(["bench", "response", "--csv", str(path), "--target", "sold", "--order", "rows"]) == 1
    assert "sold" in capsys.readouterr().err
    given = ["bench", "response", "--csv", str(path), "--target", "bought", "--order", "rows", "--start", "2"]
    assert main(given) == 1
    assert "--start 2.0 isn't a share" in capsys.readouterr().err


def mailing(rows=3000, seed=1, chosen=False):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"wealth": rng.random(rows).round(4), "noise": rng.normal(size=rows).round(4)})
    mailed = rng.random(rows) < (frame["wealth"] if chosen else 0.5)
    frame["mail"] = np.where(mailed, "mail", "none")
    frame["bought"] = (rng.random(rows) < 0.05 + 0.3 * mailed * (frame["wealth"] > 0.6)).astype(int)
    frame["spent"] = frame["bought"] * 10
    return frame


@pytest.mark.parametrize("has_test", [False, True])
def test_uplift_on_a_file_is_one_document_with_intervals_over_seeds(tmp_path, capsys, has_test):
    path, other = tmp_path / "mailing.csv", tmp_path / "test.csv"
    mailing().to_csv(path, index=False)
    mailing(2000, 2).to_csv(other, index=False)
    given = ["--csv", path, "--treatment", "mail", "--target", "bought", "--drop", "spent", "--seeds", 2]
    given += ["--resamples", 20, "--control", "none", *(["--test-csv", other] if has_test else [])]
    report = said(capsys, "uplift", *given)
    assert (report["data"]["control"], report["data"]["features"]) == ("none", ["wealth", "noise"])
    assert report["data"]["test_rows"] == (2000 if has_test else None)
    qini = report["treatments"]["mail"]["metrics"]["qini"]
    low, high = qini["bootstrap_95"]
    assert 0 < low < qini["mean"] < high
    assert report["protocol"]["seeds"] == [0, 1]


def test_uplift_refuses_a_file_whose_treatment_was_chosen(tmp_path, capsys):
    path = tmp_path / "mailing.csv"
    mailing(chosen=True).to_csv(path, index=False)
    given = ["bench", "uplift", "--csv", str(path), "--treatment", "mail", "--target", "bought", "--drop", "spent"]
    assert main(given) == 1
    assert "wasn't drawn at random, the covariates tell it" in capsys.readouterr().err


def marketing(rows):
    """Lines like those of bank-additional-full.csv: May to November of a year, month by month."""
    rng = np.random.default_rng(3)
    months = np.array(["may", "jun", "jul", "aug", "oct", "nov"])
    mobile = rng.random(rows) < 0.5
    return pd.DataFrame(
        {
            "age": rng.integers(20, 70, rows),
            "job": rng.choice(["admin.", "technician", "services"], rows),
            "marital": rng.choice(["married", "single"], rows),
            "education": rng.choice(["high.school", "university.degree"], rows),
            "default": "no",
            "housing": rng.choice(["yes", "no"], rows),
            "loan": rng.choice(["yes", "no"], rows),
            "contact": np.where(mobile, "cellular", "telephone"),
            "month": months[np.arange(rows) * len(months) // rows],
            "day_of_week": np.array(["mon", "tue", "wed", "thu", "fri"])[np.arange(rows) * 60 // rows % 5],
            "duration": rng.integers(10, 500, rows),
            "campaign": rng.integers(1, 4, rows),
            "pdays": 999,
            "previous": 0,
            "poutcome": "nonexistent",
            "emp.var.rate": 1.1,
            "cons.price.idx": 93.5,
            "cons.conf.idx": -40.0,
            "euribor3m": 4.9,
            "nr.employed": 5191.0,
            "y": np.where(rng.random(rows) < np.where(mobile, 0.4, 0.05), "yes", "no"),
        }
    )[list(HEADER)]


@pytest.mark.slow
def test_bank_marketing_walks_through_landing_and_marts(tmp_path, capsys):
    marketing(2400).to_csv(tmp_path / "bank-additional-full.csv", sep=";", index=False)
    report = said(capsys, "bank_marketing", "--source", tmp_path, "--window", 1200, "--seeds", 1)
    assert report["contacts"] == 2400
    assert report["way"]["layers"] == ["staging", "intermediate", "marts"]
    assert report["reference"]["rolling"]["auc"] == 0.780
    assert report["protected"] == []
    assert (
        report["left_out"]["age"] == report["left_out"]["marital_status"] == "a protected attribute is never a feature"
    )
    assert report["protocol"]["settings"] == "response"
    assert "note" not in report, "its settings weren't chosen on these contacts"
    assert report["as_the_dag"]["seeds"] == [1]
    assert "without_memory" in report["metrics"]
    assert "monthly" in report["metrics"] or "At no month's end" in report["as_the_dag"]["skipped"]
    assert report["metrics"]["rolling"]["auc"]["value"] > 0.65, "buyers follow from the channel"
    assert all(lies_in(found) for side in report["metrics"].values() for found in side.values())


def hillstrom(rows):
    rng = np.random.default_rng(4)
    segment = rng.choice(["Mens E-Mail", "Womens E-Mail", "No E-Mail"], rows)
    womens = rng.integers(0, 2, rows)
    visit = rng.random(rows) < 0.1 + 0.25 * (segment == "Womens E-Mail") * womens
    spent = np.where(visit & (rng.random(rows) < 0.1), rng.gamma(2, 50, rows).round(2), 0.0)
    history = rng.gamma(2, 100, rows).round(2) + 30
    return pd.DataFrame(
        {
            "recency": rng.integers(1, 13, rows),
            "history_segment": np.where(history < 200, "2) $100 - $200", "3) $200 - $350"),
            "history": history,
            "mens": np.where(womens == 0, 1, rng.integers(0, 2, rows)),
            "womens": womens,
            "zip_code": rng.choice(["Surburban", "Rural", "Urban"], rows),
            "newbie": rng.integers(0, 2, rows),
            "channel": rng.choice(["Phone", "Web", "Multichannel"], rows),
            "segment": segment,
            "visit": visit.astype(int),
            "conversion": (spent > 0).astype(int),
            "spend": spent,
        }
    )


@pytest.mark.slow
def test_hillstrom_goes_through_the_campaign_marts(tmp_path, capsys):
    frame = hillstrom(3000)
    frame.to_csv(tmp_path / "A Hillstrom cut.csv", index=False)
    report = said(capsys, "hillstrom", "--source", tmp_path, "--seeds", 2, "--resamples", 20)
    assert sum(one["customers"] for one in report["rates"].values()) == 3000
    own = frame.loc[frame["segment"] == "Womens E-Mail", "visit"].mean()
    assert report["rates"]["womens_email"]["visit"] == pytest.approx(own, abs=1e-5)
    assert report["reference"]["womens_email"] == {"qini": 0.066, "response_qini": 0.034}
    qini = report["treatments"]["womens_email"]["metrics"]["qini"]
    assert qini["bootstrap_95"][0] < qini["mean"] < qini["bootstrap_95"][1]
    assert qini["mean"] > report["treatments"]["mens_email"]["metrics"]["qini"]["mean"]


def test_the_oracle_is_the_planted_chance_of_the_same_customers(bank, tmp_path, capsys):
    """Here the truth is the label with noise: the oracle knows more than any model, which has a share of its skill."""
    bank.training()
    rows = bank.execute("select as_of_date::text, customer_id, is_churn from features.lbl_churn")
    rng = np.random.default_rng(5)
    chance = [0.3 * churned + 0.7 * rng.random() for *_, churned in rows]
    table = {"as_of_date": [row[0] for row in rows], "customer_id": [row[1] for row in rows], "p90": chance}
    pq.write_table(pa.table(table), tmp_path / "churn.parquet")
    found = said(capsys, "oracle", "--models", "churn", "--truth", tmp_path, "--as-of", TODAY.isoformat())["churn"]
    share, low, high = found["share_of_skill"]
    assert low < share < high
    skills = [found[name][0] - 0.5 for name in ("auc", "oracle_auc")]
    assert share == pytest.approx(skills[0] / skills[1], abs=0.002)
    assert (found["rows_without_truth"], found["rows"]) == (0, 900)
    assert (found["revision"], found["seed"]) == (revision(), load_spec("churn").seed)
    assert found["base_rate"] == pytest.approx(found["positives"] / 900, abs=1e-5)
    assert found["oracle_auc"][1] < found["oracle_auc"][0] < found["oracle_auc"][2]
    assert (found["business_date"], len(found["content_hash"])) == (TODAY.isoformat(), 64)
    assert main(["bench", "oracle", "--models", "churn", "--truth", str(tmp_path / "no"), "--as-of", "2025-10-31"]) == 1
    assert "isn't there: only a simulated bank has a truth" in capsys.readouterr().err
