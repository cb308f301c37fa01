"""A promotion is taken back once, wherever the command was killed: the same again ends it, and nothing else."""

from __future__ import annotations

from datetime import date

import pytest

from bankmart import faults
from ml import rollback, train
from ml.__main__ import main
from ml.acts import alone
from ml.errors import ModelError
from ml.tracking import taking_back
from ml.tracking.registry import get_version, name_champion

TODAY = date(2025, 10, 31)
POINTS = [name.partition(".")[2] for name in faults.POINTS if name.startswith("takeback.")]


def champion(registry):
    return registry.get_registered_model("churn").aliases.get("champion")


def said(bank):
    return bank.execute(
        "select actor, subject, facts ->> 'champion_from_now' from audit.entry where kind = 'take_back' order by number"
    )


@pytest.fixture
def versions(bank, registry):
    """Three versions of one training, each promoted after the one before it."""
    bank.training()
    trained = train.run("churn", TODAY)["version"]
    made = [trained, *(copied(registry, trained) for _ in range(2))]
    for version in made:
        promoted(version)
    return made


def copied(registry, version):
    known = registry.get_model_version("churn", version)
    copy = {"run_id": known.run_id, "model_id": known.source.removeprefix("models:/"), "tags": known.tags}
    return registry.create_model_version("churn", known.source, **copy).version


def promoted(version):
    name_champion(get_version("churn", int(version)), "somebody")


def cut_off(monkeypatch, point, **how):
    with monkeypatch.context() as cut:
        cut.setenv(faults.VARIABLE, f"takeback.{point}:raise")
        faults._passed.clear()
        with pytest.raises(faults.Injected):
            rollback.run("churn", by="Li Wei", **how)


@pytest.mark.parametrize("point", POINTS)
def test_one_that_is_cut_off_is_ended_by_the_same_again(bank, registry, versions, monkeypatch, capsys, point):
    _, second, third = versions
    cut_off(monkeypatch, point)
    capsys.readouterr()
    result = rollback.run("churn", by="Li Wei")
    assert (result["taken_back"], result["champion"]) == (third, second)
    assert ("Nothing else was taken back" in capsys.readouterr().out) == (point in ("moved", "done"))
    assert champion(registry) == second
    assert said(bank) == [("Li Wei", f"churn version {third}", second)]
    assert registry.get_model_version("churn", third).tags["rolled_back"].startswith("by Li Wei at 20")
    assert "rolled_back" not in registry.get_model_version("churn", second).tags
    # It has ended: who asks once more means the next one.
    assert rollback.run("churn", by="Li Wei")["taken_back"] == second
    assert len(said(bank)) == 2


@pytest.mark.parametrize("point", ["tagged", "moved"])
def test_another_version_is_asked_for_after_one_that_was_cut_off(bank, registry, versions, monkeypatch, capsys, point):
    first, second, third = versions
    cut_off(monkeypatch, point)
    capsys.readouterr()
    code = main(["rollback", "churn", "--to", first, "--by", "Wang Fang"])
    if point == "tagged":
        # Nothing had moved: what is asked for now is done.
        assert (code, champion(registry)) == (0, first)
        assert said(bank) == [("Wang Fang", f"churn version {third}", first)]
        return
    assert (code, champion(registry)) == (1, second)
    told = "".join(capsys.readouterr())
    assert f"version {third} was being taken back by Li Wei" in told
    assert "no version was made champion. Run it again" in told
    assert main(["rollback", "churn", "--to", first, "--by", "Wang Fang"]) == 0
    assert champion(registry) == first
    assert said(bank) == [
        ("Li Wei", f"churn version {third}", second),
        ("Wang Fang", f"churn version {second}", first),
    ]


@pytest.mark.parametrize("point", ["intended", "moved"])
def test_a_version_that_was_promoted_meanwhile_stays(bank, registry, versions, monkeypatch, point):
    _, second, third = versions
    cut_off(monkeypatch, point)
    fourth = copied(registry, third)
    promoted(fourth)
    if point == "intended":
        with pytest.raises(ModelError, match="Nothing else of churn was taken back"):
            rollback.run("churn", by="Li Wei")
        assert said(bank) == []
    else:
        rollback.run("churn", by="Li Wei")
        assert said(bank) == [("Li Wei", f"churn version {third}", second)]
    assert champion(registry) == fourth
    assert taking_back.begun("churn") is None


def test_one_that_waited_for_another_takes_back_nothing(bank, registry, versions, monkeypatch):
    _, second, _ = versions

    def late(model):
        monkeypatch.setattr("ml.acts.alone", alone)
        rollback.run("churn", by="Li Wei")
        return alone(model)

    monkeypatch.setattr("ml.acts.alone", late)
    with pytest.raises(ModelError, match="another champion since a moment"):
        rollback.run("churn", by="Li Wei")
    assert champion(registry) == second
    assert len(said(bank)) == 1
