"""Segment, anomaly and sentiment all the way through the verbs, on tables filled by hand."""

from __future__ import annotations

import io
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg2
import pytest

from bankmart import db
from ml import evaluate, promote, score, train
from ml.errors import DataError, LeakageFound
from ml.spec import load_spec
from ml.techniques import technique
from ml.techniques.text.data import stream_feedback
from ml.techniques.text.terms import MOST_CHARACTERS

TODAY = date(2025, 10, 31)
DATES = [date(2025, 8, 31), date(2025, 9, 30), TODAY]
WORDS = {1: ("太慢了", "keeps crashing"), 3: ("一般般", "as before"), 5: ("很满意", "so easy")}


def fill(bank, table, frame, build_id, day):
    frame = frame.assign(build_id=build_id, business_date=day)
    types = {"f": "double precision", "i": "bigint"}
    columns = ", ".join(
        f"{name} {'date' if name.endswith('_date') else types.get(frame[name].dtype.kind, 'text')}" for name in frame
    )
    bank.execute(f"set role platform; create table if not exists features.{table} ({columns})")
    text = io.StringIO()
    frame.to_csv(text, index=False, header=False)
    text.seek(0)
    with closing(psycopg2.connect(bank.dsn)) as link, link, link.cursor() as cursor:
        cursor.copy_expert(f"copy features.{table} ({', '.join(frame.columns)}) from stdin (format csv)", text)
        cursor.execute(f"analyze features.{table}")


def deliver(bank, name):
    """The source tables that the model's question is about have come."""
    for table in load_spec(name).sources:
        bank.execute(
            "insert into governance.load (system, table_name, business_date, file_name, status, accepted_count) values"
            " (%s, %s, %s, 'x.csv', 'loaded', 1)",
            *table.split("."),
            DATES[0],
        )


def customers(name, as_of, count, seed):
    """Three kinds of customers: small ones, others who do ten times as much, and some who do a hundred times."""
    rng = np.random.default_rng([seed, as_of.toordinal()])
    size = 10.0 ** (np.arange(count) % 3)
    columns = {}
    for column in load_spec(name).features:
        if any(rare in column for rare in ("night", "abroad", "slice")):
            columns[column] = rng.poisson(0.02, count) * 1.0
        else:
            rate = 3000.0 if "amount" in column else 4.0
            columns[column] = (rate * size * rng.lognormal(0, 0.3, count)).round(2)
    frame = pd.DataFrame(columns)
    frame.insert(0, "customer_id", [f"C{at:05d}" for at in range(count)])
    frame.insert(0, "as_of_date", as_of)
    return frame


def group(bank, build_id, day):
    """Every second customer a woman."""
    bank.execute(
        "insert into features.ftr_group (as_of_date, build_id, customer_id, sex) select %s, %s,"
        " 'C' || lpad(at::text, 5, '0'), case when at %% 2 = 0 then 'F' else 'M' end from generate_series(0, 399) at",
        day,
        build_id,
    )


def texts(count, seed, months=8):
    rng = np.random.default_rng(seed)
    stars = rng.choice([1, 3, 5], count)
    days = [date(2025, 1 + int(at * months / count), 1 + at % 27) for at in range(count)]
    words = [f"{rng.choice(['手机银行', 'the app'])} {WORDS[one][rng.integers(2)]}" for one in stars]
    return pd.DataFrame(
        {
            "feedback_id": [f"F{at:05d}" for at in range(count)],
            "customer_id": [f"C{at % 50:05d}" for at in range(count)],
            "feedback_date": days,
            "language": "zh",
            "feedback_text": words,
            "score": stars,
        }
    )


@pytest.mark.parametrize(("name", "table"), [("segment", "ftr_customer"), ("anomaly", "ftr_behaviour")])
def test_it_is_trained_promoted_and_scores_every_customer(bank, registry, name, table):
    assert "is skipped: " in train.run(name, TODAY)["skipped"]
    deliver(bank, name)
    bank.execute("drop table if exists features.ftr_customer")
    training = bank.build("training", TODAY)
    for day in DATES:
        fill(bank, table, customers(name, day, 400, 1), training, TODAY)
    bank.execute("grant select on all tables in schema features to scorer")
    group(bank, training, TODAY)
    made = train.run(name, TODAY)
    promoted = promote.run(name, TODAY)
    assert promoted["promoted"], [gate for gate in promoted["gates"] if not gate["passed"]]
    card = Path(registry.download_artifacts(made["run_id"], "model_card.md")).read_text()
    assert "## The technique" in card
    assert "| sex | F | 200 |" in card
    assert "- Leakage: there is no label that a feature could know" in card
    assert "## Drift of the test rows against training: " in card
    assert "## Slices\n" in card
    assert "## What there is not\n- rolling: " in card
    assert "\n- calibration: " in card
    plots = {one.path for one in registry.list_artifacts(made["run_id"]) if one.path.endswith(".png")}
    assert plots == {"segment": {"profile.png"}, "anomaly": {"search.png", "lift.png"}}[name]
    metrics = registry.get_run(made["run_id"]).data.metrics
    gap = {"segment": "sex_kept_gap", "anomaly": "sex_alert_rate_gap"}[name]
    assert metrics[f"{gap}_low"] <= metrics[gap] <= metrics[f"{gap}_high"]
    again = train.run(name, TODAY, again=True)
    assert promote.run(name, TODAY, version=int(again["version"]))["promoted"], "the same model isn't worse"

    daily = bank.build("daily", TODAY, "building")
    fill(bank, table, customers(name, TODAY, 300, 2), daily, TODAY)
    result = score.run(name, TODAY)
    scores = bank.scores()
    assert result["rows"] == len(scores) == 300
    assert result["drift"] in ("stable", "watch"), "the same kind of customers, fewer of them"
    assert np.isfinite(scores["score"]).all()
    assert scores["band"].value_counts().to_dict() == result["bands"]
    if name == "segment":
        assert set(scores["band"]) <= {"s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"}
        large = scores["customer_id"].str[1:].astype(int) % 3 == 2
        assert set(scores["band"][large]).isdisjoint(scores["band"][~large])
    score.run(name, TODAY)
    assert bank.scores().equals(scores)

    assert evaluate.run(name, TODAY)["verdict"] == "holds"

    column = load_spec(name).features[0]
    bank.execute(
        f"update features.{table} set {column} = 'infinity' where build_id = {daily} and customer_id = 'C00007'"
    )
    with pytest.raises(DataError, match=rf"{column} \(1 rows\)"):
        score.run(name, TODAY)
    assert bank.scores().equals(scores)


@pytest.mark.parametrize(("name", "table"), [("segment", "ftr_customer"), ("anomaly", "ftr_behaviour")])
def test_what_was_changed_after_the_day_itself_is_found(bank, name, table):
    bank.execute("drop table if exists features.ftr_customer")
    training, then = bank.build("training", TODAY), bank.build("daily", DATES[1], "published")
    for day in DATES:
        fill(bank, table, customers(name, day, 60, 1), training, TODAY)
    spec = load_spec(name)
    column = spec.features[1]
    fill(bank, table, customers(name, DATES[1], 60, 1), then, DATES[1])
    bank.execute("grant select on all tables in schema features to scorer")
    how = technique(spec.technique)
    data = how.read(spec, TODAY, None)
    with db.connect("scorer") as link:
        assert "; 60 customers compared with what the daily builds saw" in how.check(link, spec, data)
    bank.execute(f"update features.{table} set {column} = {column} + 1 where build_id = {then}")
    with db.connect("scorer") as link, pytest.raises(LeakageFound, match=rf"{column} \(share of customers changed 1"):
        how.check(link, spec, data)


def test_sentiment_reads_every_feedback_of_the_build(bank, registry):
    assert "has not delivered contact_centre.feedback" in train.run("sentiment", TODAY)["skipped"]
    deliver(bank, "sentiment")
    training = bank.build("training", TODAY)
    # July's groups are those of June: the build knows no other date before it.
    fill(bank, "ftr_feedback", texts(1800, 1), training, TODAY)
    bank.execute("grant select on all tables in schema features to scorer")
    group(bank, training, DATES[0])
    group(bank, training, date(2025, 6, 30))
    made = train.run("sentiment", TODAY)
    shown = {(one["group"], one["measures"]["error_rate"]["value"]) for one in made["judgement"]["fairness"]}
    assert shown == {("F", 0), ("M", 0)}
    assert made["judgement"]["model"]["macro_f1"]["value"] == 1
    assert promote.run("sentiment", TODAY)["promoted"]
    assert evaluate.run("sentiment", TODAY)["verdict"] == "holds"

    daily = bank.build("daily", TODAY, "building")
    new = texts(60, 2)
    new.loc[0, "feedback_text"] = ""
    new.loc[1, "feedback_text"] = "太慢了。" * 25_000
    # It is cut before it is sent: neither memory nor what is said of it depends on how long it is.
    new.loc[2, "feedback_text"] = new.loc[1, "feedback_text"][: 2 * MOST_CHARACTERS]
    fill(bank, "ftr_feedback", new.fillna(""), daily, TODAY)
    bank.execute("update features.ftr_feedback set feedback_text = '' where feedback_text is null")
    with db.connect("scorer") as link:
        sent = [len(row[3]) for chunk in stream_feedback(link, load_spec("sentiment"), daily) for row in chunk]
    assert (max(sent), len(new.loc[1, "feedback_text"])) == (2 * MOST_CHARACTERS, 100_000)
    result = score.run("sentiment", TODAY)
    assert (result["rows"], result["drift"]) == (60, "stable")
    found = bank.execute("select feedback_id, customer_id, score, band, reasons from scores.feedback_score order by 1")
    assert found[0][1:4] == ("C00000", 0.0, "neutral")
    assert found[1][3] == "negative"
    assert found[1][4][0]["zh"].endswith("使反馈显得负面")
    assert found[1][2:] == found[2][2:]
    bands = {1: "negative", 3: "neutral", 5: "positive"}
    assert [row[3] for row in found[3:]] == [bands[stars] for stars in new["score"][3:]]
    bank.execute("alter table features.ftr_feedback drop column feedback_text")
    with pytest.raises(DataError, match="lacks feedback_text"):
        score.run("sentiment", TODAY)
