from __future__ import annotations

import json
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from ml import train
from ml.errors import DataError, LeakageFound, TrackingUnavailable
from ml.spec import load_spec
from ml.tracking import code
from ml.tracking.attempts import skipped
from ml.tracking.registry import HASHES_TAG, log_trials, training_run

TODAY = date(2025, 10, 31)


def test_a_training_leaves_everything_in_mlflow_and_the_same_again_trains_nothing(
    bank, registry, mlflow_server, monkeypatch, capsys
):
    build_id = bank.training()
    made = train.run("churn", TODAY)
    assert made["build_id"] == build_id
    assert made["judgement"]["model"]["auc"]["low"] > made["judgement"]["baseline"]["auc"]["high"]

    run = registry.get_run(made["run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.params["dbt_invocation_id"] == "an-invocation"
    assert run.data.params["rows"] == "6300"
    assert run.data.params["test"] == "2025-07-31"
    assert run.data.params["content_hash"] == made["content_hash"]
    assert {
        "auc",
        "auc_low",
        "auc_high",
        "baseline_auc",
        "difference_auc_low",
        "ece",
    } <= run.data.metrics.keys()
    (logged,) = run.inputs.dataset_inputs
    assert logged.dataset.digest == made["content_hash"][:32]
    for told in ('"build_id": "1"', f'"business_date": "{TODAY}"', '"dbt_invocation_id": "an-invocation"'):
        assert told in logged.dataset.source
    found = {item.path for item in registry.list_artifacts(made["run_id"])}
    assert {"model_card.md", "judgement.json", "reliability.png", "gain.png", "shap.png"} <= found

    assert [name for name in run.data.metrics if name.startswith("system/")], "the machine's load is beside it"
    model = registry.get_logged_model(
        registry.get_model_version("churn", made["version"]).source.removeprefix("models:/")
    )
    assert model.params["content_hash"] == made["content_hash"]
    assert model.metrics, "a model can be compared with others by its metrics"

    version = registry.get_model_version("churn", made["version"])
    assert version.aliases == []
    files = json.loads(version.tags[HASHES_TAG])
    assert {"MLmodel", "model.lgb", "model.json", "input_example.json"} <= files.keys()
    suffixes = {path.suffix for path in mlflow_server.rglob("*") if path.is_file()}
    assert suffixes <= {"", ".lgb", ".json", ".yaml", ".txt", ".md", ".png"}

    same = train.run("churn", TODAY)
    assert same["reused"]
    assert (same["version"], same["run_id"]) == (made["version"], made["run_id"])
    with monkeypatch.context() as patch:
        patch.setattr("ml.tracking.code.code_hash", lambda: "of another technique")
        other = train.run("churn", TODAY)
        assert not other["reused"], "a version of other code isn't this code's"
        assert train.run("churn", TODAY)["version"] == other["version"]
        assert "other code made it (revision " in capsys.readouterr().out
    assert train.run("churn", TODAY)["version"] == made["version"], "each code has its own"
    forced = train.run("churn", TODAY, again=True)
    assert forced["version"] != made["version"]
    again = json.loads(registry.get_model_version("churn", forced["version"]).tags[HASHES_TAG])
    assert again["model.lgb"] == files["model.lgb"], "two trainings on the same data gave different boosters"


def test_the_code_s_hash_follows_what_a_training_runs_and_nothing_else(tmp_path, monkeypatch):
    for name in ("train.py", "techniques/binary.py", "bench/speed.py", "models/churn.py", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one = 1\n")
    monkeypatch.setattr(code.ml, "__file__", str(tmp_path / "__init__.py"))
    before = code.code_hash()
    for name, moves in {
        **{"bench/speed.py": False, "models/churn.py": False, "notes.md": False},
        **{"train.py": True, "techniques/binary.py": True},
    }.items():
        (tmp_path / name).write_text("two = 2\n")
        assert (code.code_hash() != before) == moves, name
        before = code.code_hash()


def test_trials_are_children_of_the_run_that_is_open(registry):
    def trial(number, state, value, **params):
        return SimpleNamespace(number=number, state=SimpleNamespace(name=state), value=value, params=params)

    trials = [trial(0, "COMPLETE", 0.7, num_leaves=31), trial(1, "PRUNED", None, num_leaves=7)]
    trials[0].metrics = {"lift": 2.5}
    log_trials("auc", trials)
    with training_run(load_spec("churn"), {"as_of": "2025-10-31"}) as parent:
        log_trials("auc", trials)
    experiment = registry.get_run(parent).info.experiment_id
    found = registry.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent}'", order_by=["tags.state"])
    assert [(run.data.tags["state"], run.data.params, run.data.metrics) for run in found] == [
        ("complete", {"num_leaves": "31"}, {"auc": 0.7, "lift": 2.5}),
        ("pruned", {"num_leaves": "7"}, {}),
    ]
    registry.delete_run(parent)


def test_an_empty_feature_is_left_out_and_said_so(bank, registry):
    bank.training(lambda frame: frame.assign(session_seconds_90d=np.nan))
    made = train.run("churn", TODAY)
    card = registry.download_artifacts(made["run_id"], "model_card.md")
    with open(card) as file:  # noqa: PTH123
        text = file.read()
    assert "null in every row: session_seconds_90d" in text
    assert registry.get_run(made["run_id"]).data.params["features"] == str(len(load_spec("churn").features) - 1)


def test_without_tables_or_build_it_is_skipped_with_the_reason(bank, registry):
    nothing_yet = train.run("churn", TODAY)
    assert "no training build" in nothing_yet["skipped"]
    bank.build("training", TODAY, "failed")
    assert "no training build" in train.run("churn", TODAY)["skipped"]
    bank.execute("drop table features.lbl_churn")
    missing = train.run("churn", TODAY)
    assert missing["prerequisite"]["tables_missing"] == ["features.lbl_churn"]
    assert registry.search_registered_models() == []
    assert skipped("churn") == missing["skipped"], "the newest run says why"


@pytest.mark.parametrize("label", [True, False])
def test_one_class_is_skipped_with_the_counts(bank, registry, label):
    bank.training(lambda frame: frame.assign(is_churn=label), count=100)
    result = train.run("churn", TODAY)
    assert f"train has 0 {'negatives' if label else 'positives'}" in result["skipped"]
    assert result["prerequisite"]["positives"] == (700 if label else 0)


def test_a_short_history_is_skipped_with_what_it_has_and_needs(bank, registry):
    bank.training(dates=[date(2025, 6, 30), date(2025, 7, 31)], count=100)
    result = train.run("churn", TODAY)
    assert "no as-of date lies 90 days or more before the newest" in result["skipped"]
    report = result["prerequisite"]
    assert (report["history_days"], report["history_days_needed"]) == (121, 180)
    assert report["as_of_dates"].keys() == {"2025-06-30", "2025-07-31"}


def test_a_label_whose_window_is_not_over_is_refused(bank, registry):
    bank.training(dates=[date(2025, 4, 30), TODAY - timedelta(days=89)], count=50)
    with pytest.raises(DataError, match="such a label is a guess"):
        train.run("churn", TODAY)


def test_a_missing_or_textual_feature_is_an_error(bank, registry):
    bank.training(count=50)
    bank.execute("alter table features.ftr_customer alter column tenure_days type text")
    with pytest.raises(DataError, match=r"aren't numbers: tenure_days \(text\)"):
        train.run("churn", TODAY)
    bank.execute("alter table features.ftr_customer drop column tenure_days")
    with pytest.raises(DataError, match="lacks tenure_days"):
        train.run("churn", TODAY)


def test_an_infinite_value_is_an_error_naming_the_column(bank, registry):
    bank.training(lambda frame: frame.assign(aum_change_rate_90d=np.inf), count=50)
    with pytest.raises(DataError, match=r"aum_change_rate_90d \(350 rows\)"):
        train.run("churn", TODAY)


def test_a_model_is_due_at_a_months_end_or_where_it_was_never_tried(bank, registry, monkeypatch):
    # Undone by itself: monkeypatch.undo() would also take back where MLflow is.
    with monkeypatch.context() as patch:
        patch.setattr("ml.tracking.attempts.was_tried", lambda model: model == "response")
        assert train.due(["churn", "response"], date(2025, 11, 1)) == ["churn"]
        assert train.due(["churn", "response"], date(2025, 11, 30)) == ["churn", "response"]
    bank.execute("drop table features.lbl_churn")
    train.run("churn", TODAY)
    assert train.due(["churn"], date(2025, 11, 1)) == [], "it was tried and skipped: next at the month's end"


def test_leakage_stops_the_training(bank, registry):
    bank.training(lambda frame: frame.assign(tenure_days=frame["is_churn"] * 1.0 + frame["tenure_days"] / 1e6))
    with pytest.raises(LeakageFound, match="tenure_days"):
        train.run("churn", TODAY)
    assert registry.search_registered_models() == []


def test_without_mlflow_the_error_is_clear(bank, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with pytest.raises(TrackingUnavailable, match="Nothing was promoted"):
        train.run("churn", TODAY)
