"""Hillstrom's e-mail test through the platform: adapter, loader, campaign marts, and the uplift learners on them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bankmart import db, dbt
from bankmart.bench.place import own_server
from bankmart.governance import build as builds
from bankmart.sources import contract, load, tables
from bankmart.sources.adapters import hillstrom as adapter
from ml.bench._json import as_json, count
from ml.bench._uplift_protocol import summary
from ml.bench._uplift_table import Table, encoded
from ml.bench.uplift import split_and_judge
from ml.techniques.uplift.randomised import require_randomised

LAYERS = ("staging", "intermediate", "marts")
CONTROL = "control"
OFFERS = ("mens_email", "womens_email")
CATEGORIES = ("branch_id",)
# Exact rates of the file; Qini of visits by a near-default T-learner and response model, one split 70/30.
REFERENCE: dict[str, Any] = {
    "rates": {
        "mens_email": {"visit": 0.18276, "conversion": 0.01253, "spend": 1.42262},
        "womens_email": {"visit": 0.15140, "conversion": 0.00884, "spend": 1.07720},
        "control": {"visit": 0.10617, "conversion": 0.00573, "spend": 0.65279},
    },
    "womens_email": {"qini": 0.066, "response_qini": 0.034},
    "mens_email": {"qini": 0.0},
}
# Features as of the day before the contact, outcomes after it; all from the marts and of one build.
MART = """
with past as (
    select
        customer_id,
        max(order_date) as last_order_date,
        sum(amount)::float8 as history_amount,
        max((product_id = 'MENS')::int) as has_mens,
        max((product_id = 'WOMENS')::int) as has_womens
    from marts.fct_order
    where build_id = %(build)s and order_date < %(contacted)s
    group by customer_id
),
web as (
    select distinct customer_id from marts.fct_session where build_id = %(build)s and session_date < %(contacted)s
),
phone as (
    select distinct customer_id
    from marts.fct_interaction
    where build_id = %(build)s and interaction_kind = 'call' and interaction_date < %(contacted)s
),
answer as (
    select
        contact_id,
        max((response_type = 'clicked')::int) as visit,
        max((response_type = 'bought')::int) as conversion
    from marts.fct_response
    where build_id = %(build)s
    group by contact_id
),
sold as (
    select campaign_id, customer_id, sum(amount)::float8 as spend
    from marts.fct_order
    where build_id = %(build)s and order_date >= %(contacted)s
    group by campaign_id, customer_id
)
select
    contact.customer_id,
    contact.treatment,
    contact.contact_date - past.last_order_date as recency_days,
    past.history_amount,
    past.has_mens,
    past.has_womens,
    customer.branch_id,
    contact.contact_date - customer.open_date as tenure_days,
    (web.customer_id is not null)::int as uses_web,
    (phone.customer_id is not null)::int as uses_phone,
    coalesce(answer.visit, 0) as visit,
    coalesce(answer.conversion, 0) as conversion,
    coalesce(sold.spend, 0) as spend
from marts.fct_contact as contact
join marts.dim_customer_current as customer using (customer_id, build_id)
left join past using (customer_id)
left join web using (customer_id)
left join phone using (customer_id)
left join answer using (contact_id)
left join sold on contact.campaign_id = sold.campaign_id and contact.customer_id = sold.customer_id
where contact.build_id = %(build)s
order by contact.customer_id
"""
FEATURES = (
    "recency_days", "history_amount", "has_mens", "has_womens", "branch_id", "tenure_days", "uses_web", "uses_phone",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the file is, and how often it is split."""
    parser.add_argument("--source", type=Path, required=True, help="folder with the Hillstrom CSV")
    parser.add_argument("--target", default="visit", choices=("visit", "conversion", "spend"))
    parser.add_argument("--rows", type=int, help="only the first so many customers")
    parser.add_argument("--seeds", type=count, default=10, help="splits, every one reported (default: 10)")
    parser.add_argument("--resamples", type=count, default=200, help="bootstrap resamples per seed (default: 200)")
    parser.add_argument("--threads", type=int, default=1)


def run(args: argparse.Namespace) -> int:
    """Print the JSON."""
    print(as_json(measure(args)))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Rates from the marts, and the learners' metrics per e-mail on them."""
    with own_server() as state:
        mart = from_marts(args.source, state / "landing", args.rows)
    table = as_table(mart, args.target)
    balance = require_randomised(encoded(table, table, OFFERS, CONTROL, 0), np.ones(len(mart), dtype=bool))
    found = [
        split_and_judge(table, None, OFFERS, CONTROL, seed, args.resamples, args.threads) for seed in range(args.seeds)
    ]
    return {
        "rates": rates(mart),
        "randomised": [
            {"treatment": one.offer, "auc": round(one.auc, 4), "chance_at_most": round(one.chance, 4)}
            for one in balance
        ],
        **summary(OFFERS, found),
        "reference": REFERENCE if args.target == "visit" else {"rates": REFERENCE["rates"]},
        "protocol": {
            "way": "adapter, landing files, loader, dbt (staging, intermediate, marts), the campaign marts",
            "target": args.target,
            "features": list(FEATURES),
            "split": "70 % train, 30 % test, drawn anew by every seed, the treatments' shares kept",
            "seeds": list(range(args.seeds)),
            "resamples_per_seed": args.resamples,
        },
    }


def from_marts(source: Path, landing: Path, rows: int | None = None) -> pd.DataFrame:
    """Land, load and build the test in the platform this process looks at; the customers as the marts have them."""
    adapter.convert(source, landing, rows=rows)
    day = adapter.BUSINESS_DATE
    for system in contract.load():
        if (landing / system).is_dir():
            load.load_system(system, day)
    tables.create_tables()
    build = builds.open_build(day, "hillstrom")
    for layer in LAYERS:
        dbt.build_layer(layer, build)
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(MART, {"build": build.build_id, "contacted": adapter.CONTACT_DATE})
        names = [column.name for column in cursor.description or ()]
        return pd.DataFrame(cursor.fetchall(), columns=names)


def rates(mart: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Customers, visit rate, conversion rate and mean spend by treatment."""
    grouped = mart.groupby("treatment")
    found = grouped[["visit", "conversion", "spend"]].mean().astype(float).round(5)
    counts = grouped.size()
    return {
        name: {"customers": int(count), **{str(key): float(value) for key, value in row.items()}}
        for name, count, (_, row) in zip(map(str, counts.index), counts, found.iterrows(), strict=True)
    }


def as_table(mart: pd.DataFrame, target: str) -> Table:
    """The customers as the bench's table."""
    return Table(
        mart[list(FEATURES)],
        list(FEATURES),
        CATEGORIES,
        mart["treatment"].to_numpy(dtype=str),
        mart[target].to_numpy(np.float64),
        None,
    )
