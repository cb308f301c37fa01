from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from ml import evaluate
from ml.errors import DataError, ModelError, TrackingUnavailable

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
    ((subject, body),) = bank.execute("select subject, body from governance.notice where kind = 'model_worse'")
    assert subject == f"churn version {champion} is worse by {LATER}"
    assert body.startswith(f"auc of {TODAY}: 0.")


def test_all_are_judged_and_one_that_fails_keeps_no_other_from_it(monkeypatch):
    asked = []

    def run(model, day, build_id):
        asked.append((model, day, build_id))
        if model == "clv":
            raise DataError("The feature is gone.")
        return {"skipped": "clean"} if model == "uplift" else {"verdict": "holds"}

    monkeypatch.setattr(evaluate, "run", run)
    assert evaluate.run_all(["churn", "uplift"], TODAY, 7) == {"churn": "holds", "uplift": "clean"}
    asked.clear()
    with pytest.raises(ModelError, match="clv couldn't be evaluated: The feature is gone"):
        evaluate.run_all(["clv", "churn"], TODAY, 7)
    assert asked == [("clv", TODAY, 7), ("churn", TODAY, 7)]

    def away(*_):
        raise TrackingUnavailable("away")

    monkeypatch.setattr(evaluate, "run", away)
    with pytest.raises(TrackingUnavailable):
        evaluate.run_all(["clv", "churn"], TODAY, 7)


def test_without_champion_or_new_labels_it_says_so(bank, registry):
    assert "no champion" in evaluate.run("churn", TODAY)["skipped"]


def test_without_labels_after_its_training_it_says_so(bank, champion):
    build_id = bank.training(dates=[date(2025, 3, 31)], count=50)
    assert "no complete labels as of 2025-07-29" in evaluate.run("churn", TODAY, build_id)["skipped"]


def test_a_date_that_cant_be_judged_is_left_out_with_the_reason():
    days = [date(2025, 5, 31), date(2025, 6, 30), date(2025, 7, 31), date(2025, 8, 31)]
    data = SimpleNamespace(dates=lambda: days, on=lambda day: day)

    def judge(_, day, seed):
        if day == days[1]:
            raise DataError("None of the model's offers was drawn against a control.")
        return SimpleNamespace(rows=10, has_both_classes=lambda: day == days[3])

    judged, left_out = evaluate._judged(SimpleNamespace(judge=judge), data, days[1], 1)
    assert list(judged) == ["2025-08-31"], "the first date is what it learnt from"
    assert left_out == {
        "2025-06-30": "None of the model's offers was drawn against a control.",
        "2025-07-31": "all 10 rows have the same outcome",
    }
