"""A column's way leads through the models that learn from it to the scores that they write, and to no others."""

import pytest

from bankmart import dbt
from bankmart.governance.catalogue import use
from bankmart.governance.catalogue.lineage import Lineage
from bankmart.governance.catalogue.query import Leaf
from bankmart.governance.catalogue.refresh import lineage as lineage_of
from bankmart.governance.catalogue.web import LEARNED, Web

TABLES = ("customer_score", "customer_offer", "customer_exclusion", "feedback_score")


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
    assert writers(web, "customer_exclusion") == {"recommend"}
    assert writers(web, "customer_score") == {spec.name for spec in use.specs()} - {"recommend", "sentiment"}
    assert writers(web, "customer_score", "model") == set()


def test_a_feature_reaches_the_scores_of_its_model_and_what_is_made_of_them(web):
    text, learned = Leaf("features.ftr_feedback", "feedback_text"), Leaf(LEARNED, "sentiment")
    ours = {Leaf("scores.feedback_score", name) for name in ("score", "reasons")}
    assert reached(web, text) == {learned, *ours}
    label = Leaf("features.lbl_churn", next(spec.label for spec in use.specs() if spec.name == "churn"))
    theirs = {Leaf("scores.customer_score", name) for name in ("score", "reasons")}
    assert reached(web, label) == {Leaf(LEARNED, "churn"), *theirs, Leaf("profile.tag_churn", "at_risk")}


def test_a_model_learns_from_its_further_tables_too():
    learned = {spec.name: use.columns_of(spec, lineage_of(dbt.manifest()).schema) for spec in use.specs()}
    margins = {leaf.column for leaf in learned["clv"] if leaf.relation == "features.ftr_margin"}
    assert len(margins) == 11
    assert margins >= {"margin_12m_amount", "service_cost_amount", "expected_loss_amount"}
    customers = {leaf.column for leaf in learned["clv"] if leaf.relation == "features.ftr_customer"}
    assert customers == set(next(spec for spec in use.specs() if spec.name == "clv").features) - margins
    shelf = {leaf.column for leaf in learned["recommend"] if leaf.relation == "features.ftr_product"}
    assert {"risk_level", "interest_rate", "is_on_sale"} <= shelf
    assert not shelf & {"as_of_date", "build_id"}
    assert {leaf.relation for leaf in learned["recommend"]} >= {
        "features.ftr_product_affinity",
        "features.ftr_eligibility",
    }
    assert "view_wealth_count_90d" in {leaf.column for leaf in learned["response"]}
    unknown = {leaf for found in learned.values() for leaf in found} - {
        Leaf(table, name) for table, names in lineage_of(dbt.manifest()).schema.items() for name in names
    }
    assert unknown == set(), "every column that a model reads is one"


def test_what_is_known_of_models_changes_with_a_spec(monkeypatch):
    before = use.fingerprint()
    assert use.fingerprint() == before
    fewer = use.specs()[1:]
    monkeypatch.setattr(use, "specs", lambda: fewer)
    assert use.fingerprint() != before
