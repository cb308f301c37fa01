"""What the tasks of the models do, in which order, and what stops them: their bodies, with verbs that only tell."""

from __future__ import annotations

from datetime import date

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from bankmart import learning, settings
from ml.errors import ArtefactRefused, TrackingUnavailable

DAY = date(2026, 10, 31)
CONTEXT = {"params": {"business_date": DAY.isoformat()}}


def body(step):
    """The function of a task, as Airflow would call it."""
    return lambda *values, **context: step.operator.python_callable(*values, **CONTEXT | context)


@pytest.fixture
def verbs(monkeypatch):
    """Every verb that is asked for, as (verb, what it is given); `answers` says what each comes to."""
    asked, answers = [], {}

    class Verb:
        def __init__(self, name):
            self.name = name.removeprefix("ml.")

        def run(self, model, day, **given):
            assert (model, day) == ("churn", DAY)
            asked.append((self.name, given))
            answer = answers.get((self.name, given.get("alias")), answers.get(self.name, {}))
            if isinstance(answer, Exception):
                raise answer
            return answer

    monkeypatch.setattr(learning.importlib, "import_module", Verb)
    monkeypatch.setattr(settings, "apply_environment", lambda: None)
    with DAG("of_models", schedule=None):
        yield asked, answers


def test_a_version_is_trained_scores_in_the_shadow_and_only_then_is_compared(verbs):
    asked, answers = verbs
    answers |= {"train": {"version": "7"}, "compare": {"passed": True}}
    assert body(learning.train("churn", 5, ["churn"]))(5, ["churn"]) == {"passed": True}
    assert asked == [("train", {"build_id": 5}), ("shadow", {"version": 7}), ("compare", {"version": 7})]


def test_one_that_is_not_due_or_has_no_data_is_skipped_with_the_reason(verbs):
    asked, answers = verbs
    run = body(learning.train("churn", 5, ["churn"]))
    with pytest.raises(AirflowSkipException, match="churn is not due"):
        run(5, ["clv"])
    assert asked == []
    answers["train"] = {"skipped": "too short a history"}
    with pytest.raises(AirflowSkipException, match="too short a history"):
        run(5, ["churn"])
    assert [verb for verb, _ in asked] == ["train"]


def test_one_that_cannot_score_is_not_compared(verbs):
    asked, answers = verbs
    answers |= {"train": {"version": "7"}, "shadow": ArtefactRefused("its files are damaged")}
    with pytest.raises(AirflowFailException, match="its files are damaged"):
        body(learning.train("churn", 5, ["churn"]))(5, ["churn"])
    assert [verb for verb, _ in asked] == ["train", "shadow"]


def test_a_challenger_that_fails_stops_nothing_and_a_champion_does(verbs):
    asked, answers = verbs
    run = body(learning.score("churn", 5))
    answers |= {"score": {"rows": 9}, ("score", "challenger"): ArtefactRefused("damaged")}
    assert run(5) == {"champion": {"rows": 9}, "challenger": {"skipped": "damaged"}}
    assert asked == [("score", {"build_id": 5}), ("score", {"build_id": 5, "alias": "challenger"})]
    answers["score"] = ArtefactRefused("gone")
    with pytest.raises(AirflowFailException, match="gone"):
        run(5)


def test_a_server_that_is_away_is_tried_again(verbs):
    _, answers = verbs
    answers["score"] = TrackingUnavailable("MLflow is away")
    # No AirflowFailException: that would end the task without its retries.
    with pytest.raises(TrackingUnavailable):
        body(learning.score("churn", 5))(5)


@pytest.mark.parametrize(
    "answer",
    [
        {"chosen_options": ["Reject"], "responded_by_user": {"id": "1", "name": "li"}},
        {"chosen_options": ["Approve"], "responded_by_user": None},
        {"chosen_options": [], "responded_by_user": {"id": "1", "name": "li"}},
    ],
)
def test_without_a_persons_yes_nothing_is_promoted(verbs, answer):
    asked, _ = verbs
    with pytest.raises(AirflowFailException, match="churn is not promoted: no person has approved it"):
        promote()({"version": "7"}, answer)
    assert asked == []


def test_a_persons_yes_promotes_in_his_name(verbs):
    asked, _ = verbs
    promote()({"version": "7"}, {"chosen_options": ["Approve"], "responded_by_user": {"id": "1", "name": "li"}})
    assert asked == [("promote", {"version": 7, "approved_by": "li"})]


def promote():
    trained = learning.train("churn", 5, ["churn"])
    return body(learning.promote("churn", trained, learning.approve("churn", trained)))
