"""Uplift through the verbs on a bank's tables: drawn contacts are learnt and scored, chosen ones are refused."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import promote, score, train
from ml.models.uplift import SPEC
from ml.techniques.uplift.randomised import NotRandomised

TODAY = date(2025, 10, 31)
DATES = [date(2025, 3, 31), date(2025, 5, 31), date(2025, 8, 31)]
EACH = 2500


class Campaigns:
    """The tables that uplift reads, filled by hand as dbt would."""

    def __init__(self, bank):
        self.bank = bank
        columns = ", ".join(f"{name} double precision" for name in SPEC.features)
        bank.execute(
            f"set role platform; drop table features.ftr_customer; create table features.ftr_customer (as_of_date date,"
            f" build_id bigint, customer_id text, {columns}, business_date date); create table features.lbl_uplift"
            " (as_of_date date, build_id bigint, contact_id text, customer_id text, campaign_id text, treatment text,"
            " contact_date date, is_randomised boolean, propensity double precision, is_bought boolean,"
            " margin_amount double precision, cost_amount double precision)"
        )
        for table in SPEC.sources:
            bank.execute(
                "insert into governance.load (system, table_name, business_date, file_name, status, accepted_count)"
                " values (%s, %s, %s, 'x.csv', 'loaded', 1)",
                *(*table.split("."), DATES[0]),
            )

    def build(self, chance, is_randomised=True, say=False):
        """A campaign after each date; `chance(wealth)` is the probability to get the gift, said where `say`."""
        build_id = self.bank.build("training", TODAY)
        for at, day in enumerate(DATES):
            people, wealth = self.people(day, EACH, at)
            rng = np.random.default_rng([5, at])
            given = chance(wealth)
            gift = rng.random(EACH) < given
            # Who looks in often buys anyway: a response model would contact them first.
            anyway = 0.35 * (people["session_count_30d"] > 80)
            bought = rng.random(EACH) < 0.03 + anyway + 0.3 * gift * (wealth > 0.6)
            self.bank._copy("features.ftr_customer", people.assign(build_id=build_id, business_date=TODAY))
            drawn = pd.DataFrame(
                {
                    "as_of_date": day,
                    "build_id": build_id,
                    "contact_id": [f"K{at}{row:05d}" for row in range(EACH)],
                    "customer_id": people["customer_id"],
                    "campaign_id": f"C{at}",
                    "treatment": np.where(gift, "gift", "control"),
                    "contact_date": day + timedelta(days=3),
                    "is_randomised": is_randomised,
                    "propensity": np.where(gift, given, 1 - given) if say else np.nan,
                    "is_bought": bought,
                    "margin_amount": 50.0 * bought,
                    "cost_amount": 0.5 * gift,
                }
            )
            self.bank._copy("features.lbl_uplift", drawn)
        self.bank.execute("grant select on all tables in schema features to scorer")

    def people(self, day, count, seed):
        """Customers of a date, and how wealthy each is (0 to 1)."""
        rng = np.random.default_rng([seed, day.toordinal()])
        frame = pd.DataFrame({name: rng.gamma(2, 50, count).round(2) for name in SPEC.features})
        wealth = rng.random(count)
        frame["aum_amount"] = (1e5 * wealth + 2000).round(2)
        frame["session_count_30d"] = (100 * rng.random(count)).round()
        frame.insert(0, "customer_id", [f"C{at:05d}" for at in range(count)])
        frame.insert(0, "as_of_date", day)
        return frame, wealth

    def daily(self, count):
        build_id = self.bank.build("daily", TODAY, "building")
        people, _ = self.people(TODAY, count, 9)
        self.bank._copy("features.ftr_customer", people.assign(build_id=build_id, business_date=TODAY))
        return people


@pytest.fixture
def campaigns(bank):
    return Campaigns(bank)


def test_drawn_contacts_are_learnt_promoted_and_scored_with_reasons_for_who_is_contacted(campaigns, registry):
    campaigns.build(lambda wealth: np.full(len(wealth), 0.5))
    made = train.run("uplift", TODAY)
    card = Path(registry.download_artifacts(made["run_id"], "model_card.md")).read_text()
    assert (
        "the treatment doesn't follow from the covariates in 3 draws (an offer in a campaign), all there are;" in card
    )
    assert "**unproven** on these data that no feature looks past its date: 0 customers compared" in card
    assert "## Drift of the test rows against training: stable" in card
    promoted = promote.run("uplift", TODAY)
    assert promoted["promoted"], [gate for gate in promoted["gates"] if not gate["passed"]]
    people = campaigns.daily(500)
    result = score.run("uplift", TODAY)
    assert result["rows"] == 1000, "a score and an offer each"
    assert result["drift"] in ("stable", "watch")
    rows = campaigns.bank.execute(
        "select s.customer_id, s.score, s.band, s.reasons, o.offer, o.score, o.reasons from scores.customer_score s"
        " join scores.customer_offer o using (build_id, model, customer_id) where model = 'uplift'"
    )
    assert len(rows) == 500
    for _, best, band, reasons, offer, effect, told in rows:
        assert (best, offer) == (effect, "gift")
        assert (reasons is not None) == (band in ("high", "medium")) == (told is not None)
    wealthy = dict(zip(people["customer_id"], people["aum_amount"] > 62_000, strict=True))
    reached = [wealthy[customer] for customer, _, band, *_ in rows if band in ("high", "medium")]
    assert np.mean(reached) > 0.95


def test_chosen_contacts_are_refused_with_what_tells_the_choice_and_nothing_is_registered(campaigns, registry):
    campaigns.build(lambda wealth: 0.1 + 0.8 * wealth)
    with pytest.raises(NotRandomised, match="aum_amount") as refused:
        train.run("uplift", TODAY)
    assert "Give the probability with which each customer's treatment was chosen" in str(refused.value)
    assert registry.search_registered_models() == []
    assert score.run("uplift", TODAY)["skipped"]


def test_chosen_contacts_whose_propensities_are_given_are_learnt(campaigns, registry):
    campaigns.build(lambda wealth: 0.1 + 0.8 * wealth, is_randomised=False, say=True)
    made = train.run("uplift", TODAY)
    assert made["judgement"]["model"]["qini"]["low"] > 0
    card = Path(registry.download_artifacts(made["run_id"], "model_card.md")).read_text()
    assert f"{3 * EACH} of {3 * EACH} contacts came with a propensity" in card
    assert (
        "no draw was checked for whether the treatment follows from the covariates; not checked: C0 gift (prop" in card
    )
    assert "doesn't follow from the covariates" not in card


def test_neither_a_draw_nor_propensities_is_a_prerequisite(campaigns, registry):
    campaigns.build(lambda wealth: np.full(len(wealth), 0.5), is_randomised=False)
    skipped = train.run("uplift", TODAY)
    assert "no contacts of which some were drawn" in skipped["skipped"]
    assert skipped["prerequisite"]["history_days_needed"] == 2 * SPEC.horizon_days
