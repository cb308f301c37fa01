from __future__ import annotations

import dataclasses
import json
import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bankmart import db
from ml import evaluate, promote, score, train
from ml.data.training import as_day
from ml.errors import ArtefactRefused, DataError, DataPrerequisite, LeakageFound
from ml.models.recommend import SPEC
from ml.techniques import recommend
from ml.tracking import package

TODAY = date(2025, 10, 31)
QUICK = dataclasses.replace(SPEC, params={**SPEC.params, "num_boost_round": 40, "sweeps": 5})
DATES = [date(2025, month, 1) - timedelta(days=1) for month in range(2, 9)]


def test_it_beats_its_rivals_out_of_time_and_is_the_same_again_after_a_save(trained, tmp_path):
    data, split, model = trained
    judged = model.judge(data, split.test, 1)
    assert judged.difference["ndcg_3"].low > 0
    assert "collaborative filtering alone" in judged.sections()[0]
    assert split.periods["test"] == ["2025-07-31"]
    assert split.newest_learnt() == date(2025, 4, 30)
    assert not (split.train & split.test).any()

    model.save(tmp_path / "one", recommend.example(data, split))
    package.refuse_unsafe(tmp_path / "one")
    loaded = recommend.load(tmp_path / "one")
    assert loaded.judge(data, split.test, 1) == judged
    again = recommend.train(QUICK, data, split)
    again.save(tmp_path / "two", recommend.example(data, split))
    for name in ("model.lgb", "model.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    same = model.against(loaded, data, split.test, 1)
    assert same.difference["map"].value == 0


def test_files_that_do_not_fit_are_refused(trained, tmp_path):
    data, split, model = trained
    model.save(tmp_path / "model", recommend.example(data, split))
    plain = json.loads((tmp_path / "model" / "model.json").read_text())
    for wrong in ({"shelf": plain["shelf"] | {"ids": plain["shelf"]["ids"][1:]}}, {"popular": plain["popular"][1:]}):
        (tmp_path / "model" / "model.json").write_text(json.dumps(plain | wrong))
        with pytest.raises(ArtefactRefused, match="don't fit"):
            recommend.load(tmp_path / "model")
    (tmp_path / "model" / "model.json").unlink()
    with pytest.raises(ArtefactRefused, match="can't be read"):
        recommend.load(tmp_path / "model")


def test_another_shelf_is_no_drift_and_other_customers_are(trained):
    data, split, model = trained
    day, was = int(data.day[split.test][0]), model.judge(data, split.test, 1).drift
    shelf = data.shelves[day]
    season = dataclasses.replace(shelf, taken=shelf.taken[::-1] * 9, on_sale=np.roll(shelf.on_sale, 1))
    moved = dataclasses.replace(data, shelves=data.shelves | {day: season})
    assert model.judge(moved, split.test, 1).drift == was
    assert was.shifts[0].verdict == "stable"
    # What came since isn't on the shelf of training.
    newcomer = dataclasses.replace(season, ids=("new", *season.ids[1:]))
    moved = dataclasses.replace(data, shelves=data.shelves | {day: newcomer})
    assert not model.shelf.held_by(newcomer).on_sale[0]
    assert len(model.best(moved, split.test)) == split.test.sum()
    # Customers who hold nothing and look at nothing are others.
    cube = np.where(split.test[:, None, None], 0, data.cube)
    score = model.judge(dataclasses.replace(data, cube=cube), split.test, 1).drift.shifts[0]
    assert (score.name, score.verdict) == ("score", "drifted")


def test_a_date_is_learnt_with_its_own_shelf_and_one_without_a_shelf_teaches_nothing(shop):
    days = iter(DATES)

    def change(made):
        day, shelf = next(days), made["ftr_product"]
        if day == DATES[0]:
            shelf["is_on_sale"] = False
        elif day < DATES[3]:
            shelf["is_on_sale"] = shelf["product_id"] != "FD2"
            shelf["risk_level"] = np.nan

    shop.build(change=change)
    data = recommend.read(QUICK, TODAY)
    assert data.dates() == DATES[1:]
    early, late = (data.shelves[as_day(day)] for day in (DATES[1], DATES[3]))
    assert not early.on_sale[early.ids.index("FD2")]
    assert late.on_sale[late.ids.index("FD2")]
    split = recommend.split(QUICK, data)
    model = recommend.train(QUICK, data, split)
    rows = data.on(DATES[1])
    assert (model.rankings(data, rows)["model"][:, early.ids.index("FD2")] == -np.inf).all()
    numbers = model.pairs(
        early, data.cube[rows], data.columns(model.features)[rows], np.ones(data.taken[rows].shape, bool)
    )
    known = numbers[:, [model.columns.index("product_risk_level"), model.columns.index("risk_above_held")]]
    assert np.isnan(known).all(), "nobody knew the risk then"


def test_without_looks_or_with_an_empty_feature_it_still_learns(shop):
    def change(made):
        made["ftr_product_affinity"] = made["ftr_product_affinity"].query("is_held").assign(view_count_90d=0)
        made["ftr_customer"]["aum_amount"] = np.nan

    shop.build(change=change)
    data = recommend.read(QUICK, TODAY)
    assert data.empty == ("aum_amount",)
    model = recommend.train(QUICK, data, recommend.split(QUICK, data))
    assert "aum_amount" not in model.features


def test_without_holdings_it_still_learns(shop):
    shop.build(change=lambda made: made.update(ftr_product_affinity=made["ftr_product_affinity"].head(0)))
    data = recommend.read(QUICK, TODAY)
    split = recommend.split(QUICK, data)
    assert np.allclose(recommend.train(QUICK, data, split).factors.items, 0)


def test_one_product_nobody_who_took_one_or_too_few_is_a_prerequisite(shop):
    with pytest.raises(DataPrerequisite, match="aren't there"):
        recommend.read(QUICK, TODAY)
    shop.build(count=5)
    data = recommend.read(QUICK, TODAY)
    with pytest.raises(DataPrerequisite, match="needed are 100") as refused:
        recommend.split(QUICK, data)
    assert refused.value.report["history_days_needed"] == 180
    shop.build(change=lambda made: made.update(ftr_product=made["ftr_product"].head(1)))
    with pytest.raises(DataPrerequisite, match="knows 1 products on sale"):
        recommend.read(QUICK, TODAY)
    shop.build(change=lambda made: made.update(lbl_next_product=made["lbl_next_product"].head(0)))
    with pytest.raises(DataPrerequisite, match="nobody took a product"):
        recommend.read(QUICK, TODAY)


def test_wrong_data_are_refused(shop):
    shop.build(dates=(date(2025, 9, 30),), count=20)
    with pytest.raises(DataError, match="such a label is a guess"):
        recommend.read(QUICK, TODAY)
    shop.build(change=lambda made: made["ftr_customer"].__setitem__("deposit_amount", np.inf), count=20)
    with pytest.raises(DataError, match="deposit_amount"):
        recommend.read(QUICK, TODAY)


def test_a_look_that_knows_the_future_is_found(shop):
    def change(made):
        affinity, taken = made["ftr_product_affinity"], made["lbl_next_product"]
        rows = taken.merge(affinity, "left").fillna(0).astype({"is_held": bool, "was_held": bool})
        rest = affinity.merge(taken, "left", indicator="which").query("which == 'left_only'").drop(columns="which")
        made["ftr_product_affinity"] = pd.concat([rows.assign(application_count_90d=1), rest])

    shop.build(change=change)
    data = recommend.read(QUICK, TODAY)
    with db.connect("scorer") as link, pytest.raises(LeakageFound, match="offer_application_count_90d"):
        recommend.check(link, QUICK, data)


@pytest.mark.parametrize("planted", ["customer", "look", "nothing"])
def test_what_was_changed_after_the_day_itself_is_found(shop, planted):
    def change(made):
        if planted == "customer":
            made["ftr_customer"]["aum_amount"] += 1
        if planted == "look":
            rows = made["ftr_product_affinity"]
            made["ftr_product_affinity"] = rows[rows["is_held"] | (np.arange(len(rows)) % 3 > 0)]

    shop.build()
    then = shop.build("daily", day=DATES[-1], change=change)
    shop.bank.execute("update governance.build set status = 'published' where build_id = %s", then)
    data = recommend.read(QUICK, TODAY)
    with db.connect("scorer") as link:
        if planted == "nothing":
            assert re.search(r"; 400 customers compared .*; \d{3,4} pairs compared", recommend.check(link, QUICK, data))
            return
        found = "view_count_90d .share of pairs" if planted == "look" else "aum_amount .share of customers"
        with pytest.raises(LeakageFound, match=found):
            recommend.check(link, QUICK, data)


def test_through_the_verbs(shop, registry):
    shop.group(shop.build(), 400)
    made = train.run("recommend", TODAY)
    card = Path(registry.download_artifacts(made["run_id"], "model_card.md")).read_text()
    assert "## Rankings out of time" in card
    assert re.search(r"- Leakage: no feature alone tells what is taken next, in \d+ pairs of a customer", card)
    assert "## Drift of the test rows against training: " in card
    assert "**Not judged**: no two groups have 200 customers" in card, "99 customers took something in time"
    promoted = promote.run("recommend", TODAY)
    assert promoted["promoted"], promoted["gates"]
    shop.build("daily", count=50)
    result = score.run("recommend", TODAY)
    found = shop.bank.execute(
        "select count(*), count(rank), count(excluded), count(reasons) from scores.customer_offer where is_champion"
    )
    ((excluded, reasons),) = shop.bank.execute(
        "select count(*), sum((select count(*) from jsonb_object_keys(excluded)))"
        " from scores.customer_exclusion where is_champion"
    )
    assert excluded == 50, "FD9 is off the shelf for everybody"
    assert reasons > found[0][2]
    assert found[0][0] + excluded == result["rows"]
    assert found[0][0] == found[0][1] + found[0][2]
    assert found[0][1] == found[0][3]

    # A product that came later: it is judged too, and nobody knew it.
    def newer(made):
        shelf = made["ftr_product"]
        made["ftr_product"] = pd.concat([shelf, shelf.tail(1).assign(product_id="ZZ9")], ignore_index=True)
        label = made["lbl_next_product"]
        made["lbl_next_product"] = pd.concat([label, label.head(5).assign(product_id="ZZ9")]).drop_duplicates()

    shop.build(seed=5, change=newer)
    later = evaluate.run("recommend", TODAY)
    assert list(later["by_date"]) == ["2025-07-31"]
    assert later["by_date"]["2025-07-31"]["model"]["ndcg_3"]["value"] > 0


def test_drift_and_slices_are_in_the_judgement_and_customers_of_another_kind_are_seen(trained, seen):
    data, split, model = trained
    judged = seen(model, data, split.test, model.features, "ndcg_3")
    assert judged.drift.verdict != "drifted"
    assert "only the customer's own are compared" in judged.sections()[1]
    assert 0 < sum(one.weight for one in judged.drift.shifts[1:]) < 1, "pairs carry the rest"
    others = dataclasses.replace(data, numbers=9 * data.numbers + 900)
    assert {one.verdict for one in model.judge(others, split.test, 1).drift.shifts[1:]} == {"drifted"}
