"""The Hillstrom adapter: the MineThatData e-mail test of 2008, a shop's campaign with a control group, as extracts.

The shop's customers become the bank's, its two e-mails a campaign with two offers, a visit a click, a purchase an
order. What is known of a customer before the e-mail becomes events before it, so that features are read as of a date.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from bankmart.errors import BankmartError
from bankmart.sources import contract, landing
from bankmart.sources.adapters.berka import to_arrow

# The file names the date on which it was given out; the e-mail was sent two weeks before.
CONTACT_DATE, BUSINESS_DATE = date(2008, 3, 6), date(2008, 3, 20)
CAMPAIGN = "EMAIL2008"
TREATMENTS = {"Mens E-Mail": "mens_email", "Womens E-Mail": "womens_email", "No E-Mail": "control"}
COLUMNS = (
    "recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel", "segment", "visit",
    "conversion", "spend",
)  # fmt: skip
BRANCHES = ("Rural", "Surburban", "Urban")
MENS, WOMENS = "MENS", "WOMENS"
DAYS_A_MONTH = 30


class HillstromError(BankmartError):
    """The file isn't the e-mail test, or not as it was published: says where."""


def convert(source: Path, target: Path, *, rows: int | None = None) -> dict[str, Any]:
    """Write landing files of one business date under `target` from the CSV in the folder `source`.

    `rows` takes the first so many customers. Returns what was written; raises HillstromError before anything is.
    """
    test = _read(source)
    if rows is not None:
        test = test.head(rows)
    extracts = _extracts(test)
    tables = contract.load()
    ready = {}
    for (system, name), frame in extracts.items():
        ready[tables[system][name]] = to_arrow(tables[system][name], frame)
    for table, delivered in ready.items():
        landing.write_extract(target, table, BUSINESS_DATE, delivered)
    return {
        "source": str(source),
        "landing": str(target),
        "business_date": BUSINESS_DATE.isoformat(),
        "contact_date": CONTACT_DATE.isoformat(),
        "rows": {f"{table.system}.{table.name}": delivered.num_rows for table, delivered in ready.items()},
    }


def _read(source: Path) -> pd.DataFrame:
    found = sorted(source.glob("*Hillstrom*.csv"))
    if len(found) != 1:
        raise HillstromError(f"{source} has {len(found)} files named *Hillstrom*.csv: give the folder with the one.")
    test = pd.read_csv(found[0])
    if tuple(test.columns) != COLUMNS:
        raise HillstromError(f"{found[0].name} has the columns {list(test.columns)}; expected are {list(COLUMNS)}.")
    for name, known in (("segment", set(TREATMENTS)), ("zip_code", set(BRANCHES))):
        if unknown := set(test[name]) - known:
            raise HillstromError(
                f"{found[0].name}: {name} holds {sorted(map(str, unknown))}, known are {sorted(known)}."
            )
    bad = test[["mens", "womens", "newbie", "visit", "conversion"]].isin((0, 1)).all(axis=1)
    bad &= (test["history"] > 0) & (test["spend"] >= 0) & test["recency"].between(1, 12)
    bad &= test["channel"].isin(("Phone", "Web", "Multichannel")) & ((test["mens"] == 1) | (test["womens"] == 1))
    if not bad.all():
        line = int((~bad).to_numpy().argmax()) + 2
        raise HillstromError(f"{found[0].name}, line {line} holds a value that the test can't have. Take the original.")
    return test


def _extracts(test: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    contact = pd.Timestamp(CONTACT_DATE)
    number = pd.Series([f"{at + 1:06d}" for at in test.index], index=test.index)
    customer = "H" + number
    bought = contact - pd.to_timedelta(test["recency"] * DAYS_A_MONTH, unit="D")
    noon = pd.Timedelta(hours=4)
    opened = contact - pd.to_timedelta(test["newbie"].map({1: 365, 0: 730}), unit="D")
    shopped = pd.DataFrame({"customer_id": customer, "started_at": (bought + noon).dt.tz_localize("UTC")})
    extracts = {
        ("core_banking", "customer"): pd.DataFrame(
            {
                "customer_id": customer,
                "branch_id": test["zip_code"],
                "open_date": opened,
                "status": "active",
                "effective_date": opened,
            }
        ),
        ("core_banking", "branch"): pd.DataFrame({"branch_id": BRANCHES, "name": BRANCHES, "region": BRANCHES}),
        ("core_banking", "product"): pd.DataFrame(
            {
                "product_id": [MENS, WOMENS],
                "name": ["Men's merchandise", "Women's merchandise"],
                "product_line": "credit_card",
                "is_on_sale": True,
            }
        ),
        ("campaign", "campaign"): pd.DataFrame(
            {
                "campaign_id": [CAMPAIGN],
                "name": ["MineThatData e-mail test"],
                "start_date": [contact],
                "end_date": [pd.Timestamp(BUSINESS_DATE)],
                "is_randomised": [True],
            }
        ),
        ("campaign", "contact"): pd.DataFrame(
            {
                "contact_id": "K" + number,
                "campaign_id": CAMPAIGN,
                "customer_id": customer,
                "treatment": test["segment"].map(TREATMENTS),
                "channel": test["segment"].map(lambda one: "none" if one == "No E-Mail" else "email"),
                "contacted_at": (contact + noon).tz_localize("UTC"),
                "propensity": 1 / 3,
            }
        ),
        ("campaign", "response"): _responses(test, number, customer),
        ("campaign", "order"): _orders(test, number, customer, bought + noon),
        ("mobile", "session"): shopped[test["channel"] != "Phone"].assign(session_id="S" + number, duration_seconds=0),
        ("contact_centre", "call"): shopped[test["channel"] != "Web"].assign(
            call_id="C" + number, direction="in", reason="other", wait_seconds=0, talk_seconds=0, is_resolved=True
        ),
    }
    # The shop keeps no accounts, and the contract wants one: an empty one, of the first customer.
    since = opened.iloc[:1].reset_index(drop=True)
    extracts["core_banking", "account"] = pd.DataFrame(
        {
            "account_id": ["SHOP"],
            "customer_id": customer.iloc[:1].tolist(),
            "product_id": [MENS],
            "currency": ["USD"],
            "open_date": since,
            "status": ["active"],
            "effective_date": since,
        }
    )
    extracts["core_banking", "balance"] = pd.DataFrame(
        {"account_id": ["SHOP"], "balance_date": [pd.Timestamp(BUSINESS_DATE)], "balance_amount": [0]}
    )
    extracts["core_banking", "transaction"] = pd.DataFrame()
    return extracts


def _responses(test: pd.DataFrame, number: pd.Series, customer: pd.Series) -> pd.DataFrame:
    at = pd.Timestamp(CONTACT_DATE, tz="UTC") + pd.Timedelta(days=7, hours=4)
    found = []
    for kind, column in (("clicked", "visit"), ("bought", "conversion")):
        did = test[column] == 1
        found.append(
            pd.DataFrame(
                {
                    "response_id": kind[0].upper() + number[did],
                    "contact_id": "K" + number[did],
                    "customer_id": customer[did],
                    "occurred_at": at,
                    "response_type": kind,
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _orders(test: pd.DataFrame, number: pd.Series, customer: pd.Series, bought: pd.Series) -> pd.DataFrame:
    """The past year's purchases, by kind of merchandise, on the day of the last one; and those after the e-mail."""
    cents = (test["history"] * 100).round().astype("int64")
    both = (test["mens"] == 1) & (test["womens"] == 1)
    mens = cents.where(~both, cents // 2)
    found = [
        pd.DataFrame(
            {
                "order_id": product[0] + number[has],
                "customer_id": customer[has],
                "product_id": product,
                "ordered_at": bought[has].dt.tz_localize("UTC"),
                "amount": amount[has],
            }
        )
        for product, has, amount in (
            (MENS, test["mens"] == 1, mens),
            (WOMENS, test["womens"] == 1, cents.where(~both, cents - mens)),
        )
    ]
    after = test["conversion"] == 1
    found.append(
        pd.DataFrame(
            {
                "order_id": "A" + number[after],
                "campaign_id": CAMPAIGN,
                "customer_id": customer[after],
                "product_id": test["mens"][after].map({1: MENS, 0: WOMENS}),
                "ordered_at": pd.Timestamp(CONTACT_DATE, tz="UTC") + pd.Timedelta(days=7, hours=4),
                "amount": (test["spend"][after] * 100).round().astype("int64"),
            }
        )
    )
    return pd.concat(found, ignore_index=True)
