from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from ml import evaluate

TODAY = date(2025, 10, 31)
LATER = TODAY + timedelta(days=92)


def test_the_champion_holds_on_later_customers_like_its_own(bank, champion, mlflow_server):
    from mlflow import MlflowClient

    bank.training(dates=[date(2025, 4, 30), date(2025, 8, 31), TODAY], day=LATER)
    result = evaluate.run("churn", LATER)
    assert result["verdict"] == "holds"
    assert result["by_date"].keys() == {"2025-08-31", "2025-10-31"}, "only dates after all that it learnt from"
    run = MlflowClient().get_run(result["run_id"])
    assert run.data.metrics["auc"] == pytest.approx(result["by_date"]["2025-10-31"]["model"]["auc"]["value"])


def test_a_champion_that_lost_its_signal_is_worse(bank, champion):
    def turned(frame):
        labels = np.random.default_rng(3).permutation(frame["is_churn"].to_numpy())
        return frame.assign(is_churn=labels)

    bank.training(turned, dates=[TODAY], day=LATER)
    assert evaluate.run("churn", LATER)["verdict"] == "worse"


def test_without_champion_or_new_labels_it_says_so(bank, registry):
    assert "no champion" in evaluate.run("churn", TODAY)["skipped"]


def test_without_labels_after_its_training_it_says_so(bank, champion):
    build_id = bank.training(dates=[date(2025, 3, 31)], count=50)
    assert "no complete labels as of 2025-07-29" in evaluate.run("churn", TODAY, build_id)["skipped"]
