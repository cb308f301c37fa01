"""The bank_marketing adapter: a Portuguese bank's telephone campaigns (UCI) as landing files of one business date."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from bankmart.errors import BankmartError
from bankmart.sources import contract, landing
from bankmart.sources.adapters.bank_marketing_dates import contact_dates, moments
from bankmart.sources.adapters.berka import to_arrow

FILE = "bank-additional-full.csv"
PERSON = ("age", "job", "marital", "education", "default", "housing", "loan")
CALL = ("contact", "month", "day_of_week", "duration", "campaign", "pdays", "previous", "poutcome")
MACRO = ("emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed")
HEADER = (*PERSON, *CALL, *MACRO, "y")
FIRST_DAY, GO_LIVE = date(2008, 5, 1), date(2010, 11, 30)
NOW, EARLIER = "term_deposit", "earlier"
# The file's own word for "never": days since a contact that there wasn't, or whose date isn't known.
NEVER = 999
PRODUCTS = (
    ("current", "Current account", "current"),
    ("term_deposit", "Term deposit", "term_deposit"),
    ("housing_loan", "Housing loan", "loan"),
    ("personal_loan", "Personal loan", "loan"),
)
RESPONSE = {"yes": "bought", "no": "refused", "success": "bought", "failure": "refused"}
Extracts = dict[tuple[str, str], pd.DataFrame]


class BankMarketingError(BankmartError):
    """The file isn't what the adapter can turn into extracts: says what is wrong and what to do."""


def convert(source: Path, target: Path) -> dict[str, Any]:
    """Write landing files under `target` from the CSV in `source`; returns what was written.

    All of it is of business date GO_LIVE. The file names no customer: each line is one of his own. It gives month
    and weekday of a contact only: see `bank_marketing_dates`. Earlier contacts of the same campaign are put on the
    day of the last one, since the file counts them without dates. Whether a customer is in default has no place in
    the contract and isn't delivered. The length of a call is known when it ends: it is the response's moment.

    Raises BankMarketingError before anything is written.
    """
    raw = _read(source / FILE)
    extracts = _extracts(raw)
    tables = contract.load()
    ready = {(system, name): to_arrow(tables[system][name], frame) for (system, name), frame in extracts.items()}
    for (system, name), rows in ready.items():
        landing.write_extract(target, tables[system][name], GO_LIVE, rows)
    return {
        "source": str(source),
        "landing": str(target),
        "business_date": GO_LIVE.isoformat(),
        "lines": len(raw),
        "contact_days": int(raw["date"].nunique()),
        "rows": {f"{system}.{name}": rows.num_rows for (system, name), rows in ready.items()},
    }


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise BankMarketingError(f"{path} is missing. Give the folder with {FILE}.")
    raw = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
    if tuple(raw.columns) != HEADER:
        raise BankMarketingError(f"{FILE}, line 1: the header isn't {';'.join(HEADER)}. Take the file as published.")
    numbers = ["age", "duration", "campaign", "pdays", "previous", *MACRO]
    for name in numbers:
        values = pd.to_numeric(raw[name], errors="coerce")
        if values.isna().any():
            line = int(values.index[values.isna()][0]) + 2
            raise BankMarketingError(f"{FILE}, line {line}, column {name}: {raw[name][line - 2]!r} is not a number.")
        raw[name] = values
    for name, known in (("y", ("yes", "no")), ("contact", ("cellular", "telephone"))):
        if wrong := set(raw[name]) - set(known):
            raise BankMarketingError(f"{FILE}: {name} is {sorted(wrong)[0]!r}, known are {', '.join(known)}.")
    if raw.empty:
        raise BankMarketingError(f"{FILE} has a header and no lines. Take the whole file.")
    raw["date"] = contact_dates(raw["month"], raw["day_of_week"], raw[list(MACRO)])
    raw["at"] = moments(raw["date"])
    raw["customer_id"] = [f"BM{line:06d}" for line in range(1, len(raw) + 1)]
    return raw


def _extracts(raw: pd.DataFrame) -> Extracts:
    start = pd.Timestamp(FIRST_DAY)
    known = raw[["job", "marital", "education"]].mask(lambda values: values == "unknown")
    year = raw["date"].dt.year - raw["age"].astype(int)
    contacts, responses = _contacts(raw)
    return {
        ("core_banking", "customer"): pd.DataFrame(
            {
                "customer_id": raw["customer_id"],
                "birth_date": pd.to_datetime(year.astype(str) + "-01-01"),
                "occupation": known["job"],
                "education": known["education"],
                "marital_status": known["marital"],
                "open_date": start,
                "status": "active",
                "effective_date": start,
            }
        ),
        ("core_banking", "product"): pd.DataFrame(PRODUCTS, columns=["product_id", "name", "product_line"]).assign(
            is_on_sale=True
        ),
        ("core_banking", "account"): _accounts(raw, start),
        ("core_banking", "balance"): pd.DataFrame(
            {"account_id": "A" + raw["customer_id"], "balance_date": start, "balance_amount": 0}
        ).head(0),
        ("core_banking", "transaction"): pd.DataFrame(
            columns=["transaction_id", "account_id", "transaction_date", "direction", "amount", "channel", "purpose"]
        ),
        ("campaign", "campaign"): pd.DataFrame(
            {
                "campaign_id": [NOW, EARLIER],
                "name": ["Term deposit by telephone", "The campaign before"],
                "product_id": ["term_deposit", None],
                "start_date": [start, pd.Timestamp(FIRST_DAY.replace(year=FIRST_DAY.year - 3))],
                "end_date": [pd.Timestamp(GO_LIVE)] * 2,
                "is_randomised": False,
            }
        ),
        ("campaign", "creative"): pd.DataFrame(
            {
                "creative_id": ["cellular", "telephone"],
                "campaign_id": NOW,
                "channel": "call",
                "title": ["Call to a mobile number", "Call to a fixed line"],
                "creative_text": "Would you like a term deposit?",
                "language": "en",
                "created_date": start,
            }
        ),
        ("campaign", "contact"): contacts,
        ("campaign", "response"): responses,
        ("external", "macro_indicator"): _indicators(raw),
    }


def _accounts(raw: pd.DataFrame, start: pd.Timestamp) -> pd.DataFrame:
    held = [("A", "current", raw["customer_id"])]
    held += [("H", "housing_loan", raw.loc[raw["housing"] == "yes", "customer_id"])]
    held += [("L", "personal_loan", raw.loc[raw["loan"] == "yes", "customer_id"])]
    made = [
        pd.DataFrame({"account_id": letter + owner, "customer_id": owner, "product_id": product})
        for letter, product, owner in held
    ]
    accounts = pd.concat(made, ignore_index=True)
    return accounts.assign(currency="EUR", open_date=start, status="active", effective_date=start)


def _contacts(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All calls: the last of this campaign, those before it, and those of the campaign before; and their outcomes."""
    number = raw["customer_id"].str[2:]
    last = pd.DataFrame(
        {"contact_id": "C" + number, "campaign_id": NOW, "customer_id": raw["customer_id"], "contacted_at": raw["at"]}
    ).assign(creative_id=raw["contact"])
    before = last.loc[last.index.repeat(raw["campaign"].astype(int) - 1)]
    back = before.groupby(level=0).cumcount() + 1
    # A second apart: the file says how many, not when.
    before = before.assign(
        contact_id=before["contact_id"] + "-" + back.astype(str),
        contacted_at=before["contacted_at"] - pd.to_timedelta(back, unit="s") / 100,
    )
    past = last.loc[last.index.repeat(raw["previous"].astype(int))]
    nth = past.groupby(level=0).cumcount()
    days = pd.to_timedelta(raw["pdays"].astype(int), unit="D").reindex(past.index)
    past = past.assign(
        contact_id="E" + past["contact_id"].str[1:] + "-" + nth.astype(str),
        campaign_id=EARLIER,
        creative_id=None,
        contacted_at=past["contacted_at"] - days - pd.to_timedelta(nth, unit="s"),
    )
    contacts = pd.concat([past, before, last], ignore_index=True).assign(treatment=NOW, channel="call")
    ended = raw["at"] + pd.to_timedelta(raw["duration"].astype(int), unit="s")
    now = pd.DataFrame({"contact_id": "C" + number, "occurred_at": ended, "response_type": raw["y"].map(RESPONSE)})
    known = raw["poutcome"].isin(RESPONSE) & (raw["previous"] > 0)
    then = pd.DataFrame(
        {
            "contact_id": "E" + number + "-0",
            "occurred_at": raw["at"] - pd.to_timedelta(raw["pdays"].astype(int), unit="D"),
            "response_type": raw["poutcome"].map(RESPONSE),
        }
    )
    owner = {"customer_id": raw["customer_id"]}
    responses = pd.concat([then.assign(**owner).loc[known], now.assign(**owner)], ignore_index=True)
    return contacts, responses.assign(response_id="R" + responses["contact_id"])


def _indicators(raw: pd.DataFrame) -> pd.DataFrame:
    """A value per indicator and day on which it is another than before."""
    first = raw.drop_duplicates("date")
    made = [
        pd.DataFrame(
            {"indicator_code": name, "period_date": first["date"], "indicator_value": first[name].astype(float)}
        )
        for name in MACRO
    ]
    rows = pd.concat(made, ignore_index=True)
    moved = rows["indicator_value"] != rows.groupby("indicator_code")["indicator_value"].shift()
    return rows.loc[moved].reset_index(drop=True)
