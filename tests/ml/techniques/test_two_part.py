from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bankmart import db
from ml import evaluate, promote, score, train
from ml.data.scores import Target
from ml.errors import ArtefactRefused, DataError, DataPrerequisite, LeakageFound
from ml.judging.gate import checks
from ml.models.clv import SPEC
from ml.techniques import two_part
from ml.techniques.two_part import data as values
from ml.techniques.two_part import fitting, scoring
from ml.tracking import package

TODAY = date(2025, 10, 31)
QUICK = dataclasses.replace(SPEC, params={**SPEC.params, "num_boost_round": 60, "min_data_in_leaf": 20})


@pytest.fixture
def trained(shop):
    shop.build(count=700)
    found = two_part.read(QUICK, TODAY)
    split = two_part.split(QUICK, found)
    return found, split, two_part.train(QUICK, found, split)


def scores(model, build_id):
    with db.connect("scorer") as link:
        chunks = list(two_part.scored(link, QUICK, model, Target(TODAY, build_id, "clv", "1", True, "run")))
    customers, found, bands = (
        np.concatenate([getattr(one, name) for one in chunks]) for name in ("customers", "scores", "bands")
    )
    order = np.argsort(customers)
    return found[order], bands[order], [reason for one in chunks for reason in one.reasons]


def test_months_are_discounted_and_scaled_to_a_year():
    assert values.discounted_months(2, 0.0) == 2
    assert values.discounted_months(12, 0.1) == pytest.approx(sum(1.1 ** (-k / 12) for k in range(1, 13)))
    assert values.repeated_column(6) == "margin_6m_amount"


def test_the_horizon_is_the_longest_with_two_dates_to_learn_from():
    days = np.array([values.as_day(date(2025, month, 28)) for month in range(1, 11)])
    nothing, whole = np.zeros(10, dtype=bool), np.ones(10, dtype=bool)
    assert values.horizon(days, {12: nothing, 6: whole, 3: whole}) == 6
    assert values.horizon(days, {12: nothing, 6: days <= days[6], 3: whole}) == 3
    assert values.horizon(days[:4], {12: nothing[:4], 6: nothing[:4], 3: whole[:4]}) is None


def test_it_beats_the_months_before_repeated_and_is_the_same_again_after_a_save(trained, tmp_path):
    found, split, model = trained
    assert found.months == 3
    assert split.periods["test"] == ["2025-07-31"]
    assert split.newest_learnt() == date(2025, 4, 30)
    judged = model.judge(found, split.test, 1)
    assert judged.ahead("mae").low > 0
    assert judged.model["decile_error"].value < judged.baseline["decile_error"].value
    assert "| tenth |" in judged.sections()[0]
    assert "not 12" in model.facts["about"][0]

    example = dict.fromkeys(found.features, 0.0)
    model.save(tmp_path / "one", example)
    package.refuse_unsafe(tmp_path / "one")
    loaded = two_part.load(tmp_path / "one")
    assert loaded.judge(found, split.test, 1) == judged
    two_part.train(QUICK, found, split).save(tmp_path / "two", example)
    for name in ("model.lgb", "active.lgb", "model.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_earlier_dates_judge_it_beside_by_what_was_over_then(trained, monkeypatch):
    found, split, model = trained
    (one,) = model.facts["rolling"]
    assert one["test"] == "2025-06-30", "the date before the test; before it nothing older was over"
    value, low, high = one["spearman"]
    assert low < value < high
    assert "Learnt from what was over before 2025-06-30" in "\n".join(model.facts["about"])
    learnt = []
    monkeypatch.setattr(fitting, "learn", lambda spec, data, then: learnt.append((data, then)) or model)
    fitting._rolling(QUICK, found, 5)
    ((until, then),) = learnt
    assert until.day[then.train | then.stop | then.calibration].max() == values.as_day(date(2025, 3, 31))
    assert until.day.max() == values.as_day(date(2025, 6, 30))
    assert fitting._told([]) == [
        "- No earlier date could judge it beside: its months weren't over, or nothing older was."
    ]


def test_the_parts_make_the_whole(trained):
    found, split, model = trained
    numbers = found.numbers[split.test]
    chance, change = model.active.predict(numbers), model.amount.predict(numbers)
    before = found.repeated[split.test]
    size = np.maximum(np.abs(before), model.plain.least)
    whole = model.plain.scale * (chance * (before + size * change) + (1 - chance) * model.plain.idle)
    assert model.score(numbers) == pytest.approx(whole * model.yearly)
    assert model.yearly == pytest.approx(values.discounted_months(12, 0.08) / values.discounted_months(3, 0.08))


def test_damaged_files_are_refused(trained, tmp_path):
    found, _, model = trained
    model.save(tmp_path / "model", dict.fromkeys(found.features, 0.0))
    plain = json.loads((tmp_path / "model" / "model.json").read_text())
    (tmp_path / "model" / "model.json").write_text(json.dumps(plain | {"features": plain["features"][::-1]}))
    with pytest.raises(ArtefactRefused, match="different features"):
        two_part.load(tmp_path / "model")
    (tmp_path / "model" / "active.lgb").unlink()
    with pytest.raises(ArtefactRefused, match="can't be read"):
        two_part.load(tmp_path / "model")


def test_customers_are_scored_banded_and_explained_in_money(trained, shop, monkeypatch):
    _, _, model = trained
    build_id = shop.build("daily", count=300)
    found, bands, reasons = scores(model, build_id)
    assert len(found) == 300
    assert np.isfinite(found).all()
    assert found[bands == "top"].min() > found[bands == "low"].max()
    said = [json.loads(reason) for reason in reasons if reason]
    assert len(said) == (bands == "top").sum() > 0
    assert {"feature", "value", "contribution", "zh", "en"} == said[0][0].keys()
    monkeypatch.setattr(scoring, "CHUNK_ROWS", 17)
    assert scores(model, build_id)[0] == pytest.approx(found)


def test_a_feature_gone_silent_infinite_or_of_another_kind_is_refused(trained, shop):
    _, _, model = trained
    silent = shop.build("daily", change=lambda made: made["ftr_margin"].__setitem__("margin_amount", np.nan))
    with pytest.raises(DataError, match="margin_amount.*a source is missing"):
        scores(model, silent)
    infinite = shop.build("daily", change=lambda made: made["ftr_margin"].__setitem__("margin_amount", np.inf))
    with pytest.raises(DataError, match="margin_amount"):
        scores(model, infinite)
    shop.bank.execute("alter table features.ftr_margin alter column margin_amount type text")
    with pytest.raises(DataError, match="aren't numbers"):
        scores(model, silent)


def test_a_short_history_or_a_margin_without_assumptions_is_a_prerequisite(shop):
    with pytest.raises(DataPrerequisite, match="aren't there"):
        two_part.read(QUICK, TODAY)
    shop.build(count=20, dates=(date(2025, 6, 30), date(2025, 7, 31)))
    with pytest.raises(DataPrerequisite, match="doesn't leave 2") as refused:
        two_part.read(QUICK, TODAY)
    assert refused.value.report["months_ahead"] == [12, 6, 3]
    found = refused.value.report
    assert (found["history_months"], found["history_months_needed"]) == (4, 7)
    assert found["as_of_dates"] == ["2025-06-30", "2025-07-31"]
    assert (found["positives"], found["rows_needed"], found["rows"]) == (None, 500, 40)
    assert "History: 4 months; needed are 7 or more." in str(refused.value)
    shop.build(count=20, change=lambda made: made.update(lbl_margin=made["lbl_margin"].head(0)))
    with pytest.raises(DataPrerequisite, match="no customer with features and a later margin"):
        two_part.read(QUICK, TODAY)
    shop.build(count=20, change=lambda made: made["ftr_margin"].__setitem__("margin_3m_amount", np.nan))
    with pytest.raises(DataPrerequisite, match="margin_3m_amount is null for everybody"):
        two_part.read(QUICK, TODAY)
    shop.build(count=20)
    with pytest.raises(DataPrerequisite, match="needed are 500. History: 9 months;") as refused:
        two_part.split(QUICK, two_part.read(QUICK, TODAY))
    assert 0 < refused.value.report["rows"] < 80, "four dates of 20 customers, in three parts"


def test_an_empty_feature_is_left_out_and_a_guessed_label_refused(shop):
    shop.build(count=20, change=lambda made: made["ftr_customer"].__setitem__("aum_amount", np.nan))
    assert two_part.read(QUICK, TODAY).empty == ("margin_12m_amount", "aum_amount")
    shop.build(count=20, day=date(2025, 9, 30))
    with pytest.raises(DataError, match="such a label is a guess"):
        two_part.read(QUICK, date(2025, 9, 30))


def test_a_feature_that_knows_the_future_is_found(shop):
    def change(made):
        after = made["lbl_margin"]["margin_3m_amount"] - made["ftr_margin"]["margin_3m_amount"]
        made["ftr_customer"]["tenure_days"] = after.fillna(0)

    shop.build(count=100, change=change)
    with db.connect("scorer") as link, pytest.raises(LeakageFound, match="tenure_days"):
        two_part.check(link, QUICK, two_part.read(QUICK, TODAY))


@pytest.mark.parametrize(
    ("table", "column"), [("ftr_customer", "aum_amount"), ("ftr_margin", "fee_amount"), (None, None)]
)
def test_what_was_changed_after_the_day_itself_is_found(shop, table, column):
    def change(made):
        if table:
            made[table][column] += 1

    shop.build(count=100)
    then = shop.build("daily", day=date(2025, 4, 30), count=100, change=change)
    shop.bank.execute("update governance.build set status = 'published' where build_id = %s", then)
    found = two_part.read(QUICK, TODAY)
    with db.connect("scorer") as link:
        if table is None:
            assert "; 100 customers compared with what the daily" in two_part.check(link, QUICK, found)
            return
        with pytest.raises(LeakageFound, match=rf"{column} \(share of customers changed 1"):
            two_part.check(link, QUICK, found)


def test_through_the_verbs(shop, registry):
    def chance(made):
        label = made["lbl_margin"]
        label["margin_3m_amount"] *= np.random.default_rng(3).lognormal(0, 0.1, len(label))

    shop.group(shop.build(count=700, change=chance), 700)
    made = train.run("clv", TODAY)
    women = next(one for one in made["judgement"]["fairness"] if one["group"] == "F")
    assert women["measures"]["promised_to_realised"]["value"] == pytest.approx(1, abs=0.15)
    assert made["judgement"]["positives"] is None
    card = Path(registry.download_artifacts(made["run_id"], "model_card.md")).read_text()
    assert "- Leakage: no feature alone ranks how the margin changes, in " in card
    assert "**unproven** on these data that no feature looks past its date: 0 customers compared" in card
    judged = promote.run("clv", TODAY)
    assert judged["promoted"], judged["gates"]
    shop.build("daily", count=50)
    result = score.run("clv", TODAY)
    assert (result["rows"], result["drift"]) == (50, "stable")
    later = evaluate.run("clv", TODAY)
    assert (later["verdict"], list(later["by_date"])) == ("holds", ["2025-07-31"]), "months, not a year, after training"


def test_drift_and_slices_are_in_the_judgement_and_customers_of_another_kind_fail_the_gate(trained, seen):
    data, split, model = trained
    judged = seen(model, data, split.test, model.features, "spearman")
    assert judged.drift.verdict == "stable"
    others = dataclasses.replace(data, numbers=np.where(split.test[:, None], 9 * data.numbers + 900, data.numbers))
    moved = model.judge(others, split.test, 1)
    assert not {check.name: check.passed for check in checks(SPEC.gates, moved)}["drift"]
