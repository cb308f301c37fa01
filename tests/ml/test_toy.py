"""The verbs know no technique: one that shares nothing with the others goes all the way through them."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import pytest

import ml.models
import ml.techniques
from ml import evaluate, promote, score, train
from ml.errors import ModelError
from ml.spec import load_spec

TODAY = date(2025, 10, 31)
TOY = Path(__file__).parent / "toy"


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setattr(ml.models, "__path__", [*ml.models.__path__, str(TOY / "models")])
    monkeypatch.setattr(ml.techniques, "__path__", [*ml.techniques.__path__, str(TOY / "techniques")])
    return load_spec("parity")


def offers(bank):
    return bank.execute(
        "select customer_id, offer, rank, score, reasons, excluded, model_version, is_champion"
        " from scores.customer_offer order by model_version, customer_id, offer"
    )


def test_a_strange_technique_is_trained_judged_promoted_scored_and_evaluated(toy, bank, registry):
    bank.training(count=10)
    made = train.run("parity", TODAY)
    run = registry.get_run(made["run_id"])
    assert run.data.params["divisor"] == "2"
    assert "positives" not in run.data.params
    assert (run.data.metrics["hits"], run.data.metrics["test_rows"]) == (10, 10)
    assert "test_positives" not in run.data.metrics
    card = Path(registry.download_artifacts(made["run_id"], "model_card.md")).read_text()
    assert "| misses (less is better) | 0.0000" in card
    assert "divisible by three" in card
    assert promote.run("parity", TODAY)["promoted"]

    bank.daily(count=3)
    result = score.run("parity", TODAY)
    assert (result["rows"], result["bands"]) == (6, {"even": 2, "odd": 1, "excluded": 1})
    found = offers(bank)
    assert found[2] == ("C000001", "even", None, 1e6, [{"feature": "number"}], "the number is odd", "1", True)
    assert found[3][:4] == ("C000001", "odd", 1, -1.0)
    score.run("parity", TODAY)
    assert offers(bank) == found

    later = TODAY + timedelta(days=40)
    bank.training(dates=[date(2025, 9, 30)], count=10, day=later)
    assert evaluate.run("parity", later)["verdict"] == "holds"


def test_a_worse_rival_stays_challenger(toy, bank, registry, monkeypatch):
    bank.training(count=10)
    train.run("parity", TODAY)
    promote.run("parity", TODAY)
    worse = dataclasses.replace(toy, params={"divisor": 3})
    monkeypatch.setattr(train, "load_spec", lambda name: worse)
    assert train.run("parity", TODAY)["version"] == "2"
    refused = promote.run("parity", TODAY)
    assert refused["alias"] == "challenger"
    failed = {gate["name"] for gate in refused["gates"] if not gate["passed"]}
    assert {"hits above the baseline", "misses low enough", "hits not worse than champion 1"} <= failed


def test_an_unknown_technique_is_said_so(toy, bank, registry, monkeypatch):
    monkeypatch.setattr(train, "load_spec", lambda name: dataclasses.replace(toy, technique="guessing"))
    with pytest.raises(ModelError, match="no technique 'guessing'"):
        train.run("parity", TODAY)
