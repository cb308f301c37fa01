"""A bank with a shelf: what its customers take follows from what they look at, what they earn from what they have."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.judging import groups
from ml.models import clv, recommend
from ml.techniques.two_part.fitting import WORDS

TODAY = date(2025, 10, 31)
DATES = [date(2025, month, 1) - timedelta(days=1) for month in range(2, 9)]
SHELF = pd.DataFrame(
    [
        ("CA1", "current", 1, True, False),
        ("FD1", "fund", 2, True, True),
        ("FD2", "fund", 4, True, True),
        ("FD9", "fund", 5, False, True),
        ("LN1", "loan", 3, True, False),
        ("TD1", "term_deposit", 1, True, False),
        ("TD2", "term_deposit", 1, True, False),
    ],
    columns=["product_id", "product_line", "risk_level", "is_on_sale", "needs_assessment"],
)
# The columns of ftr_margin.
MARGINS = tuple(WORDS)
_TYPES = {"is_held": "boolean", "was_held": "boolean", "customer_id": "text", "product_id": "text"}
_TYPES |= dict.fromkeys(("is_on_sale", "needs_assessment", "has_rule"), "boolean")
_TYPES |= dict.fromkeys(("is_assessment_valid", "has_marketing_consent"), "boolean")
_TYPES |= {"name": "text", "product_line": "text", "as_of_date": "date", "business_date": "date", "build_id": "bigint"}


class Shop:
    """The tables that recommend and clv read, filled by hand as dbt would."""

    def __init__(self, bank) -> None:
        self.bank = bank
        bank.execute("drop table features.ftr_customer")

    def load(self, table: str, frame: pd.DataFrame) -> None:
        columns = ", ".join(f"{name} {_TYPES.get(name, 'double precision')}" for name in frame.columns)
        self.bank.execute(f"set role platform; create table if not exists features.{table} ({columns})")
        self.bank._copy(f"features.{table}", frame)

    def build(self, kind="training", day=TODAY, dates=tuple(DATES), count=400, seed=1, change=None) -> int:
        build_id = self.bank.build(kind, day, "passed" if kind == "training" else "building")
        for when in dates if kind == "training" else (day,):
            made = day_of(when, count, seed)
            if change:
                change(made)
            for table, frame in made.items():
                if kind == "daily" and table.startswith("lbl_"):
                    continue
                if kind == "training" and table == "ftr_eligibility":
                    frame = frame.head(0)
                self.load(table, frame.assign(as_of_date=when, build_id=build_id, business_date=day))
        return build_id

    def group(self, build_id: int, count: int) -> None:
        """Every second customer a woman, on all dates."""
        women = pd.DataFrame({"sex": np.where(np.arange(count) % 2, "M", "F")})
        women = women.assign(customer_id=[f"C{at:05d}" for at in range(count)], build_id=build_id)
        for when in DATES:
            empty = dict.fromkeys(("age_band", "region", "branch_id", "asset_tier", "tenure_band"), "x")
            frame = women.assign(as_of_date=when, **empty)
            self.bank._copy("features.ftr_group", frame)


def day_of(when: date, count: int, seed: int) -> dict[str, pd.DataFrame]:
    """The tables of one as-of date, without its date and build."""
    rng = np.random.default_rng([seed, when.toordinal()])
    ids = [f"C{at:05d}" for at in range(count)]
    taste = np.random.default_rng(seed).random((count, len(SHELF)))
    names = dict.fromkeys((*recommend.SPEC.features, *clv.SPEC.features))
    people = pd.DataFrame({name: rng.gamma(2, 50, count).round(2) for name in names if name not in MARGINS})
    people["account_count"] = 1.0
    held = rng.random((count, len(SHELF))) < 0.1 * taste
    held[:, 0] = True
    views = rng.poisson(1.5 * taste) * ~held
    chance = np.where(held, 0, 0.02 + 0.25 * np.minimum(views, 4) / 4) * SHELF["is_on_sale"].to_numpy()
    took = rng.random(held.shape) < chance
    who, what = np.nonzero(held | (views > 0))
    affinity = pd.DataFrame(
        {
            "customer_id": np.array(ids)[who],
            "product_id": SHELF["product_id"].to_numpy()[what],
            "is_held": held[who, what],
            "was_held": held[who, what],
            "view_count_30d": views[who, what] // 2,
            "view_count_90d": views[who, what],
            "application_count_90d": 0,
        }
    )
    taker, taken = np.nonzero(took)
    monthly = np.random.default_rng(seed + 7).gamma(1.0, 100, count) * rng.normal(1, 0.2, count)
    monthly *= np.where(np.arange(count) % 9 == 0, 0, 1)
    growth = 1 + 0.4 * (people["session_count_90d"] > 100)
    margins = pd.DataFrame(dict.fromkeys(MARGINS, 1.0 * monthly))
    labels = {"discount_rate": np.full(count, 0.08)}
    for months in (3, 6, 12):
        margins[f"margin_{months}m_amount"] = months * monthly
        after = months * monthly * growth * rng.normal(1, 0.1, count)
        is_over = when + timedelta(days=int(30.5 * months)) <= TODAY
        labels[f"margin_{months}m_amount"] = after if is_over else np.full(count, np.nan)
        labels[f"income_{months}m_amount"] = after if is_over else np.full(count, np.nan)
    margins = margins.drop(columns="margin_12m_amount").assign(margin_12m_amount=np.nan, income_3m_amount=3 * monthly)
    return {
        "ftr_customer": people.assign(customer_id=ids),
        "ftr_product": SHELF.assign(
            name=SHELF["product_id"] + "号",
            interest_rate=0.01,
            term_months=0,
            has_rule=True,
            minimum_age=18,
            maximum_age=[np.nan, 80, 80, 80, 65, np.nan, np.nan],
            taken_count_90d=10,
        ),
        "ftr_product_affinity": affinity,
        "ftr_eligibility": pd.DataFrame(
            {
                "customer_id": ids,
                "age_years": np.where(np.arange(count) % 5 == 0, 70, 40),
                "risk_level": np.where(np.arange(count) % 4 == 0, np.nan, 3),
                "is_assessment_valid": np.arange(count) % 3 > 0,
                "has_marketing_consent": np.arange(count) % 10 > 0,
            }
        ),
        "lbl_next_product": pd.DataFrame(
            {"customer_id": np.array(ids)[taker], "product_id": SHELF["product_id"].to_numpy()[taken]}
        ),
        "ftr_margin": margins.assign(customer_id=ids),
        "lbl_margin": pd.DataFrame(labels).assign(customer_id=ids),
    }


@pytest.fixture
def shop(bank) -> Shop:
    return Shop(bank)


@pytest.fixture
def trained(shop):
    """A recommender's data, split and model, learnt quickly."""
    from ml.techniques import recommend as technique

    shop.build()
    quick = dataclasses.replace(recommend.SPEC, params={**recommend.SPEC.params, "num_boost_round": 40, "sweeps": 5})
    data = technique.read(quick, TODAY)
    split = technique.split(quick, data)
    return data, split, technique.train(quick, data, split)


@pytest.fixture
def seen(monkeypatch):
    """A judgement of a model whose customers are known by halves, even and odd; what every technique's must say."""
    monkeypatch.setattr(groups, "SMALL_ROWS", 20)
    monkeypatch.setattr(groups, "SMALL_POSITIVES", 5)

    def judge(model, data, rows, names, metric=None):
        base = type(data)
        bases = (base,) if issubclass(base, groups.Grouped) else (groups.Grouped, base)
        half = np.where(np.arange(len(rows)) % 2, "odd", "even").astype(object)
        known = type("Known", bases, {"groups": lambda self, mask: {"asset_tier": half[mask]}})
        judged = model.judge(known(**vars(data)), rows, 1)
        assert {one.name for one in judged.drift.shifts} == {"score", *names}
        assert [(one.attribute, one.group) for one in judged.slices] == [("asset_tier", "even"), ("asset_tier", "odd")]
        said = "\n".join(judged.sections())
        assert f"against training: {judged.drift.verdict}" in said
        assert "| asset_tier | odd |" in said
        if metric:
            for one in judged.slices:
                alone = model.judge(data, rows & (half == one.group), 1).model[metric]
                assert one.metrics[metric].value == pytest.approx(alone.value)
        return judged

    return judge
