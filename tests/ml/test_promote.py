from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from ml import promote, train
from ml.errors import DataError, ModelError, TrackingUnavailable

TODAY = date(2025, 10, 31)


def shuffled(frame):
    """The same frame, its labels having nothing to do with its features."""
    return frame.assign(is_churn=np.random.default_rng(5).permutation(frame["is_churn"].to_numpy()))


def alias(registry, name):
    return registry.get_registered_model("churn").aliases.get(name)


def test_a_good_version_becomes_champion_and_a_useless_one_challenger(bank, registry):
    assert "no version" in promote.run("churn", TODAY)["skipped"]
    bank.training()
    good = train.run("churn", TODAY)
    result = promote.run("churn", TODAY)
    assert (result["alias"], result["promoted"]) == ("champion", True)
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


def test_a_rival_is_compared_with_the_champion_on_the_same_customers(bank, champion, mlflow_server):
    from mlflow import MlflowClient

    registry = MlflowClient()
    bank.training(seed=7)
    rival = train.run("churn", TODAY)
    try:
        result = promote.run("churn", TODAY, version=int(rival["version"]))
        compared = {gate["name"]: gate for gate in result["gates"]}[f"auc not worse than champion {champion}"]
        assert "difference" in compared["found"]
        assert result["promoted"] == all(gate["passed"] for gate in result["gates"])
        assert alias(registry, "champion") == (rival["version"] if result["promoted"] else champion)
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


def test_an_unknown_version_and_a_silent_server_are_errors(bank, champion, mlflow_server, monkeypatch):
    with pytest.raises(ModelError, match="no version 99"):
        promote.run("churn", TODAY, version=99)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingUnavailable, match="Nothing was promoted"):
        promote.run("churn", TODAY)
