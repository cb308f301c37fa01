from __future__ import annotations

import pickle
from datetime import date

import numpy as np
import pytest

from ml import score
from ml.errors import ArtefactRefused, DataError, TrackingUnavailable
from ml.techniques import trees
from ml.techniques.quickscorer import Trees

TODAY = date(2025, 10, 31)


def test_without_champion_nothing_is_scored(bank, registry):
    bank.daily()
    assert "no champion" in score.run("churn", TODAY)["skipped"]
    assert bank.scores().empty


def test_scores_are_ordered_by_risk_banded_explained_and_the_same_again(bank, champion, monkeypatch):
    monkeypatch.setattr(score, "CHUNK_ROWS", 128)

    def changed(frame):
        return frame.assign(
            aum_amount=frame["aum_amount"].where(frame.index != 3, 999.99),
            customer_id=frame["customer_id"].where(frame.index != 4, '客户 "四", ä'),
        )

    build_id = bank.daily(changed)
    result = score.run("churn", TODAY, build_id)
    scores = bank.scores()
    assert result["rows"] == len(scores) == 599, "the customer below the population's limit isn't scored"
    assert '客户 "四", ä' in set(scores["customer_id"])
    assert set(scores["version"]) == {champion}
    assert set(scores["run_id"]) == {result["run_id"]}
    assert scores["is_champion"].all()
    assert scores["band"].value_counts().to_dict() == result["bands"]
    lowest = scores.groupby("band")["score"].min()
    highest = scores.groupby("band")["score"].max()
    assert lowest["high"] > highest["medium"] > lowest["medium"] > highest["low"]

    explained = scores["reasons"].notna()
    assert (explained == scores["band"].isin(["high", "medium"])).all(), "retention acts on both"
    assert {len(reasons) for reasons in scores.loc[explained, "reasons"]} == {3}
    riskiest = scores.loc[scores["score"].idxmax(), "reasons"]
    assert len(riskiest) == 3
    assert [reason["contribution"] for reason in riskiest] == sorted(
        (reason["contribution"] for reason in riskiest), reverse=True
    )
    assert riskiest[0]["feature"] in ("aum_change_rate_30d", "complaint_count_90d")
    ((features,),) = bank.execute(
        "select to_jsonb(f) from features.ftr_customer f where build_id = %s and customer_id = %s",
        *(build_id, scores.loc[scores["score"].idxmax(), "customer_id"]),
    )
    assert [reason["value"] for reason in riskiest] == [features[reason["feature"]] for reason in riskiest]

    score.run("churn", TODAY, build_id)
    assert bank.scores().equals(scores)


def test_many_customers_are_scored_without_lightgbm_and_the_same(bank, champion, monkeypatch):
    monkeypatch.setattr(score, "CHUNK_ROWS", 128)
    bank.daily()
    score.run("churn", TODAY)
    by_lightgbm, asked, whole = bank.scores(), [], Trees.raw
    for least in ("WORTH_MAKING", "WORTH_USING"):
        monkeypatch.setattr(trees, least, 100)
    monkeypatch.setattr(Trees, "raw", lambda self, rows: asked.append(len(rows)) or whole(self, rows))
    score.run("churn", TODAY)
    assert asked[-4:] == [128] * 4
    assert bank.scores().equals(by_lightgbm)


def test_a_challenger_is_scored_beside_the_champion(bank, champion, mlflow_server):
    from mlflow import MlflowClient

    bank.daily(count=50)
    score.run("churn", TODAY)
    MlflowClient().set_registered_model_alias("churn", "challenger", champion)
    try:
        bank.execute("update scores.customer_score set model_version = 'the champion'")
        assert score.run("churn", TODAY, alias="challenger")["rows"] == 50
    finally:
        MlflowClient().delete_registered_model_alias("churn", "challenger")
    found = bank.scores().groupby("version")["is_champion"].agg(["size", "all"])
    assert found.to_dict("index") == {
        champion: {"size": 50, "all": False},
        "the champion": {"size": 50, "all": True},
    }


def test_a_build_has_one_champion(bank, champion):
    build_id = bank.daily()
    bank.execute(
        "insert into scores.customer_score"
        " select %s, %s, 'churn', version, 'C000001', 0.5, 'low', null, version = 'old', 'a run'"
        " from unnest(array['old', 'shadow']) version",
        *(TODAY, build_id),
    )
    score.run("churn", TODAY)
    assert set(bank.scores()["version"]) == {champion, "shadow"}


def test_a_date_that_readers_see_is_scored_again_as_it_was(bank, champion, mlflow_server):
    from mlflow import MlflowClient

    seen = bank.daily(count=50)
    score.run("churn", TODAY, seen)
    bank.execute("update governance.build set status = 'published' where build_id = %s", seen)
    bank.execute("insert into governance.publication (business_date, build_id) values (%s, %s)", TODAY, seen)
    client = MlflowClient()
    earlier = client.get_model_version("churn", champion)
    model_id = earlier.source.removeprefix("models:/")
    made = client.create_model_version("churn", earlier.source, earlier.run_id, earlier.tags, model_id=model_id)
    client.set_registered_model_alias("churn", "champion", made.version)
    try:
        again = bank.daily(count=50)
        assert score.run("churn", TODAY, again)["version"] == champion
        assert score.run("churn", TODAY, again, anew=True)["version"] == made.version
        client.set_model_version_tag("churn", champion, "rolled_back", "by a test")
        assert score.run("churn", TODAY, again)["version"] == made.version
        bank.execute("delete from scores.customer_score where build_id = %s", seen)
        assert "readers see the date without its scores" in score.run("churn", TODAY, again)["skipped"]
    finally:
        client.set_registered_model_alias("churn", "champion", champion)
        client.delete_model_version_tag("churn", champion, "rolled_back")
        client.delete_model_version("churn", made.version)


def test_a_failure_half_way_leaves_the_scores_as_they_were(bank, champion, monkeypatch):
    monkeypatch.setattr(score, "CHUNK_ROWS", 128)
    build_id = bank.daily()
    score.run("churn", TODAY, build_id)
    before = bank.scores()
    bank.execute(
        "update features.ftr_customer set deposit_amount = 'infinity' where build_id = %s and customer_id = 'C000599'",
        build_id,
    )
    with pytest.raises(DataError, match=r"deposit_amount \(1 rows\)"):
        score.run("churn", TODAY, build_id)
    assert bank.scores().equals(before)


def test_a_feature_that_went_silent_missing_or_textual_is_refused(bank, champion):
    bank.daily(lambda frame: frame.assign(session_count_30d=np.nan))
    with pytest.raises(DataError, match="session_count_30d.*a source is missing"):
        score.run("churn", TODAY)
    bank.execute("alter table features.ftr_customer alter column session_count_30d type text")
    promised = f"has session_count_30d as text, promised was double: the signature of churn version {champion} is not"
    with pytest.raises(DataError, match=promised):
        score.run("churn", TODAY)
    bank.execute("alter table features.ftr_customer drop column session_count_30d")
    with pytest.raises(DataError, match="lacks session_count_30d: the signature of churn"):
        score.run("churn", TODAY)
    assert bank.scores().empty


def test_scores_and_refusals_are_in_the_audit(bank, champion):
    before = len(told(bank))
    build_id = bank.daily(count=50)
    result = score.run("churn", TODAY, build_id)
    bank.execute("update features.ftr_customer set deposit_amount = 'infinity' where build_id = %s", build_id)
    with pytest.raises(DataError):
        score.run("churn", TODAY, build_id)
    assert told(bank)[before:] == [
        ("score", f"churn version {champion} as of {TODAY}",
         {"build_id": build_id, "champion": True, "run_id": result["run_id"], "rows": 50}),
        ("score_refused", f"churn as of {TODAY}", {"reason": "DataError"}),
    ]  # fmt: skip


def test_customers_unlike_those_of_training_are_told_once(bank, champion):
    bank.daily()
    assert score.run("churn", TODAY)["drift"] in ("stable", "watch")
    bank.daily(
        lambda frame: frame.assign(aum_change_rate_30d=frame["aum_change_rate_30d"] - 3, complaint_count_90d=9.0)
    )
    for _ in range(2):
        assert score.run("churn", TODAY)["drift"] == "drifted"
    ((kind, subject, body),) = bank.execute("select kind, subject, body from governance.notice")
    assert (kind, subject) == (
        "drift", f"churn version {champion}: the customers of {TODAY} are not those it was trained on"
    )  # fmt: skip
    assert "score: PSI" in body.replace("(score)", "score")
    assert "aum_change_rate_30d: PSI" in body


def told(bank):
    return bank.execute(
        "select kind, subject, facts from audit.entry where kind in ('score', 'score_refused') order by number"
    )


def test_a_wrong_build_is_refused(bank, champion):
    with pytest.raises(DataError, match="no daily build"):
        score.run("churn", TODAY)
    with pytest.raises(DataError, match="is a training build"):
        score.run("churn", TODAY, 1)
    with pytest.raises(DataError, match="no build 99"):
        score.run("churn", TODAY, 99)
    failed = bank.build("daily", TODAY, "failed")
    with pytest.raises(DataError, match="status failed"):
        score.run("churn", TODAY, failed)
    empty = bank.build("daily", TODAY, "building")
    with pytest.raises(DataError, match="no customer of build"):
        score.run("churn", TODAY, empty)


def test_nobody_in_the_population_is_a_reason_not_an_error(bank, champion):
    bank.daily(lambda frame: frame.assign(aum_amount=10.0), count=5)
    assert "population" in score.run("churn", TODAY)["skipped"]


class Boom:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("damage", ["changed", "added", "gone", "pickle"])
def test_damaged_files_are_refused_and_nothing_is_written(bank, champion, mlflow_server, damage):
    from mlflow import MlflowClient

    bank.daily()
    source = MlflowClient().get_model_version("churn", champion).source.removeprefix("models:/")
    (booster,) = mlflow_server.rglob(f"{source}/artifacts/model.lgb")
    text = booster.read_bytes()
    extra = booster.with_name("evil.json" if damage == "added" else "evil.pkl")
    try:
        if damage == "changed":
            booster.write_bytes(text.replace(b"leaf_value=", b"leaf_value=1", 1))
        elif damage == "gone":
            booster.unlink()
        elif damage == "added":
            extra.write_text("{}")
        else:
            extra.write_bytes(pickle.dumps(Boom()))
        words = {"changed": "was changed", "gone": "is missing", "added": "wasn't there", "pickle": "refused"}
        with pytest.raises(ArtefactRefused, match=words[damage]):
            score.run("churn", TODAY)
    finally:
        booster.write_bytes(text)
        extra.unlink(missing_ok=True)
    assert bank.scores().empty
    assert score.run("churn", TODAY)["rows"] == 600


def test_artefacts_that_are_gone_altogether_are_refused(bank, champion, mlflow_server):
    from mlflow import MlflowClient

    bank.daily()
    source = MlflowClient().get_model_version("churn", champion).source.removeprefix("models:/")
    (folder,) = (path for path in mlflow_server.rglob(source) if path.is_dir())
    aside = folder.rename(folder.with_name("aside"))
    try:
        with pytest.raises(ArtefactRefused, match="model.lgb is missing"):
            score.run("churn", TODAY)
    finally:
        aside.rename(folder)


def test_without_mlflow_the_error_is_clear_and_nothing_is_written(bank, champion, monkeypatch):
    bank.daily()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingUnavailable, match="run the same command again"):
        score.run("churn", TODAY)
    assert bank.scores().empty
