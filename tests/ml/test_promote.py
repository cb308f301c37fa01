from __future__ import annotations

from contextlib import contextmanager
from datetime import date

import numpy as np
import pytest

from bankmart import faults, settings
from bankmart.settings import mlflow_uri
from ml import compare, promote, rollback, score, train
from ml.__main__ import main
from ml.errors import ArtefactRefused, DataError, ModelError, TrackingUnavailable

TODAY = date(2025, 10, 31)


def shuffled(frame):
    """The same frame, its labels having nothing to do with its features."""
    return frame.assign(is_churn=np.random.default_rng(5).permutation(frame["is_churn"].to_numpy()))


def forgotten(frame):
    """The same customers; on all dates but the newest their labels have little to do with their features."""
    earlier = (frame["as_of_date"] < frame["as_of_date"].max()).to_numpy()
    noise = earlier & (np.random.default_rng(6).random(len(frame)) < 0.8)
    label = frame["is_churn"].to_numpy().copy()
    label[noise] = np.random.default_rng(5).permutation(label[noise])
    return frame.assign(is_churn=label)


def alias(registry, name):
    return registry.get_registered_model("churn").aliases.get(name)


def test_a_good_version_becomes_champion_and_a_useless_one_challenger(bank, registry, monkeypatch):
    assert "no version" in promote.run("churn", TODAY)["skipped"]
    bank.training()
    good = train.run("churn", TODAY)
    result = promote.run("churn", TODAY, approved_by="Li Wei")
    assert (result["alias"], result["promoted"]) == ("champion", True)
    tags = registry.get_model_version("churn", good["version"]).tags
    assert (tags["approved_by"], tags["replaced"]) == ("Li Wei", "none")
    assert tags["approved_at"]
    assert alias(registry, "champion") == good["version"]
    assert {"gate.md", "gate.json"} <= {item.path for item in registry.list_artifacts(good["run_id"])}
    again = promote.run("churn", TODAY)
    assert (again["alias"], again["promoted"]) == ("champion", False)

    bank.training(shuffled)
    useless = train.run("churn", TODAY)
    result = promote.run("churn", TODAY)
    assert (result["version"], result["alias"], result["promoted"]) == (
        useless["version"],
        "challenger",
        False,
    )
    failed = {gate["name"] for gate in result["gates"] if not gate["passed"]}
    assert "auc above the baseline" in failed
    assert alias(registry, "champion") == good["version"]
    assert alias(registry, "challenger") == useless["version"]

    # A verdict of before: another version has become champion meanwhile.
    stale = result | {"passed": True, "champion": None}
    monkeypatch.setattr("ml.compare.compare", lambda *_: stale)
    with pytest.raises(ModelError, match=f"Version {good['version']} .* became champion while .* with none"):
        promote.run("churn", TODAY)
    assert alias(registry, "champion") == good["version"]


@pytest.mark.parametrize("is_worse", [False, True])
def test_a_rival_is_compared_with_the_champion_on_the_same_customers(bank, champion, mlflow_server, is_worse):
    from mlflow import MlflowClient

    registry = MlflowClient()
    bank.training(forgotten if is_worse else lambda frame: frame, seed=7)
    rival = train.run("churn", TODAY)
    try:
        result = promote.run("churn", TODAY, version=int(rival["version"]))
        compared = {gate["name"]: gate for gate in result["gates"]}[f"auc not worse than champion {champion}"]
        assert "difference" in compared["found"]
        assert compared["passed"] != is_worse
        assert result["promoted"] != is_worse
        assert alias(registry, "champion") == (champion if is_worse else rival["version"])
    finally:
        registry.delete_registered_model("churn")


def test_lost_training_data_promote_nothing(bank, registry):
    bank.training()
    train.run("churn", TODAY)
    bank.execute("update features.ftr_customer set tenure_days = 1 where customer_id = 'C000001'")
    with pytest.raises(DataError, match="other rows"):
        promote.run("churn", TODAY)
    bank.execute("delete from features.lbl_churn")
    with pytest.raises(DataError, match="are gone"):
        promote.run("churn", TODAY)
    assert registry.get_registered_model("churn").aliases == {}


def test_a_comparison_moves_nothing_and_is_not_made_twice(bank, registry, monkeypatch):
    bank.training()
    made = train.run("churn", TODAY)
    verdict = compare.run("churn", TODAY)
    assert verdict["passed"]
    assert verdict["run_url"].endswith(f"/runs/{made['run_id']}")
    assert "| auc above the baseline | yes |" in verdict["report"]
    assert registry.get_registered_model("churn").aliases == {"challenger": made["version"]}
    bank.execute("delete from features.lbl_churn")
    assert compare.run("churn", TODAY) == verdict, "it was judged again"
    assert promote.run("churn", TODAY)["promoted"]
    assert registry.get_registered_model("churn").aliases == {"champion": made["version"]}


@pytest.mark.parametrize("point", ["compared", "tagged", "named", "done"])
def test_a_promotion_that_is_cut_off_is_done_and_said_once_by_the_same_again(bank, registry, monkeypatch, point):
    bank.training()
    version = train.run("churn", TODAY)["version"]
    with monkeypatch.context() as cut:
        cut.setenv(faults.VARIABLE, f"promote.{point}:raise")
        faults._passed.clear()
        with pytest.raises(faults.Injected):
            promote.run("churn", TODAY, approved_by="Li Wei")
    promote.run("churn", TODAY, approved_by="Li Wei")
    assert alias(registry, "champion") == version
    assert said(bank) == [("promote", "Li Wei", f"churn version {version}", "none")]


def said(bank):
    return bank.execute(
        "select kind, actor, subject, coalesce(facts ->> 'replaced', facts ->> 'champion_from_now')"
        " from audit.entry where kind in ('promote', 'take_back') order by number"
    )


def test_a_promotion_is_taken_back_by_one_command(bank, registry, mlflow_server):
    bank.training()
    first = train.run("churn", TODAY)["version"]
    promote.run("churn", TODAY, int(first))
    second = train.run("churn", TODAY, again=True)["version"]
    assert promote.run("churn", TODAY, int(second))["promoted"], "the same booster is not worse than itself"
    result = rollback.run("churn", by="Li Wei")
    assert (result["taken_back"], result["champion"]) == (second, first)
    assert said(bank)[1:] == [
        ("promote", settings.who(), f"churn version {second}", first),
        ("take_back", "Li Wei", f"churn version {second}", first),
    ]
    assert alias(registry, "champion") == first
    again = promote.run("churn", TODAY, int(second))
    assert [gate["name"] for gate in again["gates"] if not gate["passed"]] == ["not rolled back"]
    assert "by Li Wei at 20" in again["report"]

    with damaged(registry, mlflow_server, second), pytest.raises(ArtefactRefused, match="was changed"):
        rollback.run("churn", to=int(second))
    with pytest.raises(ModelError, match="nothing to take back"):
        rollback.run("churn", to=int(first))
    assert main(["rollback", "churn", "--by", "Li Wei"]) == 0
    assert alias(registry, "champion") is None, "nobody was champion before the first"
    with pytest.raises(ModelError, match="no champion"):
        rollback.run("churn")


def test_a_champion_whose_files_are_damaged_stops_the_promotion_until_a_person_says_so(bank, registry, mlflow_server):
    bank.training()
    first = train.run("churn", TODAY)["version"]
    promote.run("churn", TODAY)
    second = int(train.run("churn", TODAY, again=True)["version"])
    with damaged(registry, mlflow_server, first):
        stopped = promote.run("churn", TODAY, second)
        assert not stopped["promoted"]
        assert "To go on without it: --without-champion" in stopped["report"]
        assert alias(registry, "champion") == first
        assert promote.run("churn", TODAY, second, without_champion=True)["promoted"]


@pytest.mark.parametrize("version", ["the first", "a challenger"])
def test_a_candidate_that_was_tampered_with_is_refused_and_the_champion_stays(bank, registry, mlflow_server, version):
    bank.training()
    first = train.run("churn", TODAY)["version"]
    if version == "the first":
        with damaged(registry, mlflow_server, first), pytest.raises(ArtefactRefused, match="was changed"):
            promote.run("churn", TODAY)
        assert alias(registry, "champion") is None
        return
    promote.run("churn", TODAY)
    second = int(train.run("churn", TODAY, again=True)["version"])
    with damaged(registry, mlflow_server, second):
        with pytest.raises(ArtefactRefused, match="was changed"):
            promote.run("churn", TODAY, second)
        with pytest.raises(ArtefactRefused, match="was changed"):
            promote.run("churn", TODAY, second, without_champion=True)
    assert alias(registry, "champion") == first
    bank.daily(count=50)
    assert score.run("churn", TODAY)["version"] == first, "the last champion goes on scoring"
    assert [subject for _, _, subject, _ in said(bank)] == [f"churn version {first}"]


def two_champions(bank):
    """The version that was champion, and the one that is."""
    bank.training()
    first = train.run("churn", TODAY)["version"]
    promote.run("churn", TODAY, int(first))
    second = train.run("churn", TODAY, again=True)["version"]
    assert promote.run("churn", TODAY, int(second))["promoted"]
    return first, second


def test_where_the_champion_is_refused_the_one_before_it_scores_and_people_are_told(bank, registry, mlflow_server):
    first, second = two_champions(bank)
    build_id = bank.daily(count=50)
    with damaged(registry, mlflow_server, second):
        for _ in range(2):
            result = score.run("churn", TODAY)
        assert (result["version"], result["stands_in_for"], result["rows"]) == (first, second, 50)
        assert set(bank.scores()["version"]) == {first}
        assert bank.scores()["is_champion"].all()
        assert alias(registry, "champion") == second, "a person decides whether it stays"
        with damaged(registry, mlflow_server, first), pytest.raises(ArtefactRefused, match=f"version {second} is dam"):
            score.run("churn", TODAY)
        assert set(bank.scores()["version"]) == {first}, "nothing was written"
        registry.set_registered_model_alias("churn", "challenger", second)
        with pytest.raises(ArtefactRefused):
            score.run("churn", TODAY, alias="challenger")
        registry.delete_registered_model_alias("churn", "challenger")
    told = bank.execute("select kind, subject, body from governance.notice where kind = 'model_refused'")
    assert [row[1] for row in told] == [f"churn version {second} was refused: version {first} scores {TODAY} instead"]
    assert "model.lgb was changed" in told[0][2]
    assert bank.execute("select facts from audit.entry where kind = 'score_stand_in'") == [
        ({"refused": second, "scored_by": first, "reason": "ArtefactRefused"},)
    ]
    result = score.run("churn", TODAY, build_id)
    assert (result["version"], result["stands_in_for"]) == (second, None)
    assert set(bank.scores()["version"]) == {second}, "a build has one champion"


def test_a_champion_that_was_taken_back_does_not_stand_in(bank, registry, mlflow_server):
    first, second = two_champions(bank)
    registry.set_model_version_tag("churn", first, "rolled_back", "by Li Wei")
    bank.daily(count=50)
    with damaged(registry, mlflow_server, second), pytest.raises(ArtefactRefused, match="was changed"):
        score.run("churn", TODAY)
    assert bank.scores().empty


@contextmanager
def damaged(registry, files, version):
    source = registry.get_model_version("churn", str(version)).source.removeprefix("models:/")
    (booster,) = files.rglob(f"{source}/artifacts/model.lgb")
    text = booster.read_bytes()
    booster.write_bytes(text.replace(b"leaf_value=", b"leaf_value=1", 1))
    yield
    booster.write_bytes(text)


def test_an_unknown_version_and_a_silent_server_are_errors(bank, champion, mlflow_server, monkeypatch):
    with pytest.raises(ModelError, match="no version 99"):
        promote.run("churn", TODAY, version=99)
    from mlflow import MlflowClient

    registry = MlflowClient(mlflow_uri())
    bank.training(seed=7)
    rival = train.run("churn", TODAY)["version"]
    before = said(bank)
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        away.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        with pytest.raises(TrackingUnavailable, match="Nothing was promoted"):
            promote.run("churn", TODAY, version=int(rival))
    assert alias(registry, "champion") == champion, "the alias stayed where it was"
    assert alias(registry, "challenger") is None
    assert said(bank) == before, "and nobody says that anything moved"
    try:
        assert promote.run("churn", TODAY, version=int(rival))["promoted"], "it would have, with the server there"
    finally:
        registry.delete_registered_model("churn")


def test_an_earlier_version_is_champion_again_by_its_number(bank, registry, mlflow_server):
    bank.training()
    versions = [train.run("churn", TODAY, again=True)["version"] for _ in range(3)]
    for version in versions:
        assert promote.run("churn", TODAY, int(version))["promoted"]
    with damaged(registry, mlflow_server, versions[0]):
        assert main(["rollback", "churn", "--to", versions[0], "--by", "Li Wei"]) == 1
    assert alias(registry, "champion") == versions[2], "damaged files move nothing"
    assert main(["rollback", "churn", "--to", versions[0], "--by", "Li Wei"]) == 0
    assert alias(registry, "champion") == versions[0]
    assert said(bank)[-1] == ("take_back", "Li Wei", f"churn version {versions[2]}", versions[0])
