"""A column's way leads through the models that learn from it to the scores that they write, and to no others."""

import pytest

from bankmart.governance.catalogue import use
from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.catalogue.query import Leaf
from bankmart.governance.catalogue.web import LEARNED, Web

TABLES = ("customer_score", "customer_offer", "feedback_score")


def table(name):
    columns = {"model": "reference", "score": "derived.score", "reasons": "derived.score"}
    return {
        "schema": "scores", "name": name,
        "columns": {column: {"config": {"meta": {"class": said}}} for column, said in columns.items()},
    }  # fmt: skip


@pytest.fixture(scope="module")
def web():
    tags = {"profile.tag_churn": "select score > 0.5 as at_risk from scores.customer_score"}
    known = {f"scores.{name}": ["model", "score", "reasons"] for name in TABLES}
    manifest = {"nodes": {}, "sources": {name: table(name) for name in TABLES}, "exposures": {}}
    return Web(manifest, Lineage(tags, known, list(tags)))


def writers(web, name, column="score"):
    return {made.column for made in web.up.get(Leaf(f"scores.{name}", column), set()) if made.relation == LEARNED}


def reached(web, leaf):
    found, waiting = set(), [leaf]
    while waiting:
        further = web.down.get(waiting.pop(), set()) - found
        found |= further
        waiting += further
    return found


def test_a_table_has_the_scores_of_the_models_that_write_it(web):
    assert writers(web, "feedback_score") == {"sentiment"}
    assert writers(web, "customer_offer") == {"recommend", "uplift"}
    assert writers(web, "customer_score") == {spec.name for spec in use.specs()} - {"recommend", "sentiment"}
    assert writers(web, "customer_score", "model") == set()


def test_a_feature_reaches_the_scores_of_its_model_and_what_is_made_of_them(web):
    text, learned = Leaf("features.ftr_feedback", "feedback_text"), Leaf(LEARNED, "sentiment")
    ours = {Leaf("scores.feedback_score", name) for name in ("score", "reasons")}
    assert reached(web, text) == {learned, *ours}
    label = Leaf("features.lbl_churn", next(spec.label for spec in use.specs() if spec.name == "churn"))
    theirs = {Leaf("scores.customer_score", name) for name in ("score", "reasons")}
    assert reached(web, label) == {Leaf(LEARNED, "churn"), *theirs, Leaf("profile.tag_churn", "at_risk")}


def test_what_is_known_of_models_changes_with_a_spec(monkeypatch):
    before = use.fingerprint()
    assert use.fingerprint() == before
    fewer = use.specs()[1:]
    monkeypatch.setattr(use, "specs", lambda: fewer)
    assert use.fingerprint() != before
