from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bankmart import db
from ml import evaluate, promote, score, train
from ml.data.scores import Target
from ml.errors import ArtefactRefused, DataError, DataPrerequisite, LeakageFound
from ml.models.recommend import SPEC
from ml.techniques import recommend
from ml.techniques.recommend import offering
from ml.tracking import package

TODAY = date(2025, 10, 31)
QUICK = dataclasses.replace(SPEC, params={**SPEC.params, "num_boost_round": 40, "sweeps": 5})


@pytest.fixture
def trained(shop):
    shop.build()
    data = recommend.read(QUICK, TODAY)
    split = recommend.split(QUICK, data)
    return data, split, recommend.train(QUICK, data, split)


def offers(model, build_id):
    target = Target(TODAY, build_id, "recommend", "1", True, "run")
    with db.connect("scorer") as reader:
        reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
        chunks = list(recommend.scored(reader, QUICK, model, target))
    return [
        row
        for one in chunks
        for row in zip(
            [name.decode() for name in one.customers.tolist()],
            *(one.offers.tolist(), one.ranks.tolist(), one.scores.tolist(), one.reasons, one.excluded),
            strict=True,
        )
    ]


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
    (tmp_path / "model" / "model.json").write_text(json.dumps(plain | {"ids": plain["ids"][1:]}))
    with pytest.raises(ArtefactRefused, match="don't fit"):
        recommend.load(tmp_path / "model")
    (tmp_path / "model" / "model.json").unlink()
    with pytest.raises(ArtefactRefused, match="can't be read"):
        recommend.load(tmp_path / "model")


def test_offers_are_ranked_explained_and_what_a_rule_takes_away_is_said(trained, shop, monkeypatch):
    _, _, model = trained
    build_id = shop.build("daily", count=200)
    rows = offers(model, build_id)
    made = [row for row in rows if row[2]]
    assert {row[2] for row in made} == {1, 2, 3}
    assert all(row[5] is None for row in made)
    assert all(len(json.loads(row[4])) <= 3 for row in made)
    assert {"feature", "value", "contribution", "zh", "en"} == json.loads(made[0][4])[0].keys()
    by_customer = {}
    for name, offer, rank, value, _, excluded in rows:
        by_customer.setdefault(name, []).append((rank, value, offer, excluded))
    for found in by_customer.values():
        ranked = [value for rank, value, _, _ in sorted(found) if rank]
        assert ranked == sorted(ranked, reverse=True)
    left_out = {excluded for row in rows if (excluded := row[5])}
    assert {"already_held", "no_consent", "not_on_sale", "risk_too_high"} <= left_out
    at = {name: int(name[1:]) for name in by_customer}
    assert not [row for row in made if at[row[0]] % 10 == 0], "who has not agreed is offered nothing"
    assert not [row for row in made if at[row[0]] % 5 == 0 and row[1] == "LN1"], "nobody of 70 is offered a loan"
    invested = [row for row in made if row[1].startswith("FD")]
    assert invested
    assert not [row for row in invested if at[row[0]] % 3 == 0 or at[row[0]] % 4 == 0]
    assert not [row for row in made if row[1] in ("FD2", "FD9")]

    monkeypatch.setattr(offering, "CHUNK_ROWS", 13)
    assert offers(model, build_id) == rows


def test_an_unseen_product_is_offered_to_nobody_and_a_customer_unknown_to_eligibility_nothing(trained, shop):
    _, _, model = trained

    def change(made):
        made["ftr_product"].loc[0, "product_id"] = "NEW1"
        made["ftr_product_affinity"] = made["ftr_product_affinity"].query("product_id != 'CA1'")
        made["ftr_eligibility"] = made["ftr_eligibility"].iloc[1:]

    rows = offers(model, shop.build("daily", count=60, change=change))
    assert not [row for row in rows if row[1] == "NEW1" and row[5] != "unknown_product"]
    of_unknown = [row for row in rows if row[0] == "C00000"]
    assert of_unknown
    assert {row[5] for row in of_unknown} <= {"no_consent", "not_on_sale", "unknown_product", "already_held"}


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


def test_a_build_without_a_shelf_is_refused(trained, shop):
    build_id = shop.build("daily", count=5, change=lambda made: made.update(ftr_product=made["ftr_product"].head(0)))
    with pytest.raises(DataError, match="has no product"):
        offers(trained[2], build_id)


def test_through_the_verbs(shop, registry):
    shop.group(shop.build(), 400)
    made = train.run("recommend", TODAY)
    card = Path(registry.download_artifacts(made["run_id"], "model_card.md")).read_text()
    assert "## Rankings out of time" in card
    assert "**Not judged**: no two groups have 200 customers" in card, "99 customers took something in time"
    promoted = promote.run("recommend", TODAY)
    assert promoted["promoted"], promoted["gates"]
    shop.build("daily", count=50)
    result = score.run("recommend", TODAY)
    found = shop.bank.execute(
        "select count(*), count(rank), count(excluded), count(reasons) from scores.customer_offer where is_champion"
    )
    assert found[0][0] == result["rows"] == found[0][1] + found[0][2]
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
